/** How often progress is said. */

/** Returns a function that says whether a second has passed since it last said so. */
export function everySecond(): () => boolean {
  let last = performance.now()
  return () => {
    if (performance.now() - last < 1000) return false
    last = performance.now()
    return true
  }
}
