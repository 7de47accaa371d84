/** A disk of a few megabytes that really is full: a tmpfs in a mount namespace of the server's own. */
import { execFileSync, spawnSync } from 'node:child_process'

/** Whether this machine lets us make one. */
export const smallDisksWork =
  spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt'], { stdio: 'ignore' }).status === 0

/** A shell command that puts a disk of `bytes` on `folder`, for what is started after it. */
export function smallDisk(folder: string, bytes: number): string {
  return `mount -t tmpfs -o size=${bytes} tmpfs "${folder}"`
}

/** Runs a shell command that sees the disk of process `pid`. */
export function onDisk(pid: number | undefined, command: string): string {
  return execFileSync('nsenter', ['-t', String(pid), '-m', 'sh', '-c', command], { encoding: 'utf8' })
}

/** Gives the disk on `folder`, as process `pid` sees it, another size. */
export function resizeDisk(pid: number | undefined, folder: string, bytes: number): void {
  onDisk(pid, `mount -o remount,size=${bytes} "${folder}"`)
}
