/* Perceived exertion (Borg CR10) from heart rate.
 *
 * The median of the last five plausible readings becomes %HRR, the share of the heart-rate reserve in use. Strain
 * grows while that is above a threshold and fades below it, as fatigue does: the same heart rate feels harder after
 * minutes of load. The estimate is a line in both (sig_exertion_model.h, written by tools/train_exertion.py).
 */
#ifndef SIG_EXERTION_H
#define SIG_EXERTION_H

#include "sig_common.h"

enum {
    SIG_EXERTION_MEDIAN = 5,
    SIG_EXERTION_LOWEST_BPM = 30,    /* readings outside this range are artefacts */
    SIG_EXERTION_HIGHEST_BPM = 230,
    SIG_EXERTION_SILENCE_MS = 60000, /* without a plausible reading for so long there is no estimate */
    SIG_EXERTION_UNKNOWN = -1,
    SIG_EXERTION_MAGIC = 0x31455845  /* "EXE1" */
};

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    int32_t rest_bpm;
    int32_t reserve_bpm;
    uint32_t t_ms;        /* of the last push */
    uint32_t silence_ms;  /* since the last plausible reading */
    uint32_t step_ms;     /* time not yet accounted for in the strain */
    uint32_t strain;      /* permille of the reserve above the threshold, times ms */
    int32_t readings[SIG_EXERTION_MEDIAN];
    int32_t n_readings;
    int32_t next;
    int32_t started;
} sig_exertion_t;

/* Prepare `s` for a person with this resting (30..120) and highest (100..230) heart rate, at least 30 apart.
 *
 * Returns 0 or SIG_ERR_RANGE; after an error `s` may not be used.
 */
int sig_exertion_init(sig_exertion_t *s, int32_t rest_bpm, int32_t max_bpm);

/* One reading, at any interval; a step back in time counts as no time.
 *
 * Returns the exertion in hundredths (0..1000), or SIG_EXERTION_UNKNOWN when there was no plausible reading yet or for
 * SIG_EXERTION_SILENCE_MS.
 */
int32_t sig_exertion_push(sig_exertion_t *s, uint32_t t_ms, int32_t hr_bpm);

#endif
