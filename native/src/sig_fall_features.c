/* The numbers the trees look at. tools and tests know them by position: see FEATURES in tools.fall_data. */
#include "sig_fall_internal.h"

enum { K = SIG_FALL_POST_CELLS, BEFORE = SIG_FALL_PRE_CELLS, LAST = 20 };

typedef const sig_fall_cell_t *view_t; /* cell number 0, in a row with those before and after it */

/* The newest `n` cells, oldest first. */
static void unroll(const sig_fall_t *s, int n, sig_fall_cell_t *out) {
    int index = s->head - n + 1;
    if (index < 0) {
        index += SIG_FALL_CELLS;
    }
    for (int i = 0; i < n; i++) {
        out[i] = s->cells[index];
        index = index + 1 == SIG_FALL_CELLS ? 0 : index + 1;
    }
}

static int16_t narrow(int32_t value) {
    if (value > 32766) {
        return 32766;
    }
    return value < -32766 ? (int16_t)-32766 : (int16_t)value;
}

static int32_t highest(view_t v, int from, int to) {
    int32_t best = 0;
    for (int r = from; r <= to; r++) {
        const int32_t mag = v[r].mag_max_mg;
        best = mag > best ? mag : best;
    }
    return best;
}

static int32_t lowest(view_t v, int from, int to) {
    int32_t best = 65535;
    for (int r = from; r <= to; r++) {
        const int32_t mag = v[r].mag_min_mg;
        best = mag < best ? mag : best;
    }
    return best;
}

/* Mean of the means: highest (sign 1) or lowest (sign -1). */
static int32_t extreme_mean(view_t v, int from, int to, int32_t sign) {
    int32_t best = -65535;
    for (int r = from; r <= to; r++) {
        const int32_t mag = sign * (int32_t)v[r].mag_mean_mg;
        best = mag > best ? mag : best;
    }
    return sign * best;
}

/* How far the magnitude was beyond 1 g, summed over cells: above (sign 1) or below (sign -1). */
static int32_t area(view_t v, int from, int to, int32_t sign) {
    int32_t sum = 0;
    for (int r = from; r <= to; r++) {
        const int32_t beyond = sign * ((int32_t)v[r].mag_mean_mg - 1000);
        sum += beyond > 0 ? beyond : 0;
    }
    return sum;
}

static int32_t mean_jerk(view_t v, int from, int to) {
    int32_t sum = 0;
    for (int r = from; r <= to; r++) {
        sum += v[r].jerk_mg;
    }
    return sum / (to - from + 1);
}

static int32_t mean_gyro(view_t v, int from, int to) {
    int32_t sum = 0;
    for (int r = from; r <= to; r++) {
        sum += v[r].gyro_dps;
    }
    return sum / (to - from + 1);
}

static int32_t highest_gyro(view_t v, int from, int to) {
    int32_t best = 0;
    for (int r = from; r <= to; r++) {
        const int32_t rate = v[r].gyro_dps;
        best = rate > best ? rate : best;
    }
    return best;
}

static int32_t count_above(view_t v, int from, int to, int32_t limit_mg) {
    int32_t n = 0;
    for (int r = from; r <= to; r++) {
        n += v[r].mag_max_mg > limit_mg ? 1 : 0;
    }
    return n;
}

static void mean_vector(view_t v, int from, int to, int32_t *out) {
    out[0] = out[1] = out[2] = 0;
    for (int r = from; r <= to; r++) {
        for (int i = 0; i < 3; i++) {
            out[i] += v[r].acc_mg[i];
        }
    }
    for (int i = 0; i < 3; i++) {
        out[i] /= to - from + 1;
    }
}

