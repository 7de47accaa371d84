import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crc32c } from '../../../trainer/run/crc32c.ts'
import { createEventFile } from '../../../trainer/run/tensorboard.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const metric = (step: number, heldOut?: number) => ({
  step,
  tokens: step * 64,
  loss: 5 / step,
  norm: 1.25,
  learningRate: 1e-3,
  tokensPerSecond: 1000,
  ...(heldOut === undefined ? {} : { heldOut }),
})

/** A run of steps 10 and 20 that was continued from 10. */
function written(): string {
  const folder = temporaryFolder()
  let now = 1_700_000_000_000
  const clock = (): number => (now += 1500)
  const first = createEventFile(folder, clock)
  first.write(metric(10))
  first.write(metric(20, 0.75))
  createEventFile(folder, clock).write(metric(20, 0.5))
  return folder
}

test('the checksum is that of the standard', () => {
  // RFC 3720, B.4
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('nothing is written before there is something to write', () => {
  const folder = join(temporaryFolder(), 'tensorboard')
  createEventFile(folder)
  expect(() => readdirSync(folder)).toThrow('ENOENT')
})

test('event files are records whose checksums hold, and a continued run begins with its session', () => {
  const folder = written()
  const files = readdirSync(folder).toSorted()
  expect(files).toHaveLength(2)
  for (const file of files) {
    const bytes = readFileSync(join(folder, file))
    expect(file).toMatch(/^events\.out\.tfevents\.17000000\d\d\./)
    const records = recordsOf(bytes)
    expect(records[0]!.includes('brain.Event:2')).toBe(true)
    expect(records.some((record) => record.includes('gradient-norm'))).toBe(true)
  }
})

/** Reads TFRecords, by the definition of the masked checksum. */
function recordsOf(bytes: Buffer): Buffer[] {
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0
    return ((rotated >>> 17) | (rotated << 15)) >>> 0
  }
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at))
    expect(crc32c(bytes.subarray(at, at + 8))).toBe(unmask(bytes.readUInt32LE(at + 8)))
    const data = bytes.subarray(at + 12, at + 12 + length)
    expect(crc32c(data)).toBe(unmask(bytes.readUInt32LE(at + 12 + length)))
    records.push(data)
    at += 16 + length
  }
  return records
}

const python = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
`
const hasTensorBoard = spawnSync('python3', ['-c', 'import tensorboard.backend.event_processing']).status === 0

test.skipIf(!hasTensorBoard)('TensorBoard reads every curve, and forgets what a continued run measured again', () => {
  const script = join(temporaryFolder(), 'read.py')
  writeFileSync(script, python)
  const { stdout, stderr } = spawnSync('python3', [script, written()], { encoding: 'utf8' })
  const scalars = JSON.parse(stdout.trim().split('\n').at(-1) || `"${stderr}"`) as Record<string, [number, number][]>
  expect(scalars['loss/held-out']).toEqual([[20, 0.5]])
  expect(scalars['loss/training']!.map(([step]) => step)).toEqual([10, 20])
  expect(scalars['gradient-norm']).toEqual([
    [10, 1.25],
    [20, 1.25],
  ])
  expect(Object.keys(scalars).toSorted()).toEqual([
    'gradient-norm',
    'learning-rate',
    'loss/held-out',
    'loss/training',
    'tokens-per-second',
  ])
})
