/* Ranges of a DW1000-class radio: is the direct path blocked, how much too long is the range, who comes nearer?
 *
 * A blocked first path arrives weak or not at all, and the radio measures a detour. The received power, the first path's
 * share of it and the noise go with their products through a logistic function for the probability of that, and through
 * two more functions of the same shape for the likely and the largest plausible excess of the range (sig_uwb_model.h,
 * written by tools/train_uwb.py). sig_uwb_push judges one range alone. sig_uwb_track follows one pair of radios: it
 * averages the diagnostics, adds how unsteady the ranges are, and keeps distance and closing speed.
 */
#ifndef SIG_UWB_H
#define SIG_UWB_H

#include "sig_common.h"

enum {
    SIG_UWB_FEATURES = 5,             /* power lost before the first path, noise, received power, index, unsteadiness */
    SIG_UWB_RANGE_LIMIT_MM = 1000000, /* ranges are taken as within -1000000..1000000 mm */
    SIG_UWB_PRIOR_PERMILLE = 500,     /* answer without diagnostics: nothing is known */
    SIG_UWB_OFFSET_LIMIT_MM = 5000,
    SIG_UWB_AVERAGE = 16,             /* ranges over which a track averages */
    SIG_UWB_SILENCE_MS = 3000,        /* a track begins anew after so long without a range */
    SIG_UWB_SPEED_LIMIT_MM_S = 10000, /* nothing on a factory floor closes in faster */
    SIG_UWB_WALK_MM_S = 3000,         /* the lower bound rises no faster: running away */
    SIG_UWB_NO_CONTACT = -1,
    SIG_UWB_MAGIC = 0x33425755        /* "UWB3" */
};

/* What the chip reports with a range. */
typedef struct {
    int32_t rx_power_cdbm; /* received power, 1/100 dBm */
    int32_t fp_power_cdbm; /* power of the first path, 1/100 dBm */
    int32_t std_noise;     /* standard deviation of the noise, counts; below 1 is taken as 1 */
    int32_t fp_index;      /* where the first path lies, 1/64 samples as the chip's register has it; 0 or less: not known */
} sig_uwb_diagnostics_t;

/* A corrected range. */
typedef struct {
    int32_t corrected_mm;
    int32_t nlos_permille; /* probability that the direct path was blocked, 0..1000 */
} sig_uwb_result_t;

/* What a track knows after a range. */
typedef struct {
    int32_t distance_mm;   /* at least 0 */
    int32_t lower_mm;      /* 0..distance_mm: the person is hardly nearer than this; for zones that must not miss */
    int32_t closing_mm_s;  /* positive: they come nearer */
    int32_t contact_ms;    /* until they meet at this speed, or SIG_UWB_NO_CONTACT */
    int32_t nlos_permille;
} sig_uwb_track_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    int32_t offset_mm;
    uint32_t t_ms;             /* of the newest range of the track */
    int32_t n;                 /* ranges in the track, up to SIG_UWB_AVERAGE; 0 none */
    int32_t n_diagnostics;     /* the same, of those that came with diagnostics */
    int32_t mean[SIG_UWB_FEATURES]; /* of the features, 16 times */
    int32_t range_mm[2];       /* the last two ranges */
    int32_t step_ms;           /* between them */
    int32_t distance_x16;      /* filtered, 1/16 mm */
    int32_t speed_mm_s;        /* of the distance: negative when closing */
    int32_t lower_mm;
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

/* One range at a time, in any steps, of the same pair of radios; a step back in time counts as no time. Without
 * diagnostics the distance is followed, the probability is the prior, and the lower bound allows for the excess that
 * was the largest plausible one on record.
 */
void sig_uwb_track(sig_uwb_t *s, uint32_t t_ms, int32_t range_mm, const sig_uwb_diagnostics_t *diagnostics,
                   sig_uwb_track_t *out);

#endif
