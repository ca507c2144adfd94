/* Loaded before the C library: lets one call on a file below a folder fail.
 *
 * fault_arm(kind, n, error, on, folder): the n-th call of a kind (from 1) returns -1 with errno
 * `error`; with `on`, every later one of its kind too, as on a full disk. fault_count(kind) returns
 * how many there were. Calls from inside the C library (fopen, malloc) are not reached.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN, WRITE, RENAME, FSYNC, CLOSE, UNLINK, MKDIR, LINK, MMAP, READ, KINDS };

static char folder[PATH_MAX];
static long counts[KINDS], chosen;
static int kind = -1, error, on;

void fault_arm(int which, long n, int number, int stays, const char *where) {
    memset(counts, 0, sizeof counts);
    snprintf(folder, sizeof folder, "%s", where);
    kind = which, chosen = n, error = number, on = stays;
}

long fault_count(int which) { return counts[which]; }

static int fails(int which) {
    long count = __sync_add_and_fetch(&counts[which], 1);
    if (which != kind || !(count == chosen || (on && count > chosen))) return 0;
    errno = error;
    return 1;
}

static int below(const char *path) {
    char whole[PATH_MAX];
    if (!*folder || !path) return 0;
    if (*path != '/') {
        if (!getcwd(whole, sizeof whole)) return 0;
        return !strncmp(whole, folder, strlen(folder));
    }
    return !strncmp(path, folder, strlen(folder));
}

static int of(int file) {
    char name[64], path[PATH_MAX];
    if (!*folder) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
    }

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        MODE REAL(#name, int, const char *, int, mode_t); \
        return below(path) && fails(OPEN) ? -1 : real(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)
#define OPENING_AT(name) \
    int name(int place, const char *path, int flags, ...) { \
        MODE REAL(#name, int, int, const char *, int, mode_t); \
        return below(path) && fails(OPEN) ? -1 : real(place, path, flags, mode); \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

#define MOVING(name, which, length, ...) \
    ssize_t name(int file, __VA_ARGS__) { \
        REAL(#name, ssize_t, int, __VA_ARGS__); \
        return of(file) && fails(which) ? -1 : real length; \
    }
MOVING(write, WRITE, (file, data, size), const void *data, size_t size)
MOVING(pwrite, WRITE, (file, data, size, at), const void *data, size_t size, off_t at)
MOVING(pwrite64, WRITE, (file, data, size, at), const void *data, size_t size, off64_t at)
MOVING(writev, WRITE, (file, data, size), const struct iovec *data, int size)
MOVING(read, READ, (file, data, size), void *data, size_t size)
MOVING(pread, READ, (file, data, size, at), void *data, size_t size, off_t at)
MOVING(pread64, READ, (file, data, size, at), void *data, size_t size, off64_t at)

int ftruncate(int file, off_t size) {
    REAL("ftruncate", int, int, off_t);
    return of(file) && fails(WRITE) ? -1 : real(file, size);
}
int ftruncate64(int file, off64_t size) {
    REAL("ftruncate64", int, int, off64_t);
    return of(file) && fails(WRITE) ? -1 : real(file, size);
}
int fsync(int file) {
    REAL("fsync", int, int);
    return of(file) && fails(FSYNC) ? -1 : real(file);
}
int close(int file) {
    REAL("close", int, int);
    int wrong = of(file) && fails(CLOSE), code = real(file); /* it is closed all the same */
    if (!wrong) return code;
    errno = error;
    return -1;
}
int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    return below(to) && fails(RENAME) ? -1 : real(from, to);
}
int renameat(int there, const char *from, int here, const char *to) {
    REAL("renameat", int, int, const char *, int, const char *);
    return below(to) && fails(RENAME) ? -1 : real(there, from, here, to);
}
int unlink(const char *path) {
    REAL("unlink", int, const char *);
    return below(path) && fails(UNLINK) ? -1 : real(path);
}
int mkdir(const char *path, mode_t mode) {
    REAL("mkdir", int, const char *, mode_t);
    return below(path) && fails(MKDIR) ? -1 : real(path, mode);
}
int link(const char *from, const char *to) {
    REAL("link", int, const char *, const char *);
    return below(to) && fails(LINK) ? -1 : real(from, to);
}
void *mmap(void *at, size_t size, int way, int flags, int file, off_t offset) {
    REAL("mmap", void *, void *, size_t, int, int, int, off_t);
    return file >= 0 && of(file) && fails(MMAP) ? MAP_FAILED
                                                : real(at, size, way, flags, file, offset);
}
void *mmap64(void *at, size_t size, int way, int flags, int file, off64_t offset) {
    REAL("mmap64", void *, void *, size_t, int, int, int, off64_t);
    return file >= 0 && of(file) && fails(MMAP) ? MAP_FAILED
                                                : real(at, size, way, flags, file, offset);
}
