#include "sig_uwb.h"

#include <stddef.h>

#include "sig_trees.h"
#include "sig_uwb_model.h"

enum {
    POWER_LIMIT_CDB = 20000,
    Z_ONE = 1024,        /* one standard deviation */
    Z_LIMIT = 3 * Z_ONE, /* beyond that nothing was learnt */
    INDEX = 3,           /* the feature not every driver reads, */
    JITTER = 4,          /* and the one a single range does not have */
    INDEX_LIMIT = 0xFFFF,
    INNER = 128,         /* what a feature is multiplied with is a sum of products in 1/8 */
    MEAN_ONE = 16,
    JITTER_LIMIT_MM = 1000,
    JITTER_FLOOR_MM = 20,
    INNOVATION_MM = 500, /* a range may differ from what was expected by this and what can be walked meanwhile */
    CLEAR_GAIN = 96,     /* of 256: how far a range pulls the distance, */
    BLOCKED_GAIN = 32,   /* and one that was probably blocked */
    SPEED_PART = 4,      /* the speed takes this part of that */
    LEAST_STEP_MS = 20,
    SLOW_MM_S = 100      /* slower is standing */
};

static int32_t clamp(int32_t value, int32_t low, int32_t high) {
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

/* Of a single range; its unsteadiness is not known, and an index that is not known is as usual. */
static void measure(const sig_uwb_diagnostics_t *d, int32_t *features) {
    const int32_t rx_cdbm = clamp(d->rx_power_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB);
    const int32_t fp_cdbm = clamp(d->fp_power_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB);
    features[0] = clamp(rx_cdbm - fp_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB);
    features[1] = sig_log2_q8(d->std_noise < 1 ? 1 : (uint32_t)d->std_noise);
    features[2] = rx_cdbm;
    features[INDEX] = d->fp_index > 0 ? clamp(d->fp_index, 0, INDEX_LIMIT) / 2 : uwb_mean[INDEX];
}

enum { ODDS, EXCESS, BOUND, ANSWERS };

/* The first `n` features, each less its mean and in units of its spread, and all their products, weighed. A feature by
 * itself is its product with one. */
static void weigh(const int32_t *features, int n, int32_t *sums) {
    int32_t z[1 + SIG_UWB_FEATURES] = {Z_ONE};
    const int8_t *weight = uwb_weights;
    for (int i = 0; i < n; i++) {
        const int32_t own = clamp((features[i] - uwb_mean[i]) * uwb_gain[i] / 256, -Z_LIMIT, Z_LIMIT);
        z[1 + i] = own;
        int32_t odds = 0, excess = 0, bound = 0;
        for (int j = 0; j <= 1 + i; j++) {
            odds += z[j] * weight[ODDS];
            excess += z[j] * weight[EXCESS];
            bound += z[j] * weight[BOUND];
            weight += ANSWERS;
        }
        sums[ODDS] += odds / INNER * own;
        sums[EXCESS] += excess / INNER * own;
        sums[BOUND] += bound / INNER * own;
    }
}

/* What the first `n` features say: probability, likely excess (only of a range that was probably blocked), largest
 * plausible one. */
typedef struct {
    int32_t nlos_permille;
    int32_t excess_mm;
    int32_t bound_mm;
} verdict_t;

static verdict_t judge(const int32_t *features, int n) {
    int32_t sums[ANSWERS] = {0, 0, 0};
    weigh(features, n, sums);
    const int32_t log_odds = UWB_NLOS_BIAS + sums[ODDS] / UWB_NLOS_PART;
    verdict_t v = {sig_permille(log_odds), 0, UWB_BOUND_CLEAR_MM};
    if (log_odds > 0) {
        v.excess_mm = clamp(UWB_EXCESS_BIAS + sums[EXCESS] / UWB_EXCESS_PART, 0, UWB_EXCESS_LIMIT_MM);
    }
    if (log_odds > UWB_DOUBT) {
        v.bound_mm = clamp(UWB_BOUND_BIAS + sums[BOUND] / UWB_BOUND_PART, v.excess_mm, UWB_BOUND_LIMIT_MM);
    }
    return v;
}

int sig_uwb_init(sig_uwb_t *s, int32_t offset_mm) {
    if (offset_mm < -SIG_UWB_OFFSET_LIMIT_MM || offset_mm > SIG_UWB_OFFSET_LIMIT_MM) {
        return SIG_ERR_RANGE;
    }
    sig_clear(s, sizeof *s);
    s->offset_mm = offset_mm;
    s->magic = SIG_UWB_MAGIC;
    return 0;
}

static int32_t limited(int32_t range_mm) { return clamp(range_mm, -SIG_UWB_RANGE_LIMIT_MM, SIG_UWB_RANGE_LIMIT_MM); }

void sig_uwb_push(const sig_uwb_t *s, int32_t range_mm, const sig_uwb_diagnostics_t *diagnostics,
                  sig_uwb_result_t *out) {
    const int32_t range = limited(range_mm);
    int32_t excess_mm = s->offset_mm;
    out->nlos_permille = SIG_UWB_PRIOR_PERMILLE;
    if (diagnostics != NULL) {
        int32_t features[SIG_UWB_FEATURES];
        measure(diagnostics, features);
        const verdict_t verdict = judge(features, JITTER);
        out->nlos_permille = verdict.nlos_permille;
        excess_mm += verdict.excess_mm;
    }
    const int32_t corrected_mm = range - excess_mm;
    out->corrected_mm = range >= 0 && corrected_mm < 0 ? 0 : corrected_mm;
}

/* The mean of the last SIG_UWB_AVERAGE values or so, without keeping them. */
static void average(int32_t *mean, int32_t value, int32_t n) { *mean += (value * MEAN_ONE - *mean) / n; }

/* How far the range is from where the last two lead, as log2 (1/256); steady walking is steady. */
static int32_t unsteadiness(const sig_uwb_t *s, int32_t range_mm, int32_t step_ms) {
    const int32_t parts = s->step_ms < LEAST_STEP_MS ? 256 : clamp(step_ms * 256 / s->step_ms, 0, 768);
    const int32_t moved_mm = clamp(s->range_mm[0] - s->range_mm[1], -JITTER_LIMIT_MM * 4, JITTER_LIMIT_MM * 4);
    const int32_t expected_mm = s->range_mm[0] + moved_mm * parts / 256;
    const int32_t off_mm = clamp(range_mm - expected_mm, -JITTER_LIMIT_MM, JITTER_LIMIT_MM);
    return sig_log2_q8((uint32_t)((off_mm < 0 ? -off_mm : off_mm) + JITTER_FLOOR_MM));
}

static int32_t more(int32_t n) { return n < SIG_UWB_AVERAGE ? n + 1 : n; }

static verdict_t judge_track(sig_uwb_t *s, const sig_uwb_diagnostics_t *diagnostics) {
    int32_t features[SIG_UWB_FEATURES];
    if (diagnostics != NULL) {
        measure(diagnostics, features);
        s->n_diagnostics = more(s->n_diagnostics);
        for (int i = 0; i < JITTER; i++) {
            average(&s->mean[i], features[i], s->n_diagnostics);
        }
    }
    if (s->n_diagnostics == 0) {
        const verdict_t unknown = {SIG_UWB_PRIOR_PERMILLE, 0, UWB_BOUND_UNKNOWN_MM};
        return unknown;
    }
    for (int i = 0; i < SIG_UWB_FEATURES; i++) {
        features[i] = s->mean[i] / MEAN_ONE;
    }
    return judge(features, SIG_UWB_FEATURES);
}

/* A new distance by an alpha-beta filter: expected plus a part of the surprise, which is limited to what is physical. */
static void filter(sig_uwb_t *s, int32_t measured_mm, int32_t step_ms, int32_t gain) {
    const int32_t expected_x16 = s->distance_x16 + s->speed_mm_s * step_ms / 1000 * 16;
    const int32_t room_mm = INNOVATION_MM + SIG_UWB_SPEED_LIMIT_MM_S / 1000 * step_ms;
    const int32_t surprise_mm = clamp(measured_mm - expected_x16 / 16, -room_mm, room_mm);
    const int32_t distance_x16 = expected_x16 + surprise_mm * gain / 16;
    s->distance_x16 = distance_x16 < 0 ? 0 : distance_x16;
    const int32_t change = surprise_mm * gain / 256 * 1000 / (step_ms < LEAST_STEP_MS ? LEAST_STEP_MS : step_ms);
    s->speed_mm_s = clamp(s->speed_mm_s + change / SPEED_PART, -SIG_UWB_SPEED_LIMIT_MM_S, SIG_UWB_SPEED_LIMIT_MM_S);
}

/* Milliseconds since the last range; a track that was silent too long, or has none, begins anew. */
static int32_t step(sig_uwb_t *s, uint32_t t_ms) {
    const uint32_t passed = t_ms - s->t_ms;
    const uint32_t forward = passed < UINT32_C(0x80000000) ? passed : 0;
    if (forward > SIG_UWB_SILENCE_MS) {
        s->n = 0;
    }
    s->t_ms = t_ms;
    return s->n == 0 ? 0 : (int32_t)forward;
}

static void begin(sig_uwb_t *s, int32_t range_mm) {
    s->n_diagnostics = 0;
    s->step_ms = 0;
    s->mean[JITTER] = uwb_mean[JITTER] * MEAN_ONE; /* until there is one; a first value replaces any mean */
    s->range_mm[0] = range_mm;
    s->speed_mm_s = 0;
}

static void remember(sig_uwb_t *s, int32_t range_mm, int32_t step_ms) {
    s->range_mm[1] = s->range_mm[0];
    s->range_mm[0] = range_mm;
    s->step_ms = step_ms;
    s->n = more(s->n);
}

void sig_uwb_track(sig_uwb_t *s, uint32_t t_ms, int32_t range_mm, const sig_uwb_diagnostics_t *diagnostics,
                   sig_uwb_track_t *out) {
    const int32_t step_ms = step(s, t_ms);
    const int32_t range = clamp(limited(range_mm) - s->offset_mm, 0, SIG_UWB_RANGE_LIMIT_MM);
    const int is_first = s->n == 0;
    if (is_first) {
        begin(s, range);
    } else if (s->n >= 2) {
        average(&s->mean[JITTER], unsteadiness(s, range, step_ms), s->n - 1);
    }
    remember(s, range, step_ms);
    const verdict_t verdict = judge_track(s, diagnostics);
    const int32_t measured_mm = clamp(range - verdict.excess_mm, 0, range);
    const int32_t lower_mm = clamp(range - verdict.bound_mm, 0, range);
    if (is_first) {
        s->distance_x16 = measured_mm * 16;
        s->lower_mm = lower_mm;
    } else {
        filter(s, measured_mm, step_ms, verdict.nlos_permille > 500 ? BLOCKED_GAIN : CLEAR_GAIN);
        const int32_t walked_mm = s->lower_mm + SIG_UWB_WALK_MM_S * step_ms / 1000;
        s->lower_mm = lower_mm < walked_mm ? lower_mm : walked_mm;
    }
    out->distance_mm = s->distance_x16 / 16;
    out->lower_mm = s->lower_mm < out->distance_mm ? s->lower_mm : out->distance_mm;
    out->closing_mm_s = -s->speed_mm_s;
    out->contact_ms = SIG_UWB_NO_CONTACT;
    if (out->closing_mm_s > SLOW_MM_S) {
        out->contact_ms = out->distance_mm * 10 / out->closing_mm_s * 100;
    }
    out->nlos_permille = verdict.nlos_permille;
}
