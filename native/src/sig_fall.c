#include "sig_fall.h"

#include "sig_fall_internal.h"
#include "sig_fall_model.h"
#include "sig_trees.h"

enum {
    AGAIN_CELLS = 5,     /* the next candidate's distance from the last */
    HOLD_CELLS = 125,    /* one fall is reported once: 10 s, or until the person is up */
    FALLING_HOLD = 25,   /* 2 s */
    PRE_MAG_MG = 850,    /* the body begins to drop, */
    PRE_GYRO_CODE = 12,  /* or to turn: 96 deg/s, */
    PRE_DROP_MG = 688,   /* (without a gyroscope: drops further) */
    PRE_TURN_CELLS = 8,  /* and has turned in 640 ms, */
    PRE_LONG_CELLS = 12, /* and in 960 ms */
    USUAL_SHIFT = 7,     /* 128 cells = 10 s */
    RECENT_SHIFT = 5
};

int sig_fall_init(sig_fall_t *s, uint32_t placement, int32_t no_motion_s) {
    if (placement != SIG_PLACEMENT_WAIST && placement != SIG_PLACEMENT_WRIST) {
        return SIG_ERR_PLACEMENT;
    }
    if (no_motion_s < SIG_FALL_NO_MOTION_OFF || no_motion_s > 1800) {
        return SIG_ERR_NO_MOTION;
    }
    sig_clear(s, sizeof *s);
    const int32_t seconds = no_motion_s == 0 ? SIG_FALL_NO_MOTION_S : no_motion_s;
    s->still_limit = seconds < 0 ? 0 : seconds * 1000 / (SIG_TICK_MS * SIG_FALL_CELL_TICKS);
    s->placement = placement;
    s->anchor_age = -1;
    s->mag_last_mg = 1000;
    s->mag_min_mg = INT32_MAX;
    s->magic = SIG_FALL_MAGIC;
    return 0;
}

void sig_fall_emit(sig_fall_t *s, int32_t kind, int32_t confidence_permille) {
    sig_events_add(&s->events, s->ticks, kind, confidence_permille, 0);
}

int32_t sig_fall_score(uint32_t placement, const uint8_t *features) {
    int8_t inputs[SIG_FALL_FEATURES + 1];
    sig_fall_normalise(fall_scale, SIG_FALL_FEATURES, features, inputs);
    if (placement == SIG_PLACEMENT_WRIST) {
        return FALL_WRIST_BIAS + sig_fall_net(fall_wrist, FALL_WRIST_UNITS, inputs, SIG_FALL_FEATURES);
    }
    return FALL_WAIST_BIAS + sig_fall_net(fall_waist, FALL_WAIST_UNITS, inputs, SIG_FALL_FEATURES);
}

int32_t sig_fall_pre_score(uint32_t placement, const uint8_t *features) {
    int8_t inputs[SIG_FALL_PRE_FEATURES + 1];
    sig_fall_normalise(pre_scale, SIG_FALL_PRE_FEATURES, features, inputs);
    if (placement == SIG_PLACEMENT_WRIST) {
        return PRE_WRIST_BIAS + sig_fall_net(pre_wrist, PRE_WRIST_UNITS, inputs, SIG_FALL_PRE_FEATURES);
    }
    return PRE_WAIST_BIAS + sig_fall_net(pre_waist, PRE_WAIST_UNITS, inputs, SIG_FALL_PRE_FEATURES);
}

static void judge(sig_fall_t *s) {
    uint8_t features[SIG_FALL_FEATURES];
    s->decisions += 1;
    if (s->hold_cells > 0) {
        return;
    }
    sig_fall_features(s, features);
    const int32_t score = sig_fall_score(s->placement, features);
    if (score <= 0) {
        return;
    }
    s->hold_cells = HOLD_CELLS;
    sig_fall_note_down(s);
    sig_fall_emit(s, SIG_EVENT_FALL, sig_permille(score));
}

static void next_anchor(sig_fall_t *s) {
    const int oldest = s->anchor_age - AGAIN_CELLS;
    s->anchor_age = -1;
    s->anchor_peak = SIG_FALL_CODE_1400; /* no fall on record has a lower peak */
    for (int age = oldest; age >= 0; age--) {
        const uint8_t top = s->cells[s->head - age].top;
        if (top > s->anchor_peak) {
            s->anchor_peak = top;
            s->anchor_age = age;
        }
    }
}

static void follow_peak(sig_fall_t *s, const sig_fall_cell_t *cell) {
    const uint8_t limit = s->anchor_age < 0 ? (uint8_t)SIG_FALL_CODE_1400 : s->anchor_peak;
    if (cell->top > limit) {
        s->anchor_age = 0;
        s->anchor_peak = cell->top;
    } else if (s->anchor_age >= 0) {
        s->anchor_age += 1;
    }
    if (s->anchor_age == SIG_FALL_POST_CELLS) {
        judge(s);
        next_anchor(s);
    }
}

int32_t sig_fall_pre_turned(const sig_fall_t *s) {
    const sig_fall_cell_t *cell = &s->cells[s->head];
    if (cell->mean_mg >= PRE_MAG_MG && cell->gyro <= PRE_GYRO_CODE) {
        return 0;
    }
    if (cell->gyro == 0) { /* none is fitted, or it is a drop straight down */
        return cell->mean_mg < PRE_DROP_MG ? INT32_MAX : 0;
    }
    const int32_t lately = sig_fall_turned(s, PRE_TURN_CELLS);
    const int32_t longer = sig_fall_turned(s, PRE_LONG_CELLS);
    return lately < longer ? lately : longer;
}

