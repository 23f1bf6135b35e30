/* A disk that is slow or full, for the programs this library is loaded into (tools/slow_disk.py).
 *
 * Replaces fsync and fdatasync by ones that wait first, and pwrite by one that may find no space. How long, and
 * whether, is read at each call from the file that JIKIMI_DISK names: two 32-bit numbers, milliseconds and 0 or 1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct disk {
    volatile uint32_t sync_ms;
    volatile uint32_t full;
};

static const struct disk well;
static const struct disk *disk = &well;

__attribute__((constructor)) static void open_disk(void) {
    const char *path = getenv("JIKIMI_DISK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return; /* a program that may not read it has a disk that is well */
    void *map = mmap(NULL, sizeof(struct disk), PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) disk = map;
    close(file);
}

static void wait_for_disk(void) {
    uint32_t ms = disk->sync_ms;
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000L};
    while (ms && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_for_disk();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_for_disk();
    return real(file);
}

typedef ssize_t (*pwrite_t)(int, const void *, size_t, off64_t);

static ssize_t write_at(const char *name, int file, const void *bytes, size_t n, off64_t at) {
    if (disk->full) {
        errno = ENOSPC;
        return -1;
    }
    return ((pwrite_t)dlsym(RTLD_NEXT, name))(file, bytes, n, at);
}

ssize_t pwrite(int file, const void *bytes, size_t n, off_t at) { return write_at("pwrite", file, bytes, n, at); }

ssize_t pwrite64(int file, const void *bytes, size_t n, off64_t at) { return write_at("pwrite64", file, bytes, n, at); }
