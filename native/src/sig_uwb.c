#include "sig_uwb.h"

#include <stddef.h>

#include "sig_trees.h"
#include "sig_uwb_model.h"

enum {
    POWER_LIMIT_CDB = 20000,
    Z_ONE = 1024,        /* one standard deviation */
    Z_LIMIT = 3 * Z_ONE, /* beyond that nothing was learnt */
    EXCESS_LIMIT_MM = 3000
};

static int32_t clamp(int32_t value, int32_t low, int32_t high) {
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

/* The features, each less its mean and in units of its spread; then all their products. */
static void expand(const sig_uwb_diagnostics_t *d, int32_t *terms) {
    const int32_t rx_cdbm = clamp(d->rx_power_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB);
    const int32_t fp_cdbm = clamp(d->fp_power_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB);
    const int32_t raw[SIG_UWB_FEATURES] = {
        clamp(rx_cdbm - fp_cdbm, -POWER_LIMIT_CDB, POWER_LIMIT_CDB),
        sig_log2_q8(d->std_noise < 1 ? 1 : (uint32_t)d->std_noise),
        rx_cdbm,
    };
    for (int i = 0; i < SIG_UWB_FEATURES; i++) {
        terms[i] = clamp((raw[i] - uwb_mean[i]) * uwb_gain[i] / 256, -Z_LIMIT, Z_LIMIT);
    }
    int at = SIG_UWB_FEATURES;
    for (int i = 0; i < SIG_UWB_FEATURES; i++) {
        for (int j = i; j < SIG_UWB_FEATURES; j++) {
            terms[at++] = terms[i] * terms[j] / Z_ONE;
        }
    }
}

static int32_t weigh(const int32_t *terms, const int16_t *weights, int32_t bias) {
    int32_t sum = 0;
    for (int i = 0; i < UWB_TERMS; i++) {
        sum += terms[i] * weights[i];
    }
    return bias + sum / Z_ONE;
}

int sig_uwb_init(sig_uwb_t *s, int32_t offset_mm) {
    if (offset_mm < -SIG_UWB_OFFSET_LIMIT_MM || offset_mm > SIG_UWB_OFFSET_LIMIT_MM) {
        return SIG_ERR_RANGE;
    }
    s->offset_mm = offset_mm;
    s->magic = SIG_UWB_MAGIC;
    return 0;
}

void sig_uwb_push(const sig_uwb_t *s, int32_t range_mm, const sig_uwb_diagnostics_t *diagnostics,
                  sig_uwb_result_t *out) {
    const int32_t range = clamp(range_mm, -SIG_UWB_RANGE_LIMIT_MM, SIG_UWB_RANGE_LIMIT_MM);
    int32_t excess_mm = s->offset_mm;
    out->nlos_permille = SIG_UWB_PRIOR_PERMILLE;
    if (diagnostics != NULL) {
        int32_t terms[UWB_TERMS];
        expand(diagnostics, terms);
        out->nlos_permille = sig_permille(weigh(terms, uwb_nlos_weights, UWB_NLOS_BIAS));
        excess_mm += clamp(weigh(terms, uwb_excess_weights, UWB_EXCESS_BIAS), 0, EXCESS_LIMIT_MM);
    }
    const int32_t corrected_mm = range - excess_mm;
    out->corrected_mm = range >= 0 && corrected_mm < 0 ? 0 : corrected_mm;
}
