/** Sizes of memory as people write them. */
import { z } from 'zod'

const UNITS: Readonly<Record<string, number>> = {
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
  TI: 2 ** 40,
}

/** Bytes, with a unit or without: 8GB, 512MiB, 1.5G, 4000000000. */
export const byteCount = z.union([z.number(), z.string()]).transform((value, context) => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]I?)?B?$/i.exec(String(value).trim()) ?? []
  const bytes = Math.floor(Number(number) * (UNITS[unit.toUpperCase()] ?? 1))
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  context.addIssue(`expected a number of bytes such as 8GB, 512MiB or 4000000000, got ${String(value).slice(0, 40)}`)
  return z.NEVER
})
