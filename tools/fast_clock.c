/* A clock that skips what a process would sleep: hours of a device in minutes, with not a line of it changed.
 *
 * Preloaded (LD_PRELOAD) into the interpreter of a virtual board. Waiting in poll() or select() costs no time but moves
 * this process's clocks on by what was waited for; running code takes the time it takes. While an answer is due on a
 * socket that does not block (the broker, a serial line), the clock runs RATE times as fast as the real one instead of
 * skipping: the other end lives in real time, and a time-out of ten seconds leaves it 100 ms.
 *
 * The file named by FAST_CLOCK holds two native int64 of microseconds: what has been skipped so far, for whoever lives in
 * the same time (tools/shift_world.py), and how far UTC is off here, which whoever likes may change: so a chip's clock
 * that was never set, or is wrong. Without the file nothing is changed. One thread only, as MicroPython's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 100, STEP_US = 500, PATIENCE_US = 300000, MOST_FDS = 1024 };

static int64_t own[2];
static volatile int64_t *skipped_us = &own[0], *utc_off_us = &own[1];
static int64_t due_since_us[MOST_FDS]; /* real time of the last thing sent and not answered; 0: none */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int64_t real_us(void) {
    static __typeof__(&clock_gettime) real;
    if (!real) real = REAL(clock_gettime);
    struct timespec t;
    real(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("FAST_CLOCK");
    int fd = path ? open(path, O_RDWR) : -1;
    if (fd < 0) return;
    int64_t *page = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) skipped_us = page, utc_off_us = page + 1;
    close(fd);
}

static int active(void) { return skipped_us != own; }

/* Whether an answer is due; forgets those that were waited for long enough. */
static int answer_due(void) {
    int64_t now = real_us();
    int due = 0;
    for (int fd = 0; fd < MOST_FDS; fd++) {
        if (due_since_us[fd] && now - due_since_us[fd] > PATIENCE_US) due_since_us[fd] = 0;
        due |= due_since_us[fd] != 0;
    }
    return due;
}

/* Let at most `wait_us` of this clock pass; real time may pass until something comes on `fds`. Returns what has. */
static int pass(struct pollfd *fds, nfds_t n, int64_t wait_us) {
    static __typeof__(&ppoll) real;
    if (!real) real = REAL(ppoll);
    const struct timespec at_once = {0, 0}, step = {0, STEP_US * 1000};
    int64_t left_us = wait_us;
    int ready = real(fds, n, &at_once, NULL);
    while (!ready && left_us > 0) {
        if (!answer_due()) {
            *skipped_us += left_us;
            return 0;
        }
        int64_t began_us = real_us();
        ready = real(fds, n, left_us / RATE < STEP_US ? &at_once : &step, NULL);
        int64_t took_us = real_us() - began_us + 1;
        int64_t passed_us = took_us * RATE < left_us ? took_us * RATE : left_us;
        *skipped_us += passed_us - (took_us < passed_us ? took_us : passed_us);
        left_us -= passed_us;
    }
    return ready;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms) {
    static __typeof__(&poll) real;
    if (!real) real = REAL(poll);
    if (!active() || timeout_ms <= 0) return real(fds, n, timeout_ms);
    return pass(fds, n, (int64_t)timeout_ms * 1000);
}

int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout) {
    static __typeof__(&select) real;
    if (!real) real = REAL(select);
    if (!active() || n || !timeout) return real(n, r, w, e, timeout);
    return pass(NULL, 0, (int64_t)timeout->tv_sec * 1000000 + timeout->tv_usec);
}

int usleep(useconds_t us) {
    pass(NULL, 0, us);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    static __typeof__(&clock_gettime) real;
    if (!real) real = REAL(clock_gettime);
    int result = real(clock, t);
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) return result;
    int64_t us = (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000 + *skipped_us;
    if (clock == CLOCK_REALTIME) us += *utc_off_us;
    t->tv_sec = us / 1000000;
    t->tv_nsec = us % 1000000 * 1000;
    return result;
}

int gettimeofday(struct timeval *tv, void *zone) {
    (void)zone;
    struct timespec t;
    int result = clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return result;
}

time_t time(time_t *where) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (where) *where = t.tv_sec;
    return t.tv_sec;
}

/* What was sent on a socket that does not block will be answered. */
static void sent(int fd) {
    if (!active() || fd < 0 || fd >= MOST_FDS) return;
    int kind;
    socklen_t size = sizeof kind;
    if (!(fcntl(fd, F_GETFL) & O_NONBLOCK)) return;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0) due_since_us[fd] = real_us();
}

static void answered(int fd, ssize_t count) {
    if (count > 0 && fd >= 0 && fd < MOST_FDS) due_since_us[fd] = 0;
}

#define SENDS(name, params, args)                        \
    ssize_t name params {                                \
        static __typeof__(&name) real;                   \
        if (!real) real = REAL(name);                    \
        ssize_t count = real args;                       \
        if (count > 0) sent(fd);                         \
        return count;                                    \
    }
#define RECEIVES(name, params, args)                     \
    ssize_t name params {                                \
        static __typeof__(&name) real;                   \
        if (!real) real = REAL(name);                    \
        ssize_t count = real args;                       \
        int error = errno;                               \
        answered(fd, count);                             \
        errno = error;                                   \
        return count;                                    \
    }

SENDS(write, (int fd, const void *data, size_t size), (fd, data, size))
SENDS(send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
RECEIVES(read, (int fd, void *data, size_t size), (fd, data, size))
RECEIVES(recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    static __typeof__(&connect) real;
    if (!real) real = REAL(connect);
    int result = real(fd, address, size);
    int error = errno;
    if (result == 0 || error == EINPROGRESS) sent(fd);
    errno = error;
    return result;
}

int close(int fd) {
    static __typeof__(&close) real;
    if (!real) real = REAL(close);
    if (fd >= 0 && fd < MOST_FDS) due_since_us[fd] = 0;
    return real(fd);
}
