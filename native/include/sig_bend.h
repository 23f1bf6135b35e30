/* Bending of the trunk, from a tag on the belt: how far from upright, for how long, and how often there and back.
 *
 * How it decides: the slow part of the acceleration is gravity, its usual direction is upright (learnt while the
 * person stands or walks, so no mounting is assumed), and the angle between them is the flexion. An excursion beyond
 * 9 degrees that comes back nearly to where it began is a candidate; features of it, up to where it comes back, go
 * through a small table of decision trees (sig_bend_model.h, written by tools/train_bend.py), which tell a bend from
 * sitting or lying down. It is reported once, when the person has been upright for a second. Short spikes count as
 * gravity. native/MODEL_CARD.md says how well that works.
 */
#ifndef SIG_BEND_H
#define SIG_BEND_H

#include "sig_common.h"
#include "sig_events.h"
#include "sig_front.h"

enum {
    SIG_BEND_CELL_TICKS = 5, /* 100 ms */
    SIG_BEND_CELL_MS = 100,
    SIG_BEND_FEATURES = 18,
    SIG_BEND_RECENT = 15,    /* cells of history */
    SIG_BEND_BANDS = 3,      /* below 20, 20 to 60, above 60 degrees (ISO 11226) */
    SIG_BEND_MAGIC = 0x314E4542 /* "BEN1" */
};

/* 100 ms of motion. */
typedef struct {
    uint16_t mag_max_mg;
    uint16_t mag_min_mg;
    uint16_t unrest_mg; /* mean distance of the magnitude from 1 g */
} sig_bend_cell_t;

/* The excursion under way. */
typedef struct {
    int32_t cells;
    int32_t peak_deg;
    int32_t peak_cell;
    int32_t angle_sum;
    int32_t rate_max;
    int32_t still_cells;
    int32_t mag_max_mg;
    int32_t unrest_sum;
    int32_t beyond_20;
    int32_t unrest_before;
    int32_t start_max_mg; /* in its first second, */
    int32_t start_min_mg; /* and the half second before */
    int32_t tilt[3];      /* sum of the tilt vectors, */
    int32_t tilt_to_peak[3];
    int32_t tilt_peak[3];
    int32_t tilt_length;  /* and of their lengths */
} sig_bend_excursion_t;

/* Owned by the caller, written by the functions below only; at most 1 KiB. */
typedef struct {
    uint32_t magic;
    uint32_t ticks;
    uint32_t cells_seen;
    int32_t held_mg[3];    /* the newest sample, which waits for the next one, */
    int32_t held_norm_mg;  /* and its magnitude */
    int32_t beyond_ticks;  /* samples in a row beyond what people do */
    int32_t spoilt_ticks;  /* samples from the held one on in whose place gravity is taken */
    int32_t acc_sum_mg[3]; /* the cell being filled */
    int32_t mag_max_mg;
    int32_t mag_min_mg;
    int32_t unrest_sum_mg;
    int32_t gravity[3];    /* 1/16 mg */
    int32_t direction[3];  /* of gravity; length 4096 */
    int32_t upright[3];    /* usual direction; 1/256 of that */
    int32_t along;         /* part of the direction along upright; 4096 when they are the same */
    int32_t unrest_16;     /* slow mean of the unrest, 1/16 mg */
    int32_t angle_deg;
    int32_t enter_deg;     /* angle beyond which the next excursion begins */
    int32_t bending;       /* 1 during an excursion */
    uint32_t candidates;   /* excursions judged so far */
    int32_t below;         /* cells since the angle came back */
    sig_bend_excursion_t excursion;
    sig_bend_excursion_t described; /* as it was when the angle came back */
    int32_t newest; /* index of the newest cell in */
    sig_bend_cell_t recent[SIG_BEND_RECENT];
    uint32_t band_ms[SIG_BEND_BANDS];        /* time in each band so far; stays at its highest after 49 days */
    sig_events_t events;
} sig_bend_t;

/* Prepare `s` for a new stream. Returns 0. */
int sig_bend_init(sig_bend_t *s);

/* Take the next motion sample; events (SIG_EVENT_BEND, data: largest angle in degrees) go to s->events. */
void sig_bend_tick(sig_bend_t *s, const sig_motion_t *motion);

/* Features of the excursion judged last, as the trees see them; for training and tests.
 *
 * `out` has room for SIG_BEND_FEATURES numbers.
 */
void sig_bend_features(const sig_bend_t *s, int16_t *out);

/* Log odds (1/256) of a bend for such features. */
int32_t sig_bend_score(const int16_t *features);

#endif
