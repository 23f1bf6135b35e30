/* Perceived exertion (Borg CR10) from heart rate.
 *
 * Readings no heart can have are rejected: out of range, jumps too steep for the time between two readings, halved and
 * doubled rates. The median of the last five others becomes %HRR, the share of the heart-rate reserve in use. Two
 * memories make the same heart rate feel harder after minutes of load: strain (reserve above a threshold, times time)
 * and the time spent at the ceiling; both fade below their thresholds, and count by their logarithm, as the sense of
 * effort does (sig_exertion_model.h, written by tools/train_exertion.py). Higher accepted readings never give a lower estimate.
 */
#ifndef SIG_EXERTION_H
#define SIG_EXERTION_H

#include "sig_common.h"

enum {
    SIG_EXERTION_MEDIAN = 5,
    SIG_EXERTION_LOWEST_BPM = 30,    /* readings outside this range are artefacts */
    SIG_EXERTION_HIGHEST_BPM = 230,
    SIG_EXERTION_SILENCE_MS = 60000, /* without an accepted reading for so long there is no estimate */
    SIG_EXERTION_HISTORY = 32,       /* marks over which artefacts are counted: an accepted or lost reading is one,
                                      * and one that a heart could have but that contradicts those before it is two; */
    SIG_EXERTION_FEWEST = 12,        /* with a smaller share of them accepted there is no estimate, */
    SIG_EXERTION_SOONEST = 8,        /* from so many marks on */
    SIG_EXERTION_UNKNOWN = -1,
    SIG_EXERTION_MAGIC = 0x32455845  /* "EXE2" */
};

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    int32_t rest_bpm;
    int32_t reserve_bpm;
    uint32_t t_ms;        /* of the last push */
    uint32_t silence_ms;  /* since the last accepted reading */
    uint32_t step_ms;     /* time not yet accounted for in the memories */
    uint32_t strain;      /* permille of the reserve above the threshold, times ms */
    uint32_t ceiling_ms;  /* time at the ceiling */
    int32_t readings[SIG_EXERTION_MEDIAN];
    int32_t n_readings;
    int32_t usual_bpm;    /* their median */
    int32_t next;
    int32_t started;
    uint32_t history;     /* SIG_EXERTION_HISTORY marks, the newest lowest: 1 accepted */
    int32_t n_history;
    int32_t outlier_bpm;  /* the last rejected reading of a run that may turn out to be true */
    int32_t n_outliers;
    uint32_t outlier_ms;  /* how long that run has lasted */
    int32_t rpe;          /* newest estimate, hundredths, or SIG_EXERTION_UNKNOWN */
    int32_t high;
} sig_exertion_t;

/* Prepare `s` for a person with this resting (30..120) and highest (100..230) heart rate, at least 30 apart.
 *
 * Returns 0 or SIG_ERR_RANGE; after an error `s` may not be used.
 */
int sig_exertion_init(sig_exertion_t *s, int32_t rest_bpm, int32_t max_bpm);

/* One reading, at any interval; a step back in time counts as no time.
 *
 * Returns the exertion in hundredths (0..1000), or SIG_EXERTION_UNKNOWN ("not enough signal"): before the first
 * accepted reading, SIG_EXERTION_SILENCE_MS after the last, and while a smaller share than SIG_EXERTION_FEWEST of
 * SIG_EXERTION_HISTORY of the last marks were of accepted readings.
 */
int32_t sig_exertion_push(sig_exertion_t *s, uint32_t t_ms, int32_t hr_bpm);

/* Whether the person is so exerted that 7 or more would be rated ("very hard"), with hysteresis; 0 while unknown. */
int sig_exertion_high(const sig_exertion_t *s);

/* Share of the heart-rate reserve in use now, 0..1000 permille, or SIG_EXERTION_UNKNOWN. */
int32_t sig_exertion_reserve(const sig_exertion_t *s);

/* %HRR (permille), log2 of strain and of time at the ceiling (1/256), as the estimate uses them; for training, tests.
 *
 * `out` has room for three numbers.
 */
void sig_exertion_features(const sig_exertion_t *s, int32_t *out);

#endif
