/* The numbers decisions are made from, a byte each. tools and tests know them by position: see FEATURES in tools.fall_data. */
#include "sig_fall_internal.h"

enum { K = SIG_FALL_POST_CELLS };

typedef const sig_fall_cell_t *view_t; /* cell number 0, in a row with those before and after it */

/* How the cells of a window make one number: of a byte of each, of how often `top` is over a code, of the mean magnitude. */
enum { LARGEST, SMALLEST, AVERAGE, OVER, MEAN_LARGEST, MEAN_SMALLEST, MEAN_AVERAGE, ABOVE, BELOW };
enum {
    TOP = offsetof(sig_fall_cell_t, top),
    LOW = offsetof(sig_fall_cell_t, low),
    JERK = offsetof(sig_fall_cell_t, jerk),
    GYRO = offsetof(sig_fall_cell_t, gyro),
    MAG = offsetof(sig_fall_cell_t, mean_mg),
    MORE = 127 /* as `to`: the same as the window before, reaching further back */
};

typedef struct {
    uint8_t how;
    uint8_t what; /* the byte's place; of OVER the code */
    int8_t from;
    int8_t to;
} window_t;

enum { N_SCALARS = 19, N_VECTORS = 8, N_ANGLES = 13, N_PRE_SCALARS = 17, N_PRE_VECTORS = 6, N_PRE_ANGLES = 8 };

static const window_t scalars[N_SCALARS] = {
    {LARGEST, TOP, 0, 0}, {MEAN_LARGEST, MAG, -1, 1}, {BELOW, MAG, -10, 0}, {AVERAGE, JERK, -2, 2},
    {AVERAGE, JERK, -12, -3}, {AVERAGE, JERK, 3, 8}, {AVERAGE, JERK, 9, K}, {AVERAGE, JERK, 15, K},
    {AVERAGE, JERK, -25, -13}, {LARGEST, JERK, -6, -3}, {LARGEST, TOP, -25, -6}, {LARGEST, TOP, 4, K},
    {OVER, SIG_FALL_CODE_1500, -25, -4}, {OVER, SIG_FALL_CODE_1500, -3, 6}, {AVERAGE, GYRO, -8, -1},
    {AVERAGE, GYRO, -25, -10}, {ABOVE, MAG, -2, 4}, {ABOVE, MAG, -10, -1}, {SMALLEST, LOW, 1, 10},
};

/* Windows whose mean acceleration is a posture; two more postures come from the slow memories. */
enum { AT_BEFORE, AT_NEAR, AT_DROP, AT_EARLY, AT_MID, AT_LATE, USUAL, RECENT };
static const int8_t postures[USUAL][2] = {{-25, -13}, {-12, -5}, {-4, -1}, {4, 10}, {4, 5}, {12, K}};
static const uint8_t angles[N_ANGLES][2] = {
    {USUAL, AT_EARLY},  {USUAL, AT_MID},       {USUAL, AT_NEAR},     {USUAL, RECENT},      {RECENT, AT_EARLY},
    {RECENT, AT_LATE},  {RECENT, AT_NEAR},     {AT_BEFORE, AT_EARLY}, {AT_BEFORE, AT_LATE}, {AT_BEFORE, AT_NEAR},
    {AT_NEAR, AT_DROP}, {AT_NEAR, AT_EARLY},   {USUAL, AT_DROP},
};

static const window_t pre_scalars[N_PRE_SCALARS] = {
    {MEAN_AVERAGE, MAG, 0, 0}, {MEAN_AVERAGE, MAG, -7, MORE}, {MEAN_AVERAGE, MAG, -11, MORE}, {MEAN_AVERAGE, MAG, -20, -6},
    {AVERAGE, GYRO, 0, 0}, {AVERAGE, GYRO, -20, -6}, {AVERAGE, GYRO, -9, -4}, {LARGEST, GYRO, -4, 0},
    {AVERAGE, JERK, 0, 0}, {AVERAGE, JERK, -3, MORE}, {AVERAGE, JERK, -7, MORE}, {AVERAGE, JERK, -20, -6},
    {SMALLEST, LOW, -2, 0}, {SMALLEST, LOW, -5, MORE}, {LARGEST, TOP, 0, 0}, {BELOW, MAG, -2, 0}, {ABOVE, MAG, -4, 0},
};

