/** What the operating system says, in a sentence: for errors that nobody has put into words before. */

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'it exists already',
  EIO: 'the device failed',
  EISDIR: 'it is a folder',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is not a folder',
  ENOTEMPTY: 'the folder is not empty',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
}

/** Why the operating system refused something, in words. */
export function systemReason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}

/** `PATH: no space is left on the device`, or undefined for what is no error of the operating system. */
export function systemSentence(error: unknown): string | undefined {
  const { code, path, dest, syscall } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string }
  const reason = syscall === undefined ? undefined : reasons[code ?? '']
  if (reason === undefined) return undefined
  const where = dest ?? path
  return where === undefined ? `${syscall}: ${reason}` : `${where}: ${reason}`
}
