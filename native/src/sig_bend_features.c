/* Angles, and the numbers the trees look at. tools/train_bend.py knows those by position: see its FEATURES. */
#include "sig_bend_internal.h"

enum {
    ONE = 4096,      /* length of a direction */
    STILL_RATE = 57, /* 8 degrees a second */
    START_CELLS = 10,
    BEFORE_CELLS = 5,
    AFTER_CELLS = 10,
    END_CELLS = 2, /* the person has long been upright by then */
    SUM_SCALE = 4    /* brings sums of tilts within what cos_between takes */
};

/* 16384 * cos of 0..90 degrees, rounded. */
static const int16_t cosine[91] = {
    16384, 16382, 16374, 16362, 16344, 16322, 16294, 16262, 16225, 16182, 16135, 16083, 16026, 15964, 15897, 15826,
    15749, 15668, 15582, 15491, 15396, 15296, 15191, 15082, 14968, 14849, 14726, 14598, 14466, 14330, 14189, 14044,
    13894, 13741, 13583, 13421, 13255, 13085, 12911, 12733, 12551, 12365, 12176, 11982, 11786, 11585, 11381, 11174,
    10963, 10749, 10531, 10311, 10087, 9860, 9630, 9397, 9162, 8923, 8682, 8438, 8192, 7943, 7692, 7438, 7182, 6924,
    6664, 6402, 6138, 5872, 5604, 5334, 5063, 4790, 4516, 4240, 3964, 3686, 3406, 3126, 2845, 2563, 2280, 1997, 1713,
    1428, 1143, 857, 572, 286, 0};

static int32_t length(const int32_t *v) {
    uint32_t square = 0;
    for (int i = 0; i < 3; i++) {
        square += (uint32_t)(v[i] * v[i]);
    }
    return (int32_t)sig_isqrt(square);
}

/* Cosine of the angle between two vectors times `one`; components within +-16384, `one` at most 16384. */
static int32_t cos_between(const int32_t *a, const int32_t *b, int32_t one) {
    const int32_t la = length(a);
    const int32_t lb = length(b);
    if (la == 0 || lb == 0) {
        return one;
    }
    int32_t unit[3];
    for (int i = 0; i < 3; i++) {
        unit[i] = a[i] * one / la;
    }
    int32_t dot = 0;
    for (int i = 0; i < 3; i++) {
        dot += unit[i] * b[i];
    }
    return dot / lb;
}

int32_t sig_bend_turn(sig_bend_t *s) {
    int32_t mg[3];
    uint32_t moved = 0;
    for (int i = 0; i < 3; i++) {
        mg[i] = s->gravity[i] / 16;
    }
    const int32_t size = length(mg);
    for (int i = 0; i < 3; i++) {
        const int32_t half = mg[i] < 0 ? -size / 2 : size / 2; /* rounded: all directions are equally long */
        const int32_t now = size == 0 ? s->direction[i] : (mg[i] * ONE + half) / size;
        const int32_t step = now - s->direction[i];
        moved += (uint32_t)(step * step);
        s->direction[i] = now;
    }
    return s->cells_seen == 0 ? 0 : (int32_t)sig_isqrt_near(moved, STILL_RATE);
}

void sig_bend_measure_angle(sig_bend_t *s) {
    int32_t dot = 0;
    uint32_t square = 0;
    for (int i = 0; i < 3; i++) {
        const int32_t upright = s->upright[i] / 256;
        dot += s->direction[i] * upright;
        square += (uint32_t)(upright * upright);
    }
    const int32_t size = (int32_t)sig_isqrt_near(square, ONE);
    s->along = size == 0 ? ONE : dot / size;
    const int32_t cos_angle = size == 0 ? 4 * ONE : dot * 4 / size;
    const int32_t wanted = cos_angle < 0 ? -cos_angle : cos_angle;
    int32_t deg = s->angle_deg > 90 ? 180 - s->angle_deg : s->angle_deg; /* near where it was */
    while (deg < 90 && cosine[deg] > wanted) {
        deg++;
    }
    while (deg > 0 && cosine[deg - 1] <= wanted) {
        deg--;
    }
    s->angle_deg = cos_angle < 0 ? 180 - deg : deg;
}

static const sig_bend_cell_t *aged(const sig_bend_t *s, int32_t age) {
    return &s->recent[s->newest >= age ? s->newest - age : s->newest - age + SIG_BEND_RECENT];
}

/* Mean unrest of the cells aged `first` to less than `end`. */
static int32_t unrest_of(const sig_bend_t *s, int32_t first, int32_t end) {
    int32_t sum = 0;
    for (int32_t age = first; age < end; age++) {
        sum += aged(s, age)->unrest_mg;
    }
    return sum / (end - first);
}

static void widen(const sig_bend_cell_t *cell, int32_t *max_mg, int32_t *min_mg) {
    *max_mg = cell->mag_max_mg > *max_mg ? cell->mag_max_mg : *max_mg;
    *min_mg = cell->mag_min_mg < *min_mg ? cell->mag_min_mg : *min_mg;
}

