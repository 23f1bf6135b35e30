/* After a fall: got up again, or lies still. */
#include "sig_fall_internal.h"

enum {
    UP_COS = 839,             /* within 35 degrees of the posture before the fall */
    TURNED_COS = 724,         /* a fall that turned the body by more than 45 degrees: posture tells when it is over */
    UP_CELLS = 25,            /* upright for 2 s */
    ACTIVE_SPREAD_MG = 250,   /* a cell of somebody on their feet */
    ACTIVE_CELLS = 60,        /* net of rest: about 3 s of steps */
    STILL_SPREAD_MG = 80,     /* breathing stays below, a moved hand does not */
    STILL_GYRO_DPS = 15,
    STILL_SHIFT_MG = 150,     /* about 9 degrees away from where the person came to rest, */
    SETTLE_CELLS = 13,        /* which takes a second */
    NO_MOTION_CONFIDENCE = 999
};

static int32_t shift(const sig_fall_cell_t *cell, const int16_t *from) {
    int32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        const int32_t d = cell->acc_mg[i] - from[i];
        sum += d < 0 ? -d : d;
    }
    return sum;
}

static void posture(const sig_fall_t *s, int newest_age, int n, int32_t *out) {
    out[0] = out[1] = out[2] = 0;
    for (int age = newest_age; age < newest_age + n; age++) {
        for (int i = 0; i < 3; i++) {
            out[i] += s->cells[s->head - age].acc_mg[i];
        }
    }
    for (int i = 0; i < 3; i++) {
        out[i] /= n;
    }
}

void sig_fall_note_down(sig_fall_t *s) {
    int32_t lying[3];
    posture(s, 0, 8, lying);
    posture(s, SIG_FALL_POST_CELLS + 13, 13, s->upright);
    s->turned = sig_cos_1024(s->upright, lying) < TURNED_COS;
    s->down = 1;
    s->up_cells = 0;
    s->active_cells = 0;
}

void sig_fall_watch_recovery(sig_fall_t *s, const sig_fall_newest_t *newest) {
    if (s->down == 0) {
        return;
    }
    int32_t now[3];
    posture(s, 0, 4, now);
    const int upright = s->placement == SIG_PLACEMENT_WAIST && s->turned && sig_cos_1024(s->upright, now) > UP_COS;
    s->up_cells = upright ? (int16_t)(s->up_cells + 1) : (int16_t)0;
    if (newest->spread_mg > ACTIVE_SPREAD_MG) {
        s->active_cells += 2;
    } else if (s->active_cells > 0) {
        s->active_cells -= 1;
    }
    if (s->up_cells >= UP_CELLS || s->active_cells >= ACTIVE_CELLS) {
        s->down = 0;
        s->hold_cells = 0;
        sig_fall_emit(s, SIG_EVENT_RECOVERED, s->up_cells >= UP_CELLS ? 900 : 700);
    }
}

void sig_fall_watch_stillness(sig_fall_t *s, const sig_fall_newest_t *newest) {
    const sig_fall_cell_t *cell = &s->cells[s->head];
    const int moved = newest->spread_mg > STILL_SPREAD_MG || newest->gyro_dps > STILL_GYRO_DPS ||
                      shift(cell, s->still_ref) > STILL_SHIFT_MG;
    s->still_cells = moved ? 0 : s->still_cells + (s->still_cells <= s->still_limit);
    if (s->still_cells < SETTLE_CELLS) {
        for (int i = 0; i < 3; i++) {
            s->still_ref[i] = cell->acc_mg[i];
        }
    }
    if (s->still_limit > 0 && s->still_cells == s->still_limit) {
        sig_fall_emit(s, SIG_EVENT_NO_MOTION, NO_MOTION_CONFIDENCE);
    }
}
