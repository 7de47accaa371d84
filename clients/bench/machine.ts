/** The machine that the figures are of, in a line. */
import { arch, cpus, freemem, loadavg, platform, totalmem } from 'node:os'

export function describeMachine(): string {
  const all = cpus()
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1)
  const memory = `${gib(totalmem())} GiB of memory, ${gib(freemem())} free`
  const load = `load ${(loadavg()[0] ?? 0).toFixed(1)}`
  return `${all.length} x ${all[0]?.model.trim() ?? 'unknown processor'}, ${memory}, ${load}; ${platform()} ${arch()}, Node ${process.versions.node}`
}