enum { AT_NOW, AT_MIDDLE, AT_PAST, AT_LONG_PAST, PRE_USUAL, PRE_RECENT };
static const int8_t pre_postures[PRE_USUAL][2] = {{-1, 0}, {-6, -3}, {-11, -7}, {-20, -12}};
static const uint8_t pre_angles[N_PRE_ANGLES][2] = {
    {PRE_USUAL, AT_NOW}, {PRE_RECENT, AT_NOW},   {AT_LONG_PAST, AT_NOW},    {AT_PAST, AT_NOW},
    {AT_MIDDLE, AT_NOW}, {PRE_USUAL, AT_MIDDLE}, {AT_LONG_PAST, AT_MIDDLE}, {PRE_USUAL, PRE_RECENT},
};
enum { ALONG_CELLS = 8, N_LEANS = 3, N_TURNS = 4 };
static const uint8_t leans[N_LEANS] = {1, 2, 4}; /* cells ago */
static const uint8_t turns_over[N_TURNS] = {2, 8, 12, 15};

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

/* Turns the order of bytes, or of 16-bit words, round: the smallest is then found as the largest. */
static int32_t turned(int how) { return how == SMALLEST ? 255 : how == MEAN_SMALLEST ? 65535 : 0; }

/* What `n` cells add to `total`, from the cell of `at` backwards. Each kind has a loop of its own: a choice made for every
 * cell would be most of a decision's cost. */
static int32_t of_bytes(const uint8_t *at, int n, int how, int32_t total) {
    const uint8_t *const end = at - n * (int)sizeof(sig_fall_cell_t);
    if (how == AVERAGE) {
        for (; at != end; at -= sizeof(sig_fall_cell_t)) {
            total += *at;
        }
        return total;
    }
    for (; at != end; at -= sizeof(sig_fall_cell_t)) {
        const int32_t value = *at ^ turned(how);
        total = value > total ? value : total;
    }
    return total;
}

static int32_t times_over(view_t at, int n, int32_t code, int32_t total) {
    for (const view_t end = at - n; at != end; at--) {
        total += at->top > code;
    }
    return total;
}

static int32_t of_means(view_t at, int n, int how, int32_t total) {
    for (const view_t end = at - n; at != end; at--) {
        const int32_t mg = at->mean_mg;
        if (how == MEAN_AVERAGE) {
            total += mg;
        } else if (how < MEAN_AVERAGE) {
            const int32_t value = mg ^ turned(how);
            total = value > total ? value : total;
        } else if ((how == ABOVE) == (mg > 1000)) {
            total += how == ABOVE ? mg - 1000 : 1000 - mg;
        }
    }
    return total;
}

static int32_t gather(view_t at, int n, const window_t *w, int32_t total) {
    if (w->how < OVER) {
        return of_bytes((const uint8_t *)at + w->what, n, w->how, total);
    }
    return w->how == OVER ? times_over(at, n, w->what, total) : of_means(at, n, w->how, total);
}

