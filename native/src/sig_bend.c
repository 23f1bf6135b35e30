#include "sig_bend.h"

#include "sig_bend_internal.h"
#include "sig_bend_model.h"
#include "sig_trees.h"

enum {
    ENTER_DEG = 9,
    LEAVE_DEG = 6,        /* and a sixth of the largest angle: people do not come back quite to where they were */
    LEAVE_PARTS = 6,
    LEAVE_CELLS = 10,      /* upright for so long ends an excursion */
    SHORTEST_CELLS = 3,
    LONGEST_CELLS = 200,  /* 20 s: nobody bends for longer without it being a posture */
    FIRST_CELLS = 10,     /* the first second is taken as upright until something better is known */
    LEARN_SHIFT = 8,      /* usual direction: 256 cells */
    RELEARN_SHIFT = 5,
    WALKING_MG = 100,     /* so much unrest for seconds is walking, which is done upright */
    SPIKE_MG = 3000,
    SPIKE_TICKS = 4,      /* 80 ms */
    BAND_LOW_DEG = 20,
    BAND_HIGH_DEG = 60
};

int sig_bend_init(sig_bend_t *s) {
    sig_clear(s, sizeof *s);
    s->mag_min_mg = INT32_MAX;
    s->magic = SIG_BEND_MAGIC;
    return 0;
}

int32_t sig_bend_score(const int16_t *features) {
    return BEND_BIAS + sig_trees_sum(bend_trees, BEND_TREES, features);
}

static void judge(sig_bend_t *s) {
    int16_t features[SIG_BEND_FEATURES];
    s->candidates += 1;
    sig_bend_features(s, features);
    const int32_t score = sig_bend_score(features);
    if (score > BEND_LIMIT) {
        sig_events_add(&s->events, s->ticks, SIG_EVENT_BEND, sig_permille(score - BEND_LIMIT), s->described.peak_deg);
    }
}

static void learn_upright(sig_bend_t *s, int shift) {
    for (int i = 0; i < 3; i++) {
        s->upright[i] += (s->direction[i] * 256 - s->upright[i]) / (1 << shift);
    }
}

static void follow_excursion(sig_bend_t *s, const sig_bend_cell_t *cell, int32_t rate) {
    sig_bend_excursion_t *e = &s->excursion;
    if (s->angle_deg >= LEAVE_DEG + e->peak_deg / LEAVE_PARTS) {
        s->below = 0;
    } else if (s->below++ == 0) {
        s->described = *e; /* what comes from here on is standing, if it lasts */
    }
    sig_bend_extend(s, cell, rate);
    if (e->cells > LONGEST_CELLS && s->unrest_16 > WALKING_MG * 16) {
        learn_upright(s, RELEARN_SHIFT);
    }
    if (s->below < LEAVE_CELLS) {
        return;
    }
    s->bending = 0;
    s->enter_deg = s->angle_deg + ENTER_DEG;
    if (e->cells <= LONGEST_CELLS && s->described.cells >= SHORTEST_CELLS) {
        judge(s);
    }
}

static void follow(sig_bend_t *s, const sig_bend_cell_t *cell, int32_t rate) {
    const int32_t enter_deg = s->angle_deg + ENTER_DEG;
    s->enter_deg = enter_deg < s->enter_deg ? enter_deg : s->enter_deg;
    s->enter_deg = s->enter_deg < ENTER_DEG ? ENTER_DEG : s->enter_deg;
    if (s->bending) {
        follow_excursion(s, cell, rate);
    } else if (s->angle_deg > s->enter_deg) {
        s->bending = 1;
        s->below = 0;
        sig_bend_begin(s);
        sig_bend_extend(s, cell, rate);
    } else {
        learn_upright(s, LEARN_SHIFT);
    }
}

static void count_band(sig_bend_t *s) {
    const int band = (s->angle_deg >= BAND_LOW_DEG) + (s->angle_deg > BAND_HIGH_DEG);
    if (s->band_ms[band] <= UINT32_MAX - SIG_BEND_CELL_MS) {
        s->band_ms[band] += SIG_BEND_CELL_MS;
    }
}

