/*
 * Preloaded into a server, writes down what it does to the files of one folder: writes, truncations, removals, renames
 * and syncs, in their order. From that record a test makes the folder that a power cut would have left: what was synced
 * is there, what was not may be missing (harness.ts).
 *
 * POWER_LOSS_FOLDER  the folder that is watched
 * POWER_LOSS_RECORD  the file that the record is appended to
 * POWER_LOSS_LIE     if set, syncs are not written down: what an operating system that ignores fsync would do
 *
 * A record: kind (1 byte), length of the path (2), path, offset (8), length of the data (4), data. Little-endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;

static const char *folder(void) { return getenv("POWER_LOSS_FOLDER"); }

static int watched(const char *path) {
  const char *f = folder();
  return f && strncmp(path, f, strlen(f)) == 0;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, 4095);
  if (n <= 0) return 0;
  path[n] = 0;
  return watched(path);
}

static void put(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
  uint16_t path_length = (uint16_t)strlen(path);
  size_t size = 1 + 2 + path_length + 8 + 4 + length;
  char *buffer = malloc(size), *at = buffer;
  *at++ = kind;
  memcpy(at, &path_length, 2), at += 2;
  memcpy(at, path, path_length), at += path_length;
  memcpy(at, &offset, 8), at += 8;
  memcpy(at, &length, 4), at += 4;
  if (length) memcpy(at, data, length);
  if (record_fd < 0) record_fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("POWER_LOSS_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (syscall(SYS_write, record_fd, buffer, size) != (long)size) abort();
  free(buffer);
}

/* The call itself and its record are one step, so that the record has the order in which things happened. */
#define AROUND(call, done, note)          \
  pthread_mutex_lock(&lock);              \
  long result = (long)(call);             \
  if (done) { note; }                     \
  pthread_mutex_unlock(&lock);            \
  return result

static ssize_t write_at(int fd, const void *data, size_t length, off_t offset, int positioned) {
  char path[4096];
  if (!path_of(fd, path)) return positioned ? syscall(SYS_pwrite64, fd, data, length, offset) : syscall(SYS_write, fd, data, length);
  if (!positioned) offset = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
  AROUND(positioned ? syscall(SYS_pwrite64, fd, data, length, offset) : syscall(SYS_write, fd, data, length), result > 0,
         put('w', path, (uint64_t)offset, data, (uint32_t)result));
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset, 1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset, 1); }
ssize_t write(int fd, const void *data, size_t length) { return write_at(fd, data, length, 0, 0); }

static int truncated(int fd, off_t length) {
  char path[4096];
  if (!path_of(fd, path)) return (int)syscall(SYS_ftruncate, fd, length);
  AROUND(syscall(SYS_ftruncate, fd, length), result == 0, put('t', path, (uint64_t)length, NULL, 0));
}

int ftruncate64(int fd, off_t length) { return truncated(fd, length); }
int ftruncate(int fd, off_t length) { return truncated(fd, length); }

static int synced(int fd, long number) {
  char path[4096];
  if (!path_of(fd, path)) return (int)syscall(number, fd);
  AROUND(syscall(number, fd), result == 0 && !getenv("POWER_LOSS_LIE"), put('s', path, 0, NULL, 0));
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int unlink(const char *path) {
  if (!watched(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  AROUND(syscall(SYS_unlinkat, AT_FDCWD, path, 0), result == 0, put('u', path, 0, NULL, 0));
}

int rename(const char *from, const char *to) {
  if (!watched(to)) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  AROUND(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to), result == 0, put('r', from, 0, to, (uint32_t)strlen(to)));
}
