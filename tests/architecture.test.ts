import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['models', 'runtime', 'exporter', 'trainer', 'server', 'clients'] as const
type Folder = (typeof folders)[number]

/** What each folder may import of ours. */
const arrows: Record<Folder, readonly Folder[]> = {
  models: [],
  runtime: [],
  exporter: ['models', 'runtime'],
  trainer: ['models', 'runtime', 'exporter'],
  server: ['runtime'],
  clients: [],
}

const topLevel = new Set(
  'trainer exporter server clients models runtime tests docs package.json package-lock.json tsconfig.json vitest.config.ts Dockerfile README.md LICENSE'.split(
    ' ',
  ),
)

const tracked = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')

/** Which of our folders may not be imported into a file, by what oxlint says of it. */
function refusedBy(file: string): Folder[] {
  // In a tree of its own with our configuration: other tests look at the real one.
  const folder = mkdtempSync(join(tmpdir(), 'mneme-architecture-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, '.oxlintrc.json'), readFileSync(join(root, '.oxlintrc.json')))
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  const up = '../'.repeat(file.split('/').length - 1)
  writeFileSync(join(folder, file), folders.map((name) => `import '${up}${name}/a.ts'\n`).join(''))
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'unix', file], {
    cwd: folder,
    encoding: 'utf8',
  })
  const reported = stdout.split('\n').filter((line) => line.includes('no-restricted-imports'))
  return folders.filter((_, i) => reported.some((line) => line.split(':')[1] === String(i + 1)))
}

test.each(folders)('%s imports what its arrows allow, and the linter reports anything else', (folder) => {
  const forbidden = folders.filter((name) => name !== folder && !arrows[folder].includes(name))
  for (const file of [`${folder}/a.ts`, `${folder}/deep/er/b.ts`]) expect(refusedBy(file)).toEqual(forbidden)
})

test('the typed client imports its own files only', () => {
  expect(refusedBy('clients/typescript/a.ts')).toEqual([...folders])
})

test('only the dispatcher is exempt', () => {
  expect(refusedBy('clients/cli/mneme.ts')).toEqual([])
  expect(refusedBy('clients/cli/chat.ts')).toEqual(folders.filter((name) => name !== 'clients'))
})

test('the top level has the entries that it may have, and dot files', () => {
  const entries = [...new Set(tracked.map((file) => file.split('/')[0] ?? ''))].filter((name) => !name.startsWith('.'))
  expect(entries.filter((name) => !topLevel.has(name))).toEqual([])
})

// The linter's import/no-cycle leaves out imports of types; these count here too.
test('no files import each other in a circle, not even for their types', () => {
  const files = tracked.filter((file) => file.endsWith('.ts') && existsSync(join(root, file)))
  const imports = new Map(files.map((file) => [file, importsOf(file).filter((target) => files.includes(target))]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (path.includes(file) || done.has(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(circles).toEqual([])
})

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path]) =>
    normalize(join(dirname(file), path!)),
  )
}

// Where the lock file says so npm runs a package's install script, and onnxruntime-node's downloads CUDA or fails.
test('no install script runs with npm ci', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  expect(Object.keys(packages).filter((name) => packages[name]?.hasInstallScript)).toEqual([])
})