static void look_ahead(sig_fall_t *s) {
    if (s->falling_hold > 0 || s->hold_cells > 0 || sig_fall_pre_turned(s) <= SIG_FALL_PRE_TURNED) {
        return;
    }
    uint8_t features[SIG_FALL_PRE_FEATURES];
    sig_fall_pre_features(s, features);
    const int32_t score = sig_fall_pre_score(s->placement, features);
    if (score > 0) {
        s->falling_hold = FALLING_HOLD;
        sig_fall_emit(s, SIG_EVENT_FALLING, sig_permille(score));
    }
}

static void count_down(int16_t *cells) {
    if (*cells > 0) {
        *cells -= 1;
    }
}

static int16_t vector_part(int32_t value) {
    if (value > SIG_FALL_VECTOR_MG) {
        return SIG_FALL_VECTOR_MG;
    }
    return value < -SIG_FALL_VECTOR_MG ? (int16_t)-SIG_FALL_VECTOR_MG : (int16_t)value;
}

static uint16_t word(int32_t value) { return value > 65535 ? (uint16_t)65535 : (uint16_t)value; }

static sig_fall_cell_t close_cell(sig_fall_t *s, sig_fall_newest_t *newest) {
    sig_fall_cell_t cell;
    newest->spread_mg = s->mag_max_mg - s->mag_min_mg;
    newest->gyro_dps = s->gyro_sum_dps / SIG_FALL_CELL_TICKS;
    for (int i = 0; i < 3; i++) {
        cell.acc_mg[i] = vector_part(s->acc_sum_mg[i] / SIG_FALL_CELL_TICKS);
        s->acc_sum_mg[i] = 0;
    }
    cell.mean_mg = word(s->mag_sum_mg / SIG_FALL_CELL_TICKS);
    cell.top = sig_fall_code(s->mag_max_mg);
    cell.low = sig_fall_code(s->mag_min_mg);
    cell.jerk = sig_fall_code(s->jerk_sum_mg);
    cell.gyro = sig_fall_code(newest->gyro_dps);
    s->mag_sum_mg = 0;
    s->mag_max_mg = 0;
    s->mag_min_mg = INT32_MAX;
    s->jerk_sum_mg = 0;
    s->gyro_sum_dps = 0;
    return cell;
}

/* Before the first cell the person is taken to have been in its posture for a long time. */
static void begin(sig_fall_t *s, const sig_fall_cell_t *cell) {
    for (int i = 0; i < SIG_FALL_CELLS; i++) {
        s->cells[i] = *cell;
    }
    s->head = SIG_FALL_CELLS - 1;
    for (int i = 0; i < 3; i++) {
        s->usual_acc[i] = s->recent_acc[i] = cell->acc_mg[i] * 16;
        s->still_ref[i] = cell->acc_mg[i];
    }
    sig_fall_begin_gravity(s, cell);
    s->usual_jerk = cell->jerk << USUAL_SHIFT;
}

static void append(sig_fall_t *s, const sig_fall_cell_t *cell) {
    s->head += 1;
    if (s->head == SIG_FALL_CELLS + SIG_FALL_MARGIN) {
        for (s->head = 0; s->head < SIG_FALL_CELLS - 1; s->head++) {
            s->cells[s->head] = s->cells[s->head + SIG_FALL_MARGIN + 1];
        }
    }
    s->cells[s->head] = *cell;
}

static void remember(sig_fall_t *s) {
    const sig_fall_cell_t *cell = &s->cells[s->head - SIG_FALL_LATE_CELLS];
    for (int i = 0; i < 3; i++) {
        s->usual_acc[i] += (cell->acc_mg[i] * 16 - s->usual_acc[i]) / (1 << USUAL_SHIFT);
        s->recent_acc[i] += (cell->acc_mg[i] * 16 - s->recent_acc[i]) / (1 << RECENT_SHIFT);
    }
    s->usual_jerk += cell->jerk - (s->usual_jerk >> USUAL_SHIFT);
}

static void on_cell(sig_fall_t *s) {
    sig_fall_newest_t newest;
    const sig_fall_cell_t cell = close_cell(s, &newest);
    if (s->cells_seen == 0) {
        begin(s, &cell);
    }
    s->cells_seen += 1;
    append(s, &cell);
    sig_fall_follow_gravity(s, &cell);
    remember(s);
    count_down(&s->hold_cells);
    count_down(&s->falling_hold);
    look_ahead(s);
    follow_peak(s, &cell);
    sig_fall_watch_recovery(s, &newest);
    sig_fall_watch_stillness(s, &newest);
}

void sig_fall_tick(sig_fall_t *s, const sig_motion_t *motion) {
    const int32_t mag = motion->acc_norm_mg;
    const int32_t step = mag > s->mag_last_mg ? mag - s->mag_last_mg : s->mag_last_mg - mag;
    for (int i = 0; i < 3; i++) {
        s->acc_sum_mg[i] += motion->acc_mg[i];
        s->turn_sum_dps[i] += motion->gyro_dps[i];
    }
    s->mag_sum_mg += mag;
    s->mag_max_mg = mag > s->mag_max_mg ? mag : s->mag_max_mg;
    s->mag_min_mg = mag < s->mag_min_mg ? mag : s->mag_min_mg;
    s->mag_last_mg = mag;
    s->jerk_sum_mg += step;
    s->gyro_sum_dps += motion->gyro_norm_dps;
    s->ticks += 1;
    if (s->ticks % SIG_FALL_CELL_TICKS == 0) {
        on_cell(s);
    }
}