static uint16_t word(int32_t value) { return value > 65535 ? (uint16_t)65535 : (uint16_t)value; }

static sig_bend_cell_t close_cell(sig_bend_t *s) {
    sig_bend_cell_t cell;
    cell.mag_max_mg = word(s->mag_max_mg);
    cell.mag_min_mg = word(s->mag_min_mg);
    cell.unrest_mg = word(s->unrest_sum_mg / SIG_BEND_CELL_TICKS);
    for (int i = 0; i < 3; i++) {
        const int32_t mean = s->acc_sum_mg[i] / SIG_BEND_CELL_TICKS * 16;
        s->gravity[i] = s->cells_seen == 0 ? mean : s->gravity[i] + (mean - s->gravity[i]) / 4;
        s->acc_sum_mg[i] = 0;
    }
    s->mag_max_mg = 0;
    s->mag_min_mg = INT32_MAX;
    s->unrest_sum_mg = 0;
    return cell;
}

static void remember(sig_bend_t *s, const sig_bend_cell_t *cell) {
    if (s->cells_seen == 0) {
        for (int i = 0; i < SIG_BEND_RECENT; i++) {
            s->recent[i] = *cell;
        }
    }
    s->newest = s->newest + 1 == SIG_BEND_RECENT ? 0 : s->newest + 1;
    s->recent[s->newest] = *cell;
    const int32_t unrest = cell->unrest_mg * 16;
    s->unrest_16 = s->cells_seen == 0 ? unrest : s->unrest_16 + (unrest - s->unrest_16) / 16;
}

static void on_cell(sig_bend_t *s) {
    const sig_bend_cell_t cell = close_cell(s);
    remember(s, &cell);
    const int32_t rate = sig_bend_turn(s);
    if (s->cells_seen < FIRST_CELLS) {
        learn_upright(s, s->cells_seen == 0 ? 0 : 2);
    }
    s->cells_seen += 1;
    sig_bend_measure_angle(s);
    follow(s, &cell, rate);
    count_band(s);
}

/* Whether the sample before the newest one is a spike. People do not shake a belt so much for so short a time: that is a
 * faulty sample, or a knock on the tag. Its neighbours may share it, as the chip has a rate of its own. What stands for
 * them is gravity; before the first cell that is nothing, which turns no direction. */
static int is_spike(sig_bend_t *s, int32_t newest_mg) {
    s->beyond_ticks = newest_mg > SPIKE_MG ? s->beyond_ticks + 1 : 0;
    if (s->beyond_ticks > 0 && s->beyond_ticks <= SPIKE_TICKS) {
        s->spoilt_ticks = 3;
    }
    const int spoilt = s->spoilt_ticks > 0;
    s->spoilt_ticks -= spoilt;
    return spoilt;
}

static void hold(sig_bend_t *s, const sig_motion_t *motion) {
    for (int i = 0; i < 3; i++) {
        s->held_mg[i] = motion->acc_mg[i];
    }
    s->held_norm_mg = motion->acc_norm_mg;
}

static void add(sig_bend_t *s, const int32_t *acc_mg, int32_t one, int32_t mag) {
    for (int i = 0; i < 3; i++) {
        s->acc_sum_mg[i] += acc_mg[i] / one;
    }
    s->mag_max_mg = mag > s->mag_max_mg ? mag : s->mag_max_mg;
    s->mag_min_mg = mag < s->mag_min_mg ? mag : s->mag_min_mg;
    s->unrest_sum_mg += mag > 1000 ? mag - 1000 : 1000 - mag;
}

void sig_bend_tick(sig_bend_t *s, const sig_motion_t *motion) {
    if (s->ticks == 0) {
        hold(s, motion);
    }
    if (is_spike(s, motion->acc_norm_mg)) {
        add(s, s->gravity, 16, 1000);
    } else {
        add(s, s->held_mg, 1, s->held_norm_mg);
    }
    hold(s, motion);
    s->ticks += 1;
    if (s->ticks % SIG_BEND_CELL_TICKS == 0) {
        on_cell(s);
    }
}