void sig_bend_begin(sig_bend_t *s) {
    static const sig_bend_excursion_t nothing = {0};
    sig_bend_excursion_t *e = &s->excursion;
    *e = nothing;
    e->start_min_mg = INT32_MAX;
    e->unrest_before = unrest_of(s, 1, SIG_BEND_RECENT);
    for (int32_t age = 1; age <= BEFORE_CELLS; age++) {
        widen(aged(s, age), &e->start_max_mg, &e->start_min_mg);
    }
}

/* What of the direction is not upright; 1/16 of the direction's length, so that 25 s of it can be summed. */
static void tilt_of(const sig_bend_t *s, int32_t *out) {
    for (int i = 0; i < 3; i++) {
        out[i] = (s->direction[i] - s->upright[i] / 256 * s->along / ONE) / 16;
    }
}

static void follow_tilt(sig_bend_t *s, int new_peak) {
    sig_bend_excursion_t *e = &s->excursion;
    int32_t tilt[3];
    tilt_of(s, tilt);
    for (int i = 0; i < 3; i++) {
        e->tilt[i] += tilt[i];
        if (new_peak) {
            e->tilt_peak[i] = tilt[i];
            e->tilt_to_peak[i] = e->tilt[i];
        }
    }
    e->tilt_length += length(tilt);
}

void sig_bend_extend(sig_bend_t *s, const sig_bend_cell_t *cell, int32_t rate) {
    enum { FULL = 250 }; /* sums stay as they are then: an excursion of that length is not judged */
    sig_bend_excursion_t *e = &s->excursion;
    if (e->cells == FULL) {
        return;
    }
    const int new_peak = s->angle_deg > e->peak_deg;
    e->cells += 1;
    if (new_peak) {
        e->peak_deg = s->angle_deg;
        e->peak_cell = e->cells;
    }
    e->angle_sum += s->angle_deg;
    e->rate_max = rate > e->rate_max ? rate : e->rate_max;
    e->still_cells += rate < STILL_RATE;
    e->beyond_20 += s->angle_deg > 20;
    e->mag_max_mg = cell->mag_max_mg > e->mag_max_mg ? cell->mag_max_mg : e->mag_max_mg;
    e->unrest_sum += cell->unrest_mg;
    if (e->cells <= START_CELLS) {
        widen(cell, &e->start_max_mg, &e->start_min_mg);
    }
    follow_tilt(s, new_peak);
}

static int16_t narrow(int32_t value) {
    if (value > 32766) {
        return 32766;
    }
    return value < -32766 ? (int16_t)-32766 : (int16_t)value;
}

static int32_t cos_of_sums(const int32_t *a, const int32_t *b) {
    int32_t small_a[3];
    int32_t small_b[3];
    for (int i = 0; i < 3; i++) {
        small_a[i] = a[i] / SUM_SCALE;
        small_b[i] = b[i] / SUM_SCALE;
    }
    return cos_between(small_a, small_b, 1000);
}

static int32_t coherence(const sig_bend_excursion_t *e) {
    int32_t small[3];
    for (int i = 0; i < 3; i++) {
        small[i] = e->tilt[i] / SUM_SCALE;
    }
    const int32_t all = e->tilt_length / SUM_SCALE;
    return all == 0 ? 1000 : length(small) * 1000 / all;
}

void sig_bend_features(const sig_bend_t *s, int16_t *out) {
    const sig_bend_excursion_t *e = &s->described;
    const int32_t cells = e->cells < 1 ? 1 : e->cells;
    int32_t end_max_mg = 0;
    int32_t end_min_mg = INT32_MAX;
    for (int32_t age = END_CELLS; age < SIG_BEND_RECENT; age++) {
        widen(aged(s, age), &end_max_mg, &end_min_mg);
    }
    int32_t after_peak[3];
    int32_t scaled_peak[3];
    for (int i = 0; i < 3; i++) {
        after_peak[i] = e->tilt[i] - e->tilt_to_peak[i];
        scaled_peak[i] = e->tilt_peak[i] * SUM_SCALE;
    }
    const int32_t values[SIG_BEND_FEATURES] = {
        e->peak_deg,
        e->cells,
        e->peak_cell,
        e->cells - e->peak_cell,
        e->peak_deg == 0 ? 0 : e->angle_sum * 100 / (cells * e->peak_deg),
        e->rate_max,
        e->still_cells * 1000 / cells,
        e->mag_max_mg,
        e->unrest_sum / cells,
        coherence(e),
        cos_of_sums(e->tilt, scaled_peak),
        cos_of_sums(e->tilt_to_peak, after_peak),
        e->beyond_20,
        e->unrest_before,
        unrest_of(s, 0, AFTER_CELLS),
        e->start_max_mg - e->start_min_mg,
        e->start_min_mg,
        end_max_mg - end_min_mg,
    };
    for (int i = 0; i < SIG_BEND_FEATURES; i++) {
        out[i] = narrow(values[i]);
    }
}
