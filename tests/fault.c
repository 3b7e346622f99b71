/* One call of a process that changes a file fails: loaded with LD_PRELOAD, armed from Python.

   Counted are the calls, in order, that open, write, sync, cut, rename or delete something at or below a folder. What stdio writes
   (numpy and faiss write so) counts when its buffer goes out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { ROOM = 8192 };
enum { SHORT = -1, TORN = -2, KILL = -3 }; /* write half of it; write half and die; die before the call */

static char root[ROOM];
static size_t length;
static long count, at;
static int kind, sticky, record = -1;

/* The call number `place` below `folder` fails with errno `how`, or as the enum says; if `always`, so does every later one.
   Place 0: none fails, and each is written to the file descriptor `trace`. */
void fault_arm(const char *folder, long place, int how, int always, int trace) {
    length = strlen(strcpy(root, folder));
    count = 0, at = place, kind = how, sticky = always, record = trace;
}

static int inside(const char *path) { return length && path && !strncmp(path, root, length) && (path[length] == '/' || !path[length]); }

/* The path of a name that is looked up from a folder. */
static const char *resolved(int folder, const char *name, char *path) {
    char link[64] = "/proc/self/cwd";
    if (name && name[0] == '/') return name;
    if (folder != AT_FDCWD) snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t size = readlink(link, path, ROOM - 1);
    if (size < 0) return "";
    path[size] = 0;
    if (name) snprintf(path + size, ROOM - size, "/%s", name);
    return path;
}

/* 0: go on; SHORT: write half; -4: fail, errno is set. `data` is what a write would write. */
static int fault(const char *call, int folder, const char *name) {
    char buffer[ROOM];
    const char *path = resolved(folder, name, buffer);
    if (!inside(path)) return 0;
    count++;
    if (record >= 0) dprintf(record, "%s %s\n", call, path + length);
    if (!at || count < at || (count > at && !sticky)) return 0;
    if (kind == KILL) kill(getpid(), SIGKILL);
    if (kind == SHORT || kind == TORN) return kind;
    errno = kind;
    return -4;
}

#define FAIL(call, folder, name) if (fault(call, folder, name) == -4) return -1
#define HALVED(call, fd, done) \
    int f = fault(call, fd, NULL); \
    if (f == -4) return -1; \
    if (f && size > 1) size /= 2; \
    ssize_t written = done; \
    if (f == TORN) kill(getpid(), SIGKILL); \
    return written

ssize_t write(int fd, const void *data, size_t size) { HALVED("write", fd, REAL(write)(fd, data, size)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) { HALVED("pwrite", fd, REAL(pwrite64)(fd, data, size, place)); }
int fsync(int fd) { FAIL("fsync", fd, NULL); return REAL(fsync)(fd); }
int fdatasync(int fd) { FAIL("fsync", fd, NULL); return REAL(fdatasync)(fd); }
int ftruncate64(int fd, off64_t size) { FAIL("truncate", fd, NULL); return REAL(ftruncate64)(fd, size); }
int rename(const char *old, const char *new) { FAIL("rename", AT_FDCWD, new); return REAL(rename)(old, new); }
int unlink(const char *path) { FAIL("unlink", AT_FDCWD, path); return REAL(unlink)(path); }
int unlinkat(int folder, const char *path, int flags) { FAIL("unlink", folder, path); return REAL(unlinkat)(folder, path, flags); }
int rmdir(const char *path) { FAIL("unlink", AT_FDCWD, path); return REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { FAIL("mkdir", AT_FDCWD, path); return REAL(mkdir)(path, mode); }

#define MODE mode_t mode = 0; if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open64(const char *path, int flags, ...) { MODE FAIL("open", AT_FDCWD, path); return REAL(open64)(path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE FAIL("open", folder, path); return REAL(openat64)(folder, path, flags, mode); }

/* stdio: the same file behind a stream whose buffer goes out through write() above. */
static ssize_t cookie_write(void *fd, const char *data, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t more = write((int)(long)fd, data + done, size - done);
        if (more < 0) return 0;
        done += more;
    }
    return done;
}
static ssize_t cookie_read(void *fd, char *data, size_t size) { return read((int)(long)fd, data, size); }
static int cookie_seek(void *fd, off64_t *place, int from) { return (*place = lseek64((int)(long)fd, *place, from)) < 0 ? -1 : 0; }
static int cookie_close(void *fd) { return close((int)(long)fd); }

static FILE *stream(int fd, const char *mode) {
    cookie_io_functions_t calls = {cookie_read, cookie_write, cookie_seek, cookie_close};
    return fopencookie((void *)(long)fd, mode, calls);
}
FILE *fdopen(int fd, const char *mode) {
    char buffer[ROOM];
    return inside(resolved(fd, NULL, buffer)) ? stream(fd, mode) : REAL(fdopen)(fd, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    char buffer[ROOM];
    if (!inside(resolved(AT_FDCWD, path, buffer))) return REAL(fopen64)(path, mode);
    if (*mode == 'r') { /* read, or mapped, for which it must be a real one */
        if (fault("open", AT_FDCWD, path) == -4) return NULL;
        return REAL(fopen64)(path, mode);
    }
    int fd = open64(path, (strchr(mode, '+') ? O_RDWR : O_WRONLY) | O_CREAT | (*mode == 'a' ? O_APPEND : O_TRUNC), 0666);
    return fd < 0 ? NULL : stream(fd, mode);
}
FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }
