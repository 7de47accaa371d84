/**
 * TensorBoard's event files, so that `tensorboard --logdir RUN` shows a run while it trains. A file is a sequence of
 * TFRecords (tensorflow/core/lib/io/record_writer.h), each an Event (tensorflow/core/util/event.proto) in protobuf.
 */
import { appendFileSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { FileError } from '../files.ts'
import { maskedCrc32c } from './crc32c.ts'
import type { Metric } from './metrics.ts'

export interface EventFile {
  readonly write: (metric: Metric) => void
}

/** The numbers of a metric that are drawn, by the names of their curves. */
const curves: Readonly<Record<string, (metric: Metric) => number | undefined>> = {
  'loss/training': ({ loss }) => loss,
  'loss/held-out': ({ heldOut }) => heldOut,
  'gradient-norm': ({ norm }) => norm,
  'learning-rate': ({ learningRate }) => learningRate,
  'tokens-per-second': ({ tokensPerSecond }) => tokensPerSecond,
}

/**
 * A new file in `folder`, made with the first metric. It begins with the start of a session, at which TensorBoard
 * forgets what earlier files have from that step on: a continued run has measured it again.
 */
export function createEventFile(folder: string, now: () => number = Date.now): EventFile {
  let path: string | undefined
  const append = (events: readonly Buffer[]): void => {
    try {
      appendFileSync(path!, Buffer.concat(events.map(record)))
    } catch (cause) {
      throw FileError.of(path!, 'written', cause)
    }
  }
  return {
    write(metric) {
      const seconds = now() / 1000
      if (path === undefined) {
        mkdirSync(folder, { recursive: true })
        path = join(folder, `events.out.tfevents.${Math.floor(seconds)}.${hostname()}.${process.pid}`)
        append([
          event(seconds, 0, bytesField(3, Buffer.from('brain.Event:2'))), //        file_version
          event(seconds, metric.step, bytesField(7, varintField(1, 1))), //         session_log: START
        ])
      }
      const values = Object.entries(curves).flatMap(([tag, valueOf]) => {
        const value = valueOf(metric)
        return value === undefined ? [] : [scalar(tag, value)]
      })
      append([event(seconds, metric.step, bytesField(5, Buffer.concat(values)))]) // summary
    },
  }
}

/** Length, checksum of the length, data, checksum of the data. */
function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(data.length))
  return Buffer.concat([length, uint32(maskedCrc32c(length)), data, uint32(maskedCrc32c(data))])
}

function event(seconds: number, step: number, content: Buffer): Buffer {
  const wallTime = Buffer.alloc(9, (1 << 3) | 1)
  wallTime.writeDoubleLE(seconds, 1)
  return Buffer.concat([wallTime, varintField(2, step), content])
}

/** Summary.Value: a tag and a simple_value. */
function scalar(tag: string, value: number): Buffer {
  const simple = Buffer.alloc(5, (2 << 3) | 5)
  simple.writeFloatLE(value, 1)
  return bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), simple]))
}

const bytesField = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes])
const varintField = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  while (left >= 128) {
    bytes.push((left % 128) | 128)
    left = Math.floor(left / 128)
  }
  return Buffer.from([...bytes, left])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
