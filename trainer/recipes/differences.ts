/** Where two trees of settings differ. */

export interface Difference {
  /** With dots between the names. */
  readonly path: string
  readonly one: unknown
  readonly other: unknown
}

/** Every setting that the two trees do not have alike; undefined in the one that lacks it. Lists are compared whole. */
export function differences(one: object, other: object, path = ''): Difference[] {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].flatMap((key): Difference[] => {
    const [a, b] = [one, other].map((tree) => (tree as Record<string, unknown>)[key])
    if (isGroup(a) && isGroup(b)) return differences(a, b, `${path}${key}.`)
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path: path + key, one: a, other: b }]
  })
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
