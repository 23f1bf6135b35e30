/* The numbers the trees look at, a byte each. tools and tests know them by position: see FEATURES in tools.fall_data. */
#include "sig_fall_internal.h"

enum { K = SIG_FALL_POST_CELLS, BEFORE = SIG_FALL_PRE_CELLS, LAST = 20 };

typedef const sig_fall_cell_t *view_t; /* cell number 0, in a row with those before and after it */

/* What is taken from each cell, and how the cells of a window make one number. */
enum { TOP, LOW, JERK, GYRO, OVER_1500, OVER_2000, MEAN, ABOVE, BELOW };
enum { LARGEST, SMALLEST, AVERAGE, SUM };

typedef struct {
    uint8_t what;
    uint8_t how;
    int8_t from;
    int8_t to;
} window_t;

enum { N_SCALARS = 28, N_VECTORS = 9, N_ANGLES = 16, N_PRE_SCALARS = 28, N_PRE_VECTORS = 8, N_PRE_ANGLES = 9 };

static const window_t scalars[N_SCALARS] = {
    {TOP, LARGEST, 0, 0},      {MEAN, LARGEST, -1, 1},     {LOW, SMALLEST, -8, 0},   {BELOW, SUM, -10, 0},
    {MEAN, SMALLEST, -8, 0},   {JERK, AVERAGE, -2, 2},     {JERK, AVERAGE, -12, -3}, {JERK, AVERAGE, 3, 8},
    {JERK, AVERAGE, 9, K},     {JERK, AVERAGE, 15, K},     {JERK, AVERAGE, -25, -13}, {JERK, LARGEST, -6, -3},
    {JERK, LARGEST, 9, K},     {TOP, LARGEST, -25, -6},    {TOP, LARGEST, 4, K},     {OVER_1500, SUM, -25, -4},
    {OVER_1500, SUM, 4, K},    {OVER_1500, SUM, -3, 6},    {OVER_2000, SUM, -4, 8},  {GYRO, LARGEST, -8, 3},
    {GYRO, AVERAGE, -8, -1},   {GYRO, AVERAGE, -25, -10},  {GYRO, AVERAGE, 8, K},    {GYRO, LARGEST, 4, 12},
    {ABOVE, SUM, -2, 4},       {ABOVE, SUM, -10, -1},      {LOW, SMALLEST, 1, 10},   {ABOVE, SUM, 3, 12},
};

/* Windows whose mean acceleration is a posture; two more postures come from the slow memories. */
enum { AT_BEFORE, AT_NEAR, AT_DROP, AT_HIT, AT_EARLY, AT_MID, AT_LATE, USUAL, RECENT };
static const int8_t postures[USUAL][2] = {{-25, -13}, {-12, -5}, {-4, -1}, {0, 1}, {4, 10}, {4, 5}, {12, K}};
static const uint8_t angles[N_ANGLES][2] = {
    {USUAL, AT_EARLY},  {USUAL, AT_LATE},  {USUAL, AT_MID},     {USUAL, AT_NEAR},    {USUAL, RECENT},    {RECENT, AT_EARLY},
    {RECENT, AT_LATE},  {RECENT, AT_NEAR}, {AT_BEFORE, AT_EARLY}, {AT_BEFORE, AT_LATE}, {AT_BEFORE, AT_NEAR}, {AT_NEAR, AT_LATE},
    {AT_NEAR, AT_DROP}, {AT_NEAR, AT_HIT}, {AT_NEAR, AT_EARLY}, {USUAL, AT_DROP},
};

static const window_t pre_scalars[N_PRE_SCALARS] = {
    {MEAN, AVERAGE, 0, 0},    {MEAN, AVERAGE, -1, 0},   {MEAN, AVERAGE, -3, 0},      {MEAN, AVERAGE, -7, 0},
    {MEAN, AVERAGE, -11, 0},  {MEAN, AVERAGE, -20, -6}, {GYRO, AVERAGE, 0, 0},       {GYRO, AVERAGE, -1, 0},
    {GYRO, AVERAGE, -3, 0},   {GYRO, AVERAGE, -7, 0},   {GYRO, AVERAGE, -9, -4},     {GYRO, AVERAGE, -20, -6},
    {GYRO, LARGEST, -4, 0},   {JERK, AVERAGE, 0, 0},    {JERK, AVERAGE, -1, 0},      {JERK, AVERAGE, -3, 0},
    {JERK, AVERAGE, -7, 0},   {JERK, AVERAGE, -20, -6}, {LOW, SMALLEST, 0, 0},       {LOW, SMALLEST, -2, 0},
    {LOW, SMALLEST, -5, 0},   {TOP, LARGEST, 0, 0},     {TOP, LARGEST, -2, 0},       {TOP, LARGEST, -20, -3},
    {BELOW, SUM, -2, 0},      {BELOW, SUM, -9, 0},      {ABOVE, SUM, -4, 0},         {OVER_1500, SUM, -20, -3},
};

