/** The package as its users get it: `npm pack`, installed in an empty folder, without TypeScript and the trainer's packages. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { listening } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mneme-package-'))
const mneme = join(folder, 'node_modules/.bin/mneme')

beforeAll(() => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    }).replace(/^[^[]*/, ''),
  ) as [{ filename: string }]
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  // No dependency needs its install script; onnxruntime-node's would download CUDA.
  const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  execFileSync('npm', [...flags, join(folder, packed.filename)], { cwd: folder, stdio: 'pipe' })
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('serves the bundled model, with what serving needs and nothing else', async () => {
  for (const absent of ['tsx', 'esbuild', 'typescript', 'vega', 'tokenizers', '@tensorflow'])
    expect([absent, existsSync(join(folder, 'node_modules', absent))]).toEqual([absent, false])
  const args = ['serve', '--port', '0', '--data', temporaryFolder(), '--log-level', 'warn']
  const server = await listening(spawn(mneme, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }))
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  const told = (await (
    await server.post('/v1/responses', { input: 'My locker code is 4071.', temperature: 0 })
  ).json()) as Json
  const ask = { input: 'What is my locker code?', previous_response_id: told.id, temperature: 0 }
  const answer = (await (await server.post('/v1/responses', ask)).json()) as Json
  expect(answer.output[0].content[0].text).toContain('4071')
  server.child.kill('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('says which packages training needs', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(execFileSync(mneme, ['--version'], { encoding: 'utf8' })).toBe(`${version}\n`)
  let stderr = ''
  try {
    execFileSync(mneme, ['train', '--list'], { stdio: 'pipe' })
  } catch (error) {
    stderr = String((error as { stderr: Buffer }).stderr)
  }
  expect(stderr).toMatch(
    /^mneme train: this command needs packages that serving does not\. Install them: npm install .*vega@/,
  )
})
