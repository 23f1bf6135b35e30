/* Falls, getting up again, and lying still, from a tag on the belt or the wrist.
 *
 * How it decides: samples become 80 ms cells (mean vector, magnitude, jerk, rotation), of which the last 3.68 s are
 * kept, slow memories of posture and activity before them, and where gravity points, followed through turns by the
 * gyroscope. The highest peak of the last 1.5 s is a candidate; 1.52 s after it, features of the cells around it go
 * through a small network (sig_fall_model.h, written by tools.train_fall) whose output is the log odds of a fall. No
 * feature asks which way the chip is mounted, and most compare the person with what they did before.
 * native/MODEL_CARD.md says how well that works.
 */
#ifndef SIG_FALL_H
#define SIG_FALL_H

#include "sig_common.h"
#include "sig_events.h"
#include "sig_front.h"

enum {
    SIG_FALL_CELL_TICKS = 4,       /* 80 ms */
    SIG_FALL_CELLS = 46,           /* 3.68 s of history, */
    SIG_FALL_MARGIN = 16,          /* moved to the front once in so many cells, so that it is always in a row */
    SIG_FALL_POST_CELLS = 19,      /* a candidate is judged 1.52 s after its peak */
    SIG_FALL_LATE_CELLS = 31,      /* from the slow memories to now: they end 1 s before a candidate's peak */
    SIG_FALL_VECTOR_MG = 8000,     /* a cell's mean vector is cut off here, so that products of two fit 32 bits */
    SIG_FALL_FEATURES = 42,        /* bytes that decide about an impact, */
    SIG_FALL_PRE_FEATURES = 38,    /* and those of SIG_EVENT_FALLING */
    SIG_FALL_PRE_TURNED = 255,     /* whose network is asked when gravity has turned by more: 10 degrees */
    SIG_FALL_UPS = 16,             /* directions of gravity kept, a cell apart, */
    SIG_FALL_UP = 127,             /* of this length */
    SIG_FALL_NO_MOTION_S = 120,    /* default man-down time */
    SIG_FALL_NO_MOTION_OFF = -1,   /* as no_motion_s: never report it */
    SIG_FALL_MAGIC = 0x314C4146    /* "FAL1" */
};

/* 80 ms of motion. */
typedef struct {
    int16_t acc_mg[3]; /* mean vector, each within +-SIG_FALL_VECTOR_MG */
    uint16_t mean_mg;  /* of the magnitude */
    uint8_t top;       /* codes (sig_fall_code) of its highest and lowest value, mg, */
    uint8_t low;
    uint8_t jerk;      /* of the sum of its steps, mg, */
    uint8_t gyro;      /* and of the mean rotation, deg/s */
} sig_fall_cell_t;

/* Owned by the caller, written by the functions below only; at most 1 KiB. */
typedef struct {
    uint32_t magic;
    sig_fall_cell_t cells[SIG_FALL_CELLS + SIG_FALL_MARGIN];
    int32_t head;            /* index of the newest cell, at least SIG_FALL_CELLS - 1; those before it are older */
    uint32_t ticks;          /* motion samples seen */
    uint32_t cells_seen;
    int32_t acc_sum_mg[3];   /* the cell being filled */
    int32_t mag_sum_mg;
    int32_t mag_max_mg;
    int32_t mag_min_mg;
    int32_t mag_last_mg;
    int32_t jerk_sum_mg;
    int32_t gyro_sum_dps;
    int32_t usual_acc[3];    /* posture of the last 10 s and of the last 2.5 s, 1/16 mg, both SIG_FALL_LATE_CELLS late, */
    int32_t recent_acc[3];   /* so that a fall that is judged is not yet in them */
    int32_t usual_jerk;      /* the same 10 s of codes, times 128 */
    int32_t turn_sum_dps[3]; /* the cell being filled */
    int32_t gravity[3];      /* in the tag's axes, followed through turns, 1/16384 g; */
    int8_t up[SIG_FALL_UPS][3]; /* of the last cells, cell n at n % SIG_FALL_UPS */
    int32_t anchor_age;      /* cells since the candidate's peak; -1 none */
    uint8_t anchor_peak;     /* its code */
    uint32_t decisions;      /* candidates judged so far */
    uint32_t placement;
    int16_t hold_cells;      /* cells for which no further fall is reported */
    int16_t falling_hold;    /* the same for SIG_EVENT_FALLING */
    int16_t down;            /* 1 from a fall until the person is up again */
    int32_t upright[3];      /* posture before the fall, mg */
    int16_t turned;          /* 1 when the fall changed the posture */
    int16_t up_cells;
    int16_t active_cells;
    int16_t still_ref[3];    /* posture in which the person lies still, mg */
    int32_t still_cells;
    int32_t still_limit;     /* cells of stillness that make an event; 0 off */
    sig_events_t events;
} sig_fall_t;

/* Prepare `s` for a new stream from a tag at SIG_PLACEMENT_WAIST or SIG_PLACEMENT_WRIST. `no_motion_s` is the man-down
 * time: 1..1800 s, 0 for the default, SIG_FALL_NO_MOTION_OFF for never.
 *
 * Returns 0, or SIG_ERR_PLACEMENT or SIG_ERR_NO_MOTION; after an error `s` may not be used.
 */
int sig_fall_init(sig_fall_t *s, uint32_t placement, int32_t no_motion_s);

/* Take the next motion sample; events go to s->events. */
void sig_fall_tick(sig_fall_t *s, const sig_motion_t *motion);

/* Features of the cells around the peak SIG_FALL_POST_CELLS cells ago; for training and tests.
 *
 * `out` has room for SIG_FALL_FEATURES bytes.
 */
void sig_fall_features(const sig_fall_t *s, uint8_t *out);

/* Features of the newest cells, for SIG_EVENT_FALLING; for training and tests.
 *
 * `out` has room for SIG_FALL_PRE_FEATURES bytes.
 */
void sig_fall_pre_features(const sig_fall_t *s, uint8_t *out);

/* Log odds (1/256) of a fall for such features. */
int32_t sig_fall_score(uint32_t placement, const uint8_t *features);
int32_t sig_fall_pre_score(uint32_t placement, const uint8_t *features);

/* Whether the newest cell could be the beginning of a fall: 0 unless the body begins to drop or to turn, and else how far
 * gravity has turned by then, 127 * 127 * (1 - cosine), or INT32_MAX where no gyroscope tells. sig_fall_pre_score is
 * asked above SIG_FALL_PRE_TURNED. */
int32_t sig_fall_pre_turned(const sig_fall_t *s);

#endif