enum { AT_NOW, AT_EARLIER, AT_MIDDLE, AT_PAST, AT_LONG_PAST, AT_CELL, PRE_USUAL, PRE_RECENT };
static const int8_t pre_postures[PRE_USUAL][2] = {{-1, 0}, {-3, -2}, {-6, -3}, {-11, -7}, {-20, -12}, {0, 0}};
static const uint8_t pre_angles[N_PRE_ANGLES][2] = {
    {PRE_USUAL, AT_NOW},    {PRE_RECENT, AT_NOW},       {AT_LONG_PAST, AT_NOW}, {AT_PAST, AT_NOW},       {AT_MIDDLE, AT_NOW},
    {PRE_USUAL, AT_MIDDLE}, {AT_LONG_PAST, AT_MIDDLE}, {AT_EARLIER, AT_CELL},  {PRE_USUAL, PRE_RECENT},
};

uint8_t sig_fall_code(int32_t value) {
    uint32_t rest = value < 0 ? 256u : (uint32_t)value + 256u;
    uint32_t octave = 0;
    while (rest > 511u) {
        rest >>= 1;
        octave += 32;
    }
    const uint32_t code = octave + ((rest - 256u) >> 3);
    return code > 255u ? (uint8_t)255 : (uint8_t)code;
}

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

static int32_t taken(view_t cell, int what) {
    switch (what) {
    case TOP:
        return cell->top;
    case LOW:
        return cell->low;
    case JERK:
        return cell->jerk;
    case GYRO:
        return cell->gyro;
    case OVER_1500:
        return cell->top > SIG_FALL_CODE_1500;
    case OVER_2000:
        return cell->top > SIG_FALL_CODE_2000;
    case MEAN:
        return cell->mean_mg;
    case ABOVE:
        return cell->mean_mg > 1000 ? cell->mean_mg - 1000 : 0;
    default:
        return cell->mean_mg < 1000 ? 1000 - cell->mean_mg : 0;
    }
}

