/* From the chip's counts at any rate to milli-g and deg/s at one fixed rate.
 *
 * Each input sample stands for its whole period; an output sample is the mean of what it covers. From a faster chip
 * that is an average, from a slower one a hold, and no rate needs a table of filter coefficients.
 */
#ifndef SIG_RESAMPLE_H
#define SIG_RESAMPLE_H

#include "sig_common.h"

enum {
    SIG_TICK_HZ = 50, /* the rate all motion detectors think in */
    SIG_TICK_MS = 20
};

/* One motion sample at SIG_TICK_HZ. */
typedef struct {
    int32_t acc_mg[3];   /* each within +-32000 */
    int32_t gyro_dps[3]; /* each within +-32000; zeros when no gyroscope is fitted */
} sig_motion_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    int32_t sum[6];
    int32_t newest[6];
    int32_t in_left;
    int32_t out_left;
    int32_t out_ticks;
    int32_t acc_lsb_per_g;
    int32_t gyro_lsb_per_dps_x100;
} sig_resample_t;

/* Prepare `r` for a chip that samples at rate_centihz/100 Hz (20.00 to 200.00).
 *
 * Returns 0, or SIG_ERR_RATE, SIG_ERR_ACC_SCALE, SIG_ERR_GYRO_SCALE and leaves `r` as it was.
 */
int sig_resample_init(sig_resample_t *r, uint32_t rate_centihz, uint32_t acc_lsb_per_g,
                      uint32_t gyro_lsb_per_dps_x100);

/* Give one chip sample (SIG_SAMPLE_BYTES bytes, any alignment). Take everything out before giving the next. */
void sig_resample_put(sig_resample_t *r, const uint8_t *sample);

/* Take the next motion sample. Returns 1 and fills `out`, or 0 when more input is needed. */
int sig_resample_take(sig_resample_t *r, sig_motion_t *out);

#endif
