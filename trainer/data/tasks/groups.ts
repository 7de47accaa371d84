/** Small groups of permutations as multiplication tables. */

/** Tables by name: `table[a][b]` is a, then b; element 0 is the identity. */
export const groups: ReadonlyMap<string, readonly (readonly number[])[]> = new Map([
  ['S2', table(permutations(2))],
  ['S3', table(permutations(3))],
  ['A4', table(permutations(4).filter(isEven))],
  ['S4', table(permutations(4))],
  ['A5', table(permutations(5).filter(isEven))],
  ['S5', table(permutations(5))],
])

type Permutation = readonly number[]

/** All permutations of 0 to n - 1 in the order of the alphabet, so that the identity is the first. */
function permutations(n: number): Permutation[] {
  const grow = (begun: Permutation): Permutation[] =>
    begun.length === n
      ? [begun]
      : Array.from({ length: n }, (_, i) => i)
          .filter((i) => !begun.includes(i))
          .flatMap((i) => grow([...begun, i]))
  return grow([])
}

function isEven(p: Permutation): boolean {
  let swaps = 0
  for (let i = 0; i < p.length; i++) for (let j = 0; j < i; j++) if (p[j]! > p[i]!) swaps++
  return swaps % 2 === 0
}

function table(elements: readonly Permutation[]): number[][] {
  const index = new Map(elements.map((p, i) => [p.join(), i]))
  return elements.map((a) => elements.map((b) => index.get(a.map((x) => b[x]!).join())!))
}
