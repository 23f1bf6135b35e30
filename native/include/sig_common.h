/* What every detector of the signal core shares.
 *
 * Rules of the core: C99, integers only, no heap, no writable statics, no library calls. The caller owns every
 * state; `_init` is the only call that can refuse something, and pushing samples cannot fail. The same input gives
 * the same bits on every processor.
 */
#ifndef SIG_COMMON_H
#define SIG_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* 0 is success, a positive answer is a count, a negative one is one of these. */
enum {
    SIG_ERR_RATE = -1,       /* sampling rate outside 20..200 Hz */
    SIG_ERR_PLACEMENT = -2,  /* unknown placement */
    SIG_ERR_ACC_SCALE = -3,  /* accelerometer counts per g outside 64..32767 */
    SIG_ERR_GYRO_SCALE = -4, /* gyroscope counts per deg/s (times 100) outside 0..65535; 0 means none fitted */
    SIG_ERR_NO_MOTION = -5,  /* man-down time outside -1..1800 s */
    SIG_ERR_RANGE = -6       /* another setting is out of its range */
};

/* Event kinds, the same numbers on every binding. */
enum {
    SIG_EVENT_FALLING = 1,
    SIG_EVENT_FALL = 2,
    SIG_EVENT_RECOVERED = 3,
    SIG_EVENT_NO_MOTION = 4,
    SIG_EVENT_BEND = 5
};

enum {
    SIG_PLACEMENT_WAIST = 0,
    SIG_PLACEMENT_WRIST = 1
};

enum {
    SIG_SAMPLE_BYTES = 12, /* ax ay az gx gy gz, int16 little endian, raw counts of the chip */
    SIG_EVENT_WORDS = 4
};

/* One event, as it leaves the core. */
typedef struct {
    int32_t kind;
    int32_t t_ms;                /* when it was decided, since the first sample; wraps to 0 after 24.8 days */
    int32_t confidence_permille; /* 0..1000 */
    int32_t data;                /* the detector's header says what; 0 where nothing is said */
} sig_event_t;

/* Version of the core, "major.minor.patch". Returns a constant. */
const char *sig_version(void);

/* One sentence in English on an error code, for people. Returns a constant, never NULL. */
const char *sig_error_text(int error);

/* Set `bytes` bytes to zero. */
void sig_clear(void *state, size_t bytes);

/* Square root, rounded down. */
uint32_t sig_isqrt(uint32_t value);

/* The same, quick when `guess` (at most 2^31) is near the root, as the last sample's magnitude is to this one's. */
uint32_t sig_isqrt_near(uint32_t value, uint32_t guess);

/* Logarithm to base 2 times 256 of a value above 0, never more than 1 below. */
int32_t sig_log2_q8(uint32_t value);

#endif
