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

enum { N_SCALARS = 19, N_VECTORS = 8, N_ANGLES = 13, N_PRE_SCALARS = 13, N_PRE_VECTORS = 6, N_PRE_ANGLES = 4 };

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
    {MEAN_AVERAGE, MAG, -7, 0}, {MEAN_AVERAGE, MAG, -11, MORE}, {MEAN_AVERAGE, MAG, -20, -6}, {AVERAGE, GYRO, 0, 0},
    {AVERAGE, GYRO, -20, -6}, {AVERAGE, GYRO, -9, -4}, {LARGEST, JERK, -8, -4}, {LARGEST, JERK, -20, -9},
    {LARGEST, TOP, -20, -4}, {SMALLEST, LOW, -5, 0}, {SMALLEST, LOW, -20, -4}, {BELOW, MAG, -2, 0},
    {ABOVE, MAG, -4, 0},
};

enum { AT_NOW, AT_MIDDLE, AT_PAST, AT_LONG_PAST, PRE_USUAL, PRE_RECENT };
static const int8_t pre_postures[PRE_USUAL][2] = {{-1, 0}, {-6, -3}, {-11, -7}, {-20, -12}};
static const uint8_t pre_angles[N_PRE_ANGLES][2] = {
    {PRE_RECENT, AT_NOW}, {AT_PAST, AT_NOW}, {PRE_USUAL, AT_MIDDLE}, {AT_LONG_PAST, AT_MIDDLE},
};
enum {
    OLDEST = SIG_FALL_UPS - 1, /* cells ago */
    LATE_LEAN = 12,
    HALF = 8,                  /* cells; */
    QUARTER = 4,
    LEAST_MG = 980,            /* less along gravity than this counts as speed lost */
    HEIGHT = 400,              /* mg times cells squared: 25 mm */
    NEAR_HEIGHT = 150
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
    int32_t best = INT32_MAX;
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

/* A number of either sign as a byte. */
static uint8_t centred(int32_t value) {
    return value < -128 ? (uint8_t)0 : value > 127 ? (uint8_t)255 : (uint8_t)(128 + value);
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

/* A sum that loses a part of itself at each step and never goes below nothing. */
static int32_t leaky(int32_t sum, int shift, int32_t more) {
    sum += more - (sum >> shift);
    return sum > 0 ? sum : 0;
}

/* Height and speed that the body lost and gained along gravity as it turned, and how hard it was pushed along it. Leaves
 * in `push` the sums of what pushed across it, in the last QUARTER cells and in those before them up to HALF. */
static uint8_t *by_gravity(const sig_fall_t *s, view_t v, int32_t (*push)[3], uint8_t *out) {
    int32_t height[2] = {0, 0};
    int32_t quarter[4] = {0, 0, 0, 0};
    int32_t lost = 0;
    int32_t gained = 0;
    int32_t most = 0;
    int32_t above = 0;
    int32_t all = 0;
    int32_t lowest = INT32_MAX;
    sig_clear(push, 2 * sizeof *push);
    for (int ago = OLDEST; ago >= 0; ago--) {
        const int8_t *up = up_before(s, (uint32_t)ago);
        const int32_t acc[3] = {v[-ago].acc_mg[0], v[-ago].acc_mg[1], v[-ago].acc_mg[2]};
        const int32_t mg = dot_up(up, acc) / SIG_FALL_UP;
        const int32_t more = mg - 1000;
        for (int i = 0; i < 3; i++) {
            push[ago < QUARTER][i] += (acc[i] - mg * up[i] / SIG_FALL_UP) * (ago < HALF);
        }
        height[ago < HALF] -= more * (ago + 1);
        quarter[ago / QUARTER] += mg;
        lost = leaky(lost, 4, LEAST_MG - mg);
        gained = leaky(gained, 3, more);
        most = gained > most ? gained : most;
        lowest = mg < lowest ? mg : lowest;
        above += more > 0 ? more : 0;
        all += more;
    }
    *out++ = centred((height[0] + height[1]) / HEIGHT);
    *out++ = centred(height[1] / NEAR_HEIGHT);
    *out++ = sig_fall_code(lost);
    *out++ = sig_fall_code(most);
    *out++ = sig_fall_code(above);
    *out++ = sig_fall_code(above - all);
    *out++ = sig_fall_code(1000 + lowest);
    *out++ = sig_fall_code(1000 + quarter[0] / QUARTER);
    *out++ = sig_fall_code(1000 + quarter[1] / QUARTER);
    *out++ = sig_fall_code(1000 + quarter[3] / QUARTER);
    *out++ = sig_fall_code(1000 + (quarter[0] + quarter[1]) / HALF);
    return out;
}

/* More than a posture's length, so that a byte holds what is divided by it. */
static int32_t size_of(const int32_t *posture) {
    const int32_t length = norm(posture);
    return length + (length >> 5) + 64;
}

/* How the push across gravity lies to the body and to its turn, whether that goes on, and how far the body leans. */
static void pushing(const sig_fall_t *s, int32_t (*push)[3], const int32_t *usual, uint8_t *out) {
    const int32_t size = size_of(usual);
    int32_t turn[2] = {0, 0};
    int32_t goes_on = 0;
    int32_t leant[2] = {0, 0};
    for (int i = 0; i < 3; i++) {
        const int32_t now = up_before(s, 0)[i];
        const int32_t middle = up_before(s, HALF)[i];
        const int32_t first = up_before(s, OLDEST)[i];
        push[0][i] = (push[0][i] + push[1][i]) / HALF;
        push[1][i] /= QUARTER;
        turn[0] += push[0][i] * (now - middle);
        turn[1] += push[1][i] * (now - up_before(s, QUARTER)[i]);
        goes_on += (now - middle) * (middle - first);
        leant[0] += (now - first) * usual[i];
        leant[1] += (now - up_before(s, LATE_LEAN)[i]) * usual[i];
    }
    *out++ = centred(turn[0] / 256);
    *out++ = centred(turn[1] / 256);
    *out++ = sig_fall_code(norm(push[0]));
    *out++ = sig_fall_code(norm(push[1]));
    *out++ = sig_fall_code(1000 + goes_on);
    *out++ = centred(leant[0] / size);
    *out++ = centred(leant[1] / size);
    *out++ = centred(dot(push[0], usual) / 8192);
    *out = sig_fall_code(sig_fall_turned(s, OLDEST));
}

void sig_fall_pre_features(const sig_fall_t *s, uint8_t *out) {
    int32_t vectors[N_PRE_VECTORS][3];
    int32_t push[2][3];
    const view_t v = s->cells + s->head;
    uint8_t *const first = out;
    out = measure(v, pre_scalars, N_PRE_SCALARS, out);
    look(s, v, pre_postures, PRE_USUAL, vectors);
    out = turns(vectors, N_PRE_VECTORS, pre_angles, N_PRE_ANGLES, out);
    *out++ = centred(first[3] - first[4]);
    pushing(s, push, vectors[PRE_USUAL], by_gravity(s, v, push, out));
}
