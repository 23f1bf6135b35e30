/* Does the load differ from how the wearer's own day began?
 *
 * Every window (ten minutes) is one point: from the hip, how hard it moves and which way gravity lies in it; from the heart,
 * the share of its reserve in use. The first three windows are the wearer's baseline. After them the squared distance from
 * it, in units of its own spread blended with other people's, less an allowance, adds up and never falls below zero
 * (Page 1954); above a limit the load has changed for good, in whichever direction. Windows like the baseline join it, up to
 * nine. Limits: sig_load_model.h, written by tools/eval_fatigue.py. Neither the time of day nor the mounting is used.
 */
#ifndef SIG_LOAD_H
#define SIG_LOAD_H

#include "sig_exertion.h"
#include "sig_front.h"

enum {
    SIG_LOAD_MOTION = 0,
    SIG_LOAD_HEART = 1,
    SIG_LOAD_UNKNOWN = -1, /* "not enough signal" */
    SIG_LOAD_BASELINE = 3,
    SIG_LOAD_LONGEST_BASELINE = 9,
    SIG_LOAD_VALUES = 4,
    SIG_LOAD_MAGIC = 0x31414F4C /* "LOA1" */
};

/* When a change counts. Distances are in 1/128 of the squared spread. */
typedef struct {
    int32_t prior;     /* windows that other people's spread weighs, 1..16 */
    int32_t cap;       /* a window counts for no more than this, 128..4096 */
    int32_t allowance; /* taken off every window, 1..4096 */
    int32_t limit;     /* 1..4096 */
    int32_t usual[2];  /* squared spread of other people's rested windows: of the first value, of the others; 1..100000 */
} sig_load_rule_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    int32_t source;
    uint32_t t_ms;    /* of the last reading */
    int32_t passed;   /* ms of the window under way, */
    int32_t known;    /* and how many of them there was signal; for motion, samples looked at */
    int32_t ticks;    /* motion samples since the last that was looked at */
    int32_t sum[SIG_LOAD_VALUES];    /* over the window under way */
    int32_t origin[SIG_LOAD_VALUES]; /* the first window; the baseline is kept as differences from it: */
    int32_t base[SIG_LOAD_VALUES];   /* their sum, */
    int32_t squares[2];              /* and the sum of their squares */
    int32_t n;                       /* windows in the baseline */
    int32_t total;
    int32_t state;
} sig_load_t;

/* Prepare `s` for a wearer; `source` is SIG_LOAD_MOTION or SIG_LOAD_HEART.
 *
 * Returns 0 or SIG_ERR_RANGE; after an error `s` may not be used.
 */
int sig_load_init(sig_load_t *s, int32_t source);

/* One motion sample; for SIG_LOAD_MOTION. Called by sig_motion_push. */
void sig_load_tick(sig_load_t *s, const sig_motion_t *m);

/* What an exertion monitor knows after a push; for SIG_LOAD_HEART. A gap, or a clock that is set, is time without signal. */
void sig_load_heart(sig_load_t *s, const sig_exertion_t *exertion);

/* After the last whole window: 1 the load has changed, 0 it has not, SIG_LOAD_UNKNOWN while the baseline is made and after a
 * window with too little signal (a tag that lies still; a heart rate that is unknown for half of it).
 */
int32_t sig_load_state(const sig_load_t *s);

/* One whole window by this rule: SIG_LOAD_VALUES numbers, for the motion log2 (1/256) of the mean movement and gravity
 * in mg, for the heart the permille of the reserve and zeros. For training and tests. Returns as sig_load_state.
 */
int32_t sig_load_judge(sig_load_t *s, const sig_load_rule_t *rule, const int32_t *values);

#endif