static uint8_t measure(view_t v, const window_t *w) {
    int32_t sum = 0;
    int32_t largest = 0;
    int32_t smallest = INT32_MAX;
    for (int r = w->from; r <= w->to; r++) {
        const int32_t value = taken(v + r, w->what);
        sum += value;
        largest = value > largest ? value : largest;
        smallest = value < smallest ? value : smallest;
    }
    const int32_t results[4] = {largest, smallest, sum / (w->to - w->from + 1), sum};
    const int32_t result = results[w->how];
    return w->what >= MEAN ? sig_fall_code(result) : (uint8_t)result;
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

int32_t sig_cos_1024(const int32_t *a, const int32_t *b) {
    return dot(a, b) / (((norm(a) * norm(b)) >> 10) + 1);
}

/* How far two postures are apart: of 1 - cosine, so that small angles are told apart best. */
static uint8_t angle(const int32_t *a, const int32_t *b) { return sig_fall_code(1024 - sig_cos_1024(a, b)); }

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

/* Mean distance (sum of parts) of cells from their mean. */
static int32_t wander(view_t v, int from, int to) {
    int32_t mean[3];
    int32_t sum = 0;
    mean_vector(v, from, to, mean);
    for (int r = from; r <= to; r++) {
        for (int i = 0; i < 3; i++) {
            const int32_t d = v[r].acc_mg[i] - mean[i];
            sum += d < 0 ? -d : d;
        }
    }
    return sum / (to - from + 1);
}

/* The part of a cell's acceleration along a posture, mg. */
static int32_t along(const sig_fall_cell_t *cell, const int32_t *posture, int32_t posture_norm) {
    const int32_t acc[3] = {cell->acc_mg[0], cell->acc_mg[1], cell->acc_mg[2]};
    return dot(acc, posture) / (posture_norm + 1);
}

/* The part across it. */
static int32_t across(const sig_fall_cell_t *cell, int32_t along_mg) {
    const int32_t acc[3] = {cell->acc_mg[0], cell->acc_mg[1], cell->acc_mg[2]};
    const int32_t square = dot(acc, acc) - along_mg * along_mg;
    return square > 0 ? (int32_t)sig_isqrt((uint32_t)square) : 0;
}

static int32_t sideways(view_t v, const int32_t *posture, int32_t *mean) {
    const int32_t size = norm(posture);
    int32_t best = 0;
    *mean = 0;
    for (int r = -3; r <= 4; r++) {
        const int32_t side = across(v + r, along(v + r, posture, size));
        *mean += side / 8;
        best = side > best ? side : best;
    }
    return best;
}

static int32_t lowest_along(view_t v, const int32_t *posture) {
    const int32_t size = norm(posture);
    int32_t best = 8000;
    for (int r = -8; r <= 0; r++) {
        const int32_t part = along(v + r, posture, size);
        best = part < best ? part : best;
    }
    return best;
}

/* Largest speed (mg summed over cells) lost to falling, if the magnitude were all vertical. */
static int32_t sinking(view_t v) {
    int32_t speed = 0;
    int32_t best = 0;
    for (int r = -12; r <= 2; r++) {
        speed += 1000 - v[r].mean_mg;
        best = speed > best ? speed : best;
    }
    return best;
}

static uint8_t difference(uint8_t a, uint8_t b) {
    const int32_t d = 128 + a - b;
    return d < 0 ? (uint8_t)0 : d > 255 ? (uint8_t)255 : (uint8_t)d;
}

static void memories(const sig_fall_t *s, int32_t *usual, int32_t *recent) {
    for (int i = 0; i < 3; i++) {
        usual[i] = s->usual_acc[i] >> 4;
        recent[i] = s->recent_acc[i] >> 4;
    }
}

void sig_fall_features(const sig_fall_t *s, uint8_t *out) {
    sig_fall_cell_t cells[BEFORE + 1 + K];
    int32_t vectors[N_VECTORS][3];
    int32_t side_mean;
    unroll(s, BEFORE + 1 + K, cells);
    const view_t v = cells + BEFORE;
    for (int i = 0; i < N_SCALARS; i++) {
        *out++ = measure(v, &scalars[i]);
    }
    for (int i = 0; i < USUAL; i++) {
        mean_vector(v, postures[i][0], postures[i][1], vectors[i]);
    }
    memories(s, vectors[USUAL], vectors[RECENT]);
    for (int i = 0; i < N_ANGLES; i++) {
        *out++ = angle(vectors[angles[i][0]], vectors[angles[i][1]]);
    }
    *out++ = sig_fall_code(distance(vectors[AT_BEFORE], vectors[AT_LATE]));
    *out++ = sig_fall_code(distance(vectors[AT_EARLY], vectors[AT_LATE]));
    *out++ = sig_fall_code(sideways(v, vectors[AT_NEAR], &side_mean));
    *out++ = sig_fall_code(side_mean);
    *out++ = sig_fall_code(1000 + lowest_along(v, vectors[USUAL]));
    *out++ = sig_fall_code(wander(v, -25, -13));
    *out++ = sig_fall_code(wander(v, -12, -5));
    *out++ = sig_fall_code(wander(v, 12, K));
    *out++ = sig_fall_code(unrest(v, 8, K));
    *out++ = sig_fall_code(sinking(v));
    *out++ = (uint8_t)(s->usual_jerk >> 7);
    *out++ = difference(cells[BEFORE].jerk, (uint8_t)(s->usual_jerk >> 7));
    *out++ = difference(measure(v, &scalars[9]), (uint8_t)(s->usual_jerk >> 7));
    *out = difference(measure(v, &scalars[8]), cells[BEFORE].jerk);
}

void sig_fall_pre_features(const sig_fall_t *s, uint8_t *out) {
    sig_fall_cell_t cells[LAST + 1];
    int32_t vectors[N_PRE_VECTORS][3];
    unroll(s, LAST + 1, cells);
    const view_t v = cells + LAST;
    uint8_t *const first = out;
    for (int i = 0; i < N_PRE_SCALARS; i++) {
        *out++ = measure(v, &pre_scalars[i]);
    }
    for (int i = 0; i < PRE_USUAL; i++) {
        mean_vector(v, pre_postures[i][0], pre_postures[i][1], vectors[i]);
    }
    memories(s, vectors[PRE_USUAL], vectors[PRE_RECENT]);
    for (int i = 0; i < N_PRE_ANGLES; i++) {
        *out++ = angle(vectors[pre_angles[i][0]], vectors[pre_angles[i][1]]);
    }
    *out++ = sig_fall_code(distance(vectors[AT_NOW], vectors[AT_MIDDLE]));
    *out++ = sig_fall_code(distance(vectors[AT_NOW], vectors[AT_LONG_PAST]));
    *out++ = (uint8_t)(s->usual_jerk >> 7);
    *out++ = (uint8_t)(s->usual_gyro >> 7);
    *out++ = difference(first[7], first[11]);
    *out = difference(first[13], first[17]);
}
