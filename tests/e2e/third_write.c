// Preloaded into a node: of its writes to files below $THIRD_WRITE_BELOW each third one fails as on a
// broken disk, from the moment when $THIRD_WRITE_FROM exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_bad(int descriptor) {
  const char* below = getenv("THIRD_WRITE_BELOW");
  const char* from = getenv("THIRD_WRITE_FROM");
  if (!below || !from || access(from, F_OK) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, below, strlen(below)) == 0;
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static ssize_t (*real)(int, const void*, size_t);
  static atomic_uint writes;
  if (!real) real = (ssize_t(*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
  if (is_bad(descriptor) && atomic_fetch_add(&writes, 1) % 3 == 2) {
    errno = EIO;
    return -1;
  }
  return real(descriptor, bytes, count);
}