static int32_t dot(const int32_t *a, const int32_t *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static int32_t norm(const int32_t *a) { return (int32_t)sig_isqrt((uint32_t)dot(a, a)); }

static int32_t distance(const int32_t *a, const int32_t *b) {
    const int32_t d[3] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    return norm(d);
}

/* Largest distance between neighbouring pairs of cells: does the posture still change? */
static int32_t unrest(view_t v, int from, int to) {
    int32_t best = 0;
    for (int r = from; r + 3 <= to; r += 2) {
        int32_t a[3];
        int32_t b[3];
        mean_vector(v, r, r + 1, a);
        mean_vector(v, r + 2, r + 3, b);
        const int32_t d = distance(a, b);
        best = d > best ? d : best;
    }
    return best;
}

int32_t sig_cos_1024(const int32_t *a, const int32_t *b) {
    return dot(a, b) / (((norm(a) * norm(b)) >> 10) + 1);
}

void sig_fall_features(const sig_fall_t *s, int16_t *out) {
    sig_fall_cell_t cells[BEFORE + 1 + K];
    unroll(s, BEFORE + 1 + K, cells);
    const view_t v = cells + BEFORE;
    int32_t before[3];
    int32_t near[3];
    int32_t dropping[3];
    int32_t early[3];
    int32_t late[3];
    mean_vector(v, -25, -13, before);
    mean_vector(v, -12, -5, near);
    mean_vector(v, -4, -1, dropping);
    mean_vector(v, 4, 10, early);
    mean_vector(v, 12, K, late);
    out[0] = narrow(highest(v, 0, 0));
    out[1] = narrow(extreme_mean(v, -1, 1, 1));
    out[2] = narrow(lowest(v, -8, 0));
    out[3] = narrow(area(v, -10, 0, -1));
    out[4] = narrow(extreme_mean(v, -8, 0, -1));
    out[5] = narrow(mean_jerk(v, -2, 2));
    out[6] = narrow(mean_jerk(v, -12, -3));
    out[7] = narrow(mean_jerk(v, 3, 8));
    out[8] = narrow(mean_jerk(v, 9, K));
    out[9] = narrow(sig_cos_1024(before, late));
    out[10] = narrow(sig_cos_1024(before, early));
    out[11] = narrow(sig_cos_1024(near, late));
    out[12] = narrow(sig_cos_1024(before, near));
    out[13] = narrow(sig_cos_1024(near, dropping));
    out[14] = narrow(norm(late));
    out[15] = narrow(distance(before, late));
    out[16] = narrow(highest(v, -25, -6));
    out[17] = narrow(highest(v, 4, K));
    out[18] = narrow(count_above(v, -25, -4, 1500));
    out[19] = narrow(count_above(v, 4, K, 1500));
    out[20] = narrow(highest_gyro(v, -8, 3));
    out[21] = narrow(mean_gyro(v, -8, -1));
    out[22] = narrow(mean_gyro(v, 8, K));
    out[23] = narrow(mean_gyro(v, -25, -10));
    out[24] = narrow(highest_gyro(v, 4, 12));
    out[25] = narrow(area(v, -2, 4, 1));
    out[26] = narrow(unrest(v, 8, K));
    out[27] = narrow(lowest(v, 1, 10));
    const int32_t slow[3] = {s->slow_acc[0] >> 4, s->slow_acc[1] >> 4, s->slow_acc[2] >> 4};
    out[28] = narrow(sig_cos_1024(slow, late));
    out[29] = narrow(mean_jerk(v, -25, -13));
}

void sig_fall_pre_features(const sig_fall_t *s, int16_t *out) {
    sig_fall_cell_t cells[LAST + 1];
    unroll(s, LAST + 1, cells);
    const view_t v = cells + LAST;
    int32_t before[3];
    int32_t middle[3];
    int32_t now[3];
    mean_vector(v, -20, -12, before);
    mean_vector(v, -5, -2, middle);
    mean_vector(v, -1, 0, now);
    out[0] = narrow(v[0].mag_mean_mg);
    out[1] = narrow(area(v, -2, 0, -1));
    out[2] = narrow(lowest(v, -3, 0));
    out[3] = narrow(area(v, -9, 0, -1));
    out[4] = narrow(v[0].gyro_dps);
    out[5] = narrow(mean_gyro(v, -2, 0));
    out[6] = narrow(mean_gyro(v, -5, 0));
    out[7] = narrow(mean_gyro(v, -20, -6));
    out[8] = narrow(mean_jerk(v, -2, 0));
    out[9] = narrow(mean_jerk(v, -20, -6));
    out[10] = narrow(highest(v, -20, 0));
    out[11] = narrow(sig_cos_1024(before, now));
    out[12] = narrow(sig_cos_1024(before, middle));
    out[13] = narrow(highest(v, -2, 0));
}