/* A byte for each of `n` windows; returns where the next byte goes. */
static uint8_t *measure(view_t v, const window_t *w, int n, uint8_t *out) {
    const window_t *const end = w + n;
    int32_t total = 0;
    int to = 0;
    int next = 0;
    for (; w != end; w++) {
        if (w->to != MORE) {
            next = to = w->to;
            total = 0;
        }
        total = gather(v + next, next - w->from + 1, w, total);
        next = w->from - 1;
        const int32_t value = w->how == AVERAGE || w->how == MEAN_AVERAGE ? total / (to - next) : total ^ turned(w->how);
        *out++ = w->how > OVER ? sig_fall_code(value) : (uint8_t)value;
    }
    return out;
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

static int32_t cosine(const int32_t *a, const int32_t *b, int32_t norms) { return dot(a, b) / ((norms >> 10) + 1); }

int32_t sig_cos_1024(const int32_t *a, const int32_t *b) { return cosine(a, b, norm(a) * norm(b)); }

/* How far `n` pairs of the postures are apart: of 1 - cosine, so that small angles are told apart best. */
static uint8_t *turns(int32_t (*vectors)[3], int n_vectors, const uint8_t (*pairs)[2], int n, uint8_t *out) {
    int32_t norms[N_VECTORS];
    for (int i = 0; i < n_vectors; i++) {
        norms[i] = norm(vectors[i]);
    }
    for (int i = 0; i < n; i++) {
        const int a = pairs[i][0];
        const int b = pairs[i][1];
        *out++ = sig_fall_code(1024 - cosine(vectors[a], vectors[b], norms[a] * norms[b]));
    }
    return out;
}

/* Mean distance (sum of parts) of a window's cells from their mean. */
static int32_t wander(view_t v, const int8_t *window, const int32_t *mean) {
    int32_t sum = 0;
    for (int r = window[0]; r <= window[1]; r++) {
        for (int i = 0; i < 3; i++) {
            const int32_t d = v[r].acc_mg[i] - mean[i];
            sum += d < 0 ? -d : d;
        }
    }
    return sum / (window[1] - window[0] + 1);
}

/* The part of a cell's acceleration along a posture, mg. */
static int32_t along(const sig_fall_cell_t *cell, const int32_t *posture, int32_t posture_norm) {
    const int32_t acc[3] = {cell->acc_mg[0], cell->acc_mg[1], cell->acc_mg[2]};
    return dot(acc, posture) / (posture_norm + 1);
}

/* The part across it. */
static int32_t across(const sig_fall_cell_t *cell, const int32_t *posture, int32_t posture_norm) {
    const int32_t acc[3] = {cell->acc_mg[0], cell->acc_mg[1], cell->acc_mg[2]};
    const int32_t along_mg = dot(acc, posture) / (posture_norm + 1);
    const int32_t square = dot(acc, acc) - along_mg * along_mg;
    return square > 0 ? (int32_t)sig_isqrt((uint32_t)square) : 0;
}

static int32_t sideways(view_t v, const int32_t *posture, int32_t *mean) {
    const int32_t size = norm(posture);
    int32_t best = 0;
    *mean = 0;
    for (int r = -3; r <= 4; r++) {
        const int32_t side = across(v + r, posture, size);
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

/* The mean vectors of `n` windows, then those of the two slow memories. */
static void look(const sig_fall_t *s, view_t v, const int8_t (*windows)[2], int n, int32_t (*out)[3]) {
    for (int i = 0; i < n; i++) {
        mean_vector(v, windows[i][0], windows[i][1], out[i]);
    }
    for (int i = 0; i < 3; i++) {
        out[n][i] = s->usual_acc[i] >> 4;
        out[n + 1][i] = s->recent_acc[i] >> 4;
    }
}

void sig_fall_features(const sig_fall_t *s, uint8_t *out) {
    int32_t vectors[N_VECTORS][3];
    int32_t side_mean;
    const view_t v = s->cells + s->head - K;
    out = measure(v, scalars, N_SCALARS, out);
    look(s, v, postures, USUAL, vectors);
    out = turns(vectors, N_VECTORS, angles, N_ANGLES, out);
    *out++ = sig_fall_code(distance(vectors[AT_BEFORE], vectors[AT_LATE]));
    *out++ = sig_fall_code(distance(vectors[AT_EARLY], vectors[AT_LATE]));
    *out++ = sig_fall_code(sideways(v, vectors[AT_NEAR], &side_mean));
    *out++ = sig_fall_code(side_mean);
    *out++ = sig_fall_code(1000 + lowest_along(v, vectors[USUAL]));
    *out++ = sig_fall_code(wander(v, postures[AT_BEFORE], vectors[AT_BEFORE]));
    *out++ = sig_fall_code(wander(v, postures[AT_NEAR], vectors[AT_NEAR]));
    *out++ = sig_fall_code(wander(v, postures[AT_LATE], vectors[AT_LATE]));
    *out++ = sig_fall_code(sinking(v));
    *out = (uint8_t)(s->usual_jerk >> 7);
}

static const int8_t *up_before(const sig_fall_t *s, uint32_t cells) {
    return s->up[(s->cells_seen - cells) % SIG_FALL_UPS];
}

static int32_t dot_up(const int8_t *up, const int32_t *a) { return up[0] * a[0] + up[1] * a[1] + up[2] * a[2]; }

int32_t sig_fall_turned(const sig_fall_t *s, uint32_t cells) {
    const int8_t *now = up_before(s, 0);
    const int32_t up[3] = {now[0], now[1], now[2]};
    return SIG_FALL_UP * SIG_FALL_UP - dot_up(up_before(s, cells), up);
}

/* Acceleration along gravity over the last 1, 2, 4 and 8 cells, and across it over 4. */
static uint8_t *by_gravity(const sig_fall_t *s, view_t v, uint8_t *out) {
    int32_t sum = 0;
    int32_t square = 0;
    for (int ago = 0; ago < ALONG_CELLS; ago++) {
        const int32_t acc[3] = {v[-ago].acc_mg[0], v[-ago].acc_mg[1], v[-ago].acc_mg[2]};
        const int32_t part = dot_up(up_before(s, (uint32_t)ago), acc) / SIG_FALL_UP;
        sum += part;
        square += ago < 4 ? (dot(acc, acc) - part * part) / 4 : 0;
        if ((ago & (ago + 1)) == 0) {
            *out++ = sig_fall_code(1000 + sum / (ago + 1));
        }
    }
    *out++ = sig_fall_code(square > 0 ? (int32_t)sig_isqrt((uint32_t)square) : 0);
    return out;
}

/* More than a posture's length, so that a byte holds what is divided by it. */
static int32_t size_of(const int32_t *posture) {
    const int32_t length = norm(posture);
    return length + (length >> 5) + 64;
}

static uint8_t lean(const int8_t *up, const int32_t *posture, int32_t size) {
    return (uint8_t)(128 + dot_up(up, posture) / size);
}

/* How gravity lies to the postures before, how that changes, and how far it has turned. */
static uint8_t *leaning(const sig_fall_t *s, const int32_t *usual, const int32_t *recent, uint8_t *out) {
    const int32_t size = size_of(usual);
    const uint8_t now = lean(up_before(s, 0), usual, size);
    *out++ = now;
    *out++ = lean(up_before(s, 0), recent, size_of(recent));
    for (int i = 0; i < N_LEANS; i++) {
        *out++ = difference(now, lean(up_before(s, leans[i]), usual, size));
    }
    for (int i = 0; i < N_TURNS; i++) {
        *out++ = sig_fall_code(sig_fall_turned(s, turns_over[i]));
    }
    return out;
}

void sig_fall_pre_features(const sig_fall_t *s, uint8_t *out) {
    int32_t vectors[N_PRE_VECTORS][3];
    const view_t v = s->cells + s->head;
    uint8_t *const first = out;
    out = measure(v, pre_scalars, N_PRE_SCALARS, out);
    look(s, v, pre_postures, PRE_USUAL, vectors);
    out = turns(vectors, N_PRE_VECTORS, pre_angles, N_PRE_ANGLES, out);
    *out++ = sig_fall_code(distance(vectors[AT_NOW], vectors[AT_MIDDLE]));
    *out++ = sig_fall_code(distance(vectors[AT_NOW], vectors[AT_LONG_PAST]));
    *out++ = (uint8_t)(s->usual_jerk >> 7);
    *out++ = difference(first[4], first[5]);
    *out++ = difference(first[8], first[11]);
    leaning(s, vectors[PRE_USUAL], vectors[PRE_RECENT], by_gravity(s, v, out));
}
