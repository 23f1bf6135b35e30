/* Ranges of a DW1000-class radio: is the direct path blocked, and how much too long is the range?
 *
 * A blocked first path arrives weak or not at all, and the radio measures a detour. Three of the chip's scalar
 * diagnostics and their products go through a logistic function (sig_uwb_model.h, written by tools/train_uwb.py) for the
 * probability of that, and through a second function of the same shape for the excess to take off the range.
 */
#ifndef SIG_UWB_H
#define SIG_UWB_H

#include "sig_common.h"

enum {
    SIG_UWB_FEATURES = 3,
    SIG_UWB_RANGE_LIMIT_MM = 1000000, /* ranges are taken as within -1000000..1000000 mm */
    SIG_UWB_PRIOR_PERMILLE = 500,     /* answer without diagnostics: nothing is known */
    SIG_UWB_OFFSET_LIMIT_MM = 5000,
    SIG_UWB_MAGIC = 0x31425755        /* "UWB1" */
};

/* What the chip reports with a range. */
typedef struct {
    int32_t rx_power_cdbm; /* received power, 1/100 dBm */
    int32_t fp_power_cdbm; /* power of the first path, 1/100 dBm */
    int32_t std_noise;     /* standard deviation of the noise, counts; below 1 is taken as 1 */
} sig_uwb_diagnostics_t;

/* A corrected range. */
typedef struct {
    int32_t corrected_mm;
    int32_t nlos_permille; /* probability that the direct path was blocked, 0..1000 */
} sig_uwb_result_t;

/* Owned by the caller, written by sig_uwb_init only. */
typedef struct {
    uint32_t magic;
    int32_t offset_mm;
} sig_uwb_t;

/* Prepare `s` for a pair of radios whose ranges in the open are `offset_mm` too long (-5000..5000; antenna delay).
 *
 * Returns 0 or SIG_ERR_RANGE; after an error `s` may not be used.
 */
int sig_uwb_init(sig_uwb_t *s, int32_t offset_mm);

/* One range; `diagnostics` may be NULL: then only the offset is taken off and the probability is the prior. Ranges are
 * judged one by one, without memory. A range of at least 0 never becomes negative.
 */
void sig_uwb_push(const sig_uwb_t *s, int32_t range_mm, const sig_uwb_diagnostics_t *diagnostics,
                  sig_uwb_result_t *out);

#endif
