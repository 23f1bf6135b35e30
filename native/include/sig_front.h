/* The front end of all motion detectors: from the chip's counts at any rate to milli-g and deg/s at one fixed rate.
 *
 * Each input sample stands for its whole period; a motion sample is the mean of what it covers. From a faster chip
 * that is an average, from a slower one a hold, and no rate needs a table of filter coefficients. Nothing here
 * or behind it asks which way the chip is mounted. Samples carry no time of their own: a lost one shortens the stream
 * by its period, a repeated one lengthens it, and how they come together in bursts does not matter.
 */
#ifndef SIG_FRONT_H
#define SIG_FRONT_H

#include "sig_common.h"

enum {
    SIG_TICK_HZ = 50, /* the rate all motion detectors think in */
    SIG_TICK_MS = 20,
    SIG_FRONT_MAGIC = 0x314F5246 /* "FRO1" */
};

/* What the tag's chip delivers. */
typedef struct {
    uint32_t rate_centihz;          /* sampling rate * 100: 2000..20000 */
    uint32_t acc_lsb_per_g;         /* 64..32767 */
    uint32_t gyro_lsb_per_dps_x100; /* 0 no gyroscope, else up to 65535 */
} sig_chip_t;

/* One motion sample at SIG_TICK_HZ. */
typedef struct {
    int32_t acc_mg[3];     /* within 16 bits */
    int32_t gyro_dps[3];   /* within 16 bits; zeros when no gyroscope is fitted */
    int32_t acc_norm_mg;   /* magnitudes, rounded down */
    int32_t gyro_norm_dps;
} sig_motion_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    int32_t sum[6];
    int32_t in_left;
    int32_t out_left;
    int32_t out_ticks;
    int32_t acc_divisor; /* from a sum to mg */
    int32_t gyro_divisor; /* 0 when none is fitted */
    sig_motion_t motion; /* the newest */
} sig_front_t;

/* Prepare `f` for a new stream. Returns 0, or SIG_ERR_RATE, SIG_ERR_ACC_SCALE, SIG_ERR_GYRO_SCALE; after an error `f`
 * may not be used.
 */
int sig_front_init(sig_front_t *f, const sig_chip_t *chip);

/* Give one chip sample (SIG_SAMPLE_BYTES bytes, any alignment). Returns 1 when a motion sample is complete. */
int sig_front_put(sig_front_t *f, const uint8_t *sample);

/* Make f->motion the one that is complete; `sample` is the chip's last. Returns 1 when the next is complete too. */
int sig_front_take(sig_front_t *f, const uint8_t *sample);

#endif
