// Test equipment, loaded into the tested command by LD_PRELOAD: makes its n-th call that writes fail. It is C because it
// has to stand under the C library's own names, in a library without a runtime of its own.

#define _GNU_SOURCE
#include "faulty_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct faulty_disk_report *report;
static const char *folder;
static int64_t failing;
static int code;
static bool lasting;

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("FAULTY_DISK_REPORT");
  const char *number = getenv("FAULTY_DISK_FAIL");
  const char *error = getenv("FAULTY_DISK_ERROR");
  const char *last = getenv("FAULTY_DISK_LASTING");
  folder = getenv("FAULTY_DISK_FOLDER");
  if (file == NULL || folder == NULL) return;
  failing = number == NULL ? 0 : atoll(number);
  code = error == NULL ? EIO : atoi(error);
  lasting = last != NULL && atoi(last) == 1;
  int descriptor = NEXT(open)(file, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  void *memory = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory != MAP_FAILED) report = memory;
  close(descriptor);
}

/// Counts a call and says whether it is to fail.
static bool fails(const char *call, const char *path) {
  int64_t number = atomic_fetch_add((_Atomic int64_t *)&report->count, 1) + 1;
  if (failing == 0 || (lasting ? number < failing : number != failing)) return false;
  if (report->failed[0] == 0) snprintf(report->failed, sizeof report->failed, "%s %s", call, path);
  errno = code;
  return true;
}

static bool is_inside(const char *path) {
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/// Whether a call on a path is to fail. A path that is relative to a folder's descriptor is taken from that folder.
static bool path_fails(const char *call, int base, const char *path) {
  if (report == NULL || path == NULL) return false;
  char full[4096], link[64];
  if (path[0] == '/') return is_inside(path) && fails(call, path);
  ssize_t length;
  if (base == AT_FDCWD) {
    if (getcwd(full, sizeof full) == NULL) return false;
    length = (ssize_t)strlen(full);
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", base);
    length = readlink(link, full, sizeof full - 1);
    if (length < 0) return false;
  }
  snprintf(full + length, sizeof full - (size_t)length, "/%s", path);
  return is_inside(full) && fails(call, full);
}

static bool descriptor_fails(const char *call, int descriptor) {
  if (report == NULL) return false;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  return is_inside(path) && fails(call, path);
}

static bool open_fails(int base, const char *path, int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && path_fails("open", base, path);
}

#define MODE(flags)                                        \
  mode_t mode = 0;                                         \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {            \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    mode = va_arg(rest, mode_t);                           \
    va_end(rest);                                          \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(AT_FDCWD, path, flags) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(AT_FDCWD, path, flags) ? -1 : NEXT(open64)(path, flags, mode);
}

int openat(int base, const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(base, path, flags) ? -1 : NEXT(openat)(base, path, flags, mode);
}

int openat64(int base, const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(base, path, flags) ? -1 : NEXT(openat64)(base, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
  return path_fails("open", AT_FDCWD, path) ? -1 : NEXT(creat)(path, mode);
}

int creat64(const char *path, mode_t mode) {
  return path_fails("open", AT_FDCWD, path) ? -1 : NEXT(creat64)(path, mode);
}

int mkostemp(char *path, int flags) { return path_fails("open", AT_FDCWD, path) ? -1 : NEXT(mkostemp)(path, flags); }
int mkstemp(char *path) { return path_fails("open", AT_FDCWD, path) ? -1 : NEXT(mkstemp)(path); }
char *mkdtemp(char *path) { return path_fails("mkdir", AT_FDCWD, path) ? NULL : NEXT(mkdtemp)(path); }

FILE *fopen(const char *path, const char *mode) {
  bool writes = strpbrk(mode, "wa+") != NULL;
  return writes && path_fails("open", AT_FDCWD, path) ? NULL : NEXT(fopen)(path, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  bool writes = strpbrk(mode, "wa+") != NULL;
  return writes && path_fails("open", AT_FDCWD, path) ? NULL : NEXT(fopen64)(path, mode);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  return descriptor_fails("write", descriptor) ? -1 : NEXT(write)(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  return descriptor_fails("write", descriptor) ? -1 : NEXT(pwrite)(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return descriptor_fails("write", descriptor) ? -1 : NEXT(pwrite64)(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  return descriptor_fails("write", descriptor) ? -1 : NEXT(writev)(descriptor, parts, count);
}

int fsync(int descriptor) { return descriptor_fails("fsync", descriptor) ? -1 : NEXT(fsync)(descriptor); }
int fdatasync(int descriptor) { return descriptor_fails("fsync", descriptor) ? -1 : NEXT(fdatasync)(descriptor); }

int ftruncate(int descriptor, off_t length) {
  return descriptor_fails("ftruncate", descriptor) ? -1 : NEXT(ftruncate)(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) {
  return descriptor_fails("ftruncate", descriptor) ? -1 : NEXT(ftruncate64)(descriptor, length);
}

int rename(const char *from, const char *to) {
  return path_fails("rename", AT_FDCWD, to) ? -1 : NEXT(rename)(from, to);
}

int renameat(int from_base, const char *from, int to_base, const char *to) {
  return path_fails("rename", to_base, to) ? -1 : NEXT(renameat)(from_base, from, to_base, to);
}

int renameat2(int from_base, const char *from, int to_base, const char *to, unsigned flags) {
  return path_fails("rename", to_base, to) ? -1 : NEXT(renameat2)(from_base, from, to_base, to, flags);
}

int mkdir(const char *path, mode_t mode) { return path_fails("mkdir", AT_FDCWD, path) ? -1 : NEXT(mkdir)(path, mode); }

int mkdirat(int base, const char *path, mode_t mode) {
  return path_fails("mkdir", base, path) ? -1 : NEXT(mkdirat)(base, path, mode);
}
