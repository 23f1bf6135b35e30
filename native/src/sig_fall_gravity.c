/* Which way is up while the body turns: gravity, turned with the gyroscope and drawn slowly to what the accelerometer
 * says when that is near 1 g. Without a gyroscope the second half is all there is. Divided, not shifted: a shift rounds
 * down, which would draw gravity to one side of the tag. */
#include "sig_fall_internal.h"

enum {
    UNIT_SHIFT = 14,       /* 1 is 16384 */
    UNIT = 1 << UNIT_SHIFT,
    TURN = 366,            /* a sum of deg/s over ticks, to radians: 0.02 s * pi / 180 * 16384 * 64 */
    LARGEST_TURN = 11469,  /* 0.7 rad in 80 ms about each axis: beyond, the series below is no rotation any more */
    TRUST_MG = 250,        /* further than that from 1 g nothing is learnt; at 1 g, with a time constant of 1 s */
    LEARN = 21             /* 0.08 s / TRUST_MG * 65536 */
};

static void cross(const int32_t *a, const int32_t *b, int32_t *out) {
    for (int i = 0; i < 3; i++) {
        const int j = i < 2 ? i + 1 : 0;
        const int k = i > 0 ? i - 1 : 2;
        out[i] = (a[j] * b[k] - a[k] * b[j]) / UNIT;
    }
}

static void store(sig_fall_t *s, uint32_t at) {
    for (int i = 0; i < 3; i++) {
        s->up[at % SIG_FALL_UPS][i] = (int8_t)(s->gravity[i] * SIG_FALL_UP / UNIT);
    }
}

void sig_fall_begin_gravity(sig_fall_t *s, const sig_fall_cell_t *cell) {
    for (int i = 0; i < 3; i++) {
        s->gravity[i] = cell->acc_mg[i] * UNIT / (cell->mean_mg + 64);
    }
    for (uint32_t at = 0; at < SIG_FALL_UPS; at++) {
        store(s, at);
    }
}

void sig_fall_follow_gravity(sig_fall_t *s, const sig_fall_cell_t *cell) {
    int32_t turn[3];
    int32_t first[3];
    int32_t second[3];
    int32_t square = 0;
    int32_t trust = cell->mean_mg < 1000 ? cell->mean_mg - 1000 + TRUST_MG : 1000 + TRUST_MG - cell->mean_mg;
    trust = trust < 0 ? 0 : trust * LEARN;
    for (int i = 0; i < 3; i++) {
        const int32_t angle = s->turn_sum_dps[i] * TURN / 64;
        turn[i] = angle > LARGEST_TURN ? LARGEST_TURN : angle < -LARGEST_TURN ? -LARGEST_TURN : angle;
        s->turn_sum_dps[i] = 0;
    }
    cross(s->gravity, turn, first);
    cross(first, turn, second);
    for (int i = 0; i < 3; i++) {
        const int32_t felt = cell->acc_mg[i] * 1049 / 64; /* in the same unit */
        int32_t part = s->gravity[i] + first[i] + second[i] / 2;
        part += (felt - part) * trust / 65536;
        s->gravity[i] = part;
        square += part * part >> UNIT_SHIFT;
    }
    for (int i = 0; i < 3; i++) { /* one step of Newton's method towards length 1 */
        s->gravity[i] = s->gravity[i] * (3 * UNIT - square) / (2 * UNIT);
    }
    store(s, s->cells_seen);
}
