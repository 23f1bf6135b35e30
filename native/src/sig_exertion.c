#include "sig_exertion.h"

#include "sig_exertion_model.h"

enum {
    GAP_MS = 15000,           /* what happened in a longer gap is not known: no more load than this is assumed */
    STRAIN_LIMIT = 300000000, /* 300 s of the whole reserve, */
    CEILING_LIMIT = 900000,   /* and a quarter of an hour at the ceiling: as much as was ever rated */
    STRAIN_UNIT = 4000000,    /* strain that counts as one doubling, */
    CEILING_UNIT = 20000,     /* and time at the ceiling; */
    STRAIN_UNIT_LOG2 = 5614,  /* their sig_log2_q8 */
    CEILING_UNIT_LOG2 = 3657,
    WAKING_PERMILLE = 300,    /* below this much of the reserve the estimate goes to 0 with the heart rate */
    RECOVERY_PARTS = EXERTION_RECOVERY_MS / 16
};

int sig_exertion_init(sig_exertion_t *s, int32_t rest_bpm, int32_t max_bpm) {
    if (rest_bpm < 30 || rest_bpm > 120 || max_bpm < 100 || max_bpm > 230 || max_bpm - rest_bpm < 30) {
        return SIG_ERR_RANGE;
    }
    *s = (sig_exertion_t){.rest_bpm = rest_bpm, .reserve_bpm = max_bpm - rest_bpm};
    s->rpe = SIG_EXERTION_UNKNOWN;
    s->magic = SIG_EXERTION_MAGIC;
    return 0;
}

static uint32_t add_capped(uint32_t a, uint32_t b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

static uint32_t pass_time(sig_exertion_t *s, uint32_t t_ms) {
    const uint32_t step = s->started ? t_ms - s->t_ms : 0;
    const uint32_t forward = step < UINT32_C(0x80000000) ? step : 0;
    s->started = 1;
    s->t_ms = t_ms;
    s->silence_ms = add_capped(s->silence_ms, forward);
    s->step_ms = add_capped(s->step_ms, forward);
    return forward;
}

static int32_t median(const sig_exertion_t *s) {
    int32_t sorted[SIG_EXERTION_MEDIAN] = {0};
    for (int i = 0; i < s->n_readings; i++) {
        int at = i;
        while (at > 0 && sorted[at - 1] > s->readings[i]) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = s->readings[i];
    }
    return sorted[s->n_readings / 2];
}

/* Heart rate without artefacts, as permille of the reserve, within 0..1000. */
static int32_t reserve_permille(const sig_exertion_t *s) {
    const int32_t permille = s->n_readings == 0 ? 0 : (s->usual_bpm - s->rest_bpm) * 1000 / s->reserve_bpm;
    if (permille < 0) {
        return 0;
    }
    return permille > 1000 ? 1000 : permille;
}

/* memory -= memory * step / recovery, in 32 bits. */
static uint32_t faded(uint32_t memory, uint32_t step_ms) {
    if (step_ms >= EXERTION_RECOVERY_MS) {
        return 0;
    }
    const uint32_t whole = memory / EXERTION_RECOVERY_MS * step_ms;
    const uint32_t rest = memory % EXERTION_RECOVERY_MS * (step_ms / 16) / RECOVERY_PARTS;
    return memory - whole - rest;
}

static void remember(sig_exertion_t *s, int32_t permille) {
    const uint32_t load_ms = s->step_ms < GAP_MS ? s->step_ms : GAP_MS;
    if (permille > EXERTION_THRESHOLD) {
        const uint32_t strain = s->strain + (uint32_t)(permille - EXERTION_THRESHOLD) * load_ms;
        s->strain = strain > STRAIN_LIMIT ? STRAIN_LIMIT : strain;
    } else {
        s->strain = faded(s->strain, s->step_ms);
    }
    if (permille > EXERTION_CEILING) {
        const uint32_t ceiling_ms = s->ceiling_ms + load_ms;
        s->ceiling_ms = ceiling_ms > CEILING_LIMIT ? CEILING_LIMIT : ceiling_ms;
    } else {
        s->ceiling_ms = faded(s->ceiling_ms, s->step_ms);
    }
    s->step_ms = 0;
}

static int32_t distance(int32_t a, int32_t b) { return a < b ? b - a : a - b; }

/* A sensor that counts every beat twice, or every other beat. */
static int is_multiple(int32_t bpm, int32_t usual_bpm) {
    return distance(2 * bpm, usual_bpm) * 8 < usual_bpm || distance(bpm, 2 * usual_bpm) * 8 < 2 * usual_bpm;
}

/* Whether `bpm` can follow on the readings so far in the time since the last of them. */
static int follows(const sig_exertion_t *s, int32_t bpm) {
    const uint32_t seconds = s->silence_ms / 1000;
    const int32_t room = EXERTION_JUMP_BPM + EXERTION_SLOPE_BPM * (seconds > 10 ? 10 : (int32_t)seconds);
    return s->n_readings == 0 || distance(bpm, s->usual_bpm) <= room;
}

/* A run of rejected readings that agree is the truth after a while, and the readings before it were the artefacts. */
static int has_moved(sig_exertion_t *s, int32_t bpm, uint32_t forward_ms) {
    const int agrees = s->n_outliers > 0 && distance(bpm, s->outlier_bpm) <= EXERTION_AGREE_BPM;
    s->n_outliers = agrees ? s->n_outliers + (s->n_outliers < SIG_EXERTION_MEDIAN) : 1;
    s->outlier_ms = agrees ? add_capped(s->outlier_ms, forward_ms) : 0;
    s->outlier_bpm = bpm;
    const uint32_t patience_ms = is_multiple(bpm, s->usual_bpm) ? EXERTION_MULTIPLE_MS : EXERTION_OUTLIER_MS;
    return s->n_outliers == SIG_EXERTION_MEDIAN && s->outlier_ms >= patience_ms;
}

static int is_lost(int32_t bpm) { return bpm < SIG_EXERTION_LOWEST_BPM || bpm > SIG_EXERTION_HIGHEST_BPM; }

static int is_accepted(sig_exertion_t *s, int32_t bpm, uint32_t forward_ms) {
    if (is_lost(bpm)) {
        return 0;
    }
    if (!follows(s, bpm)) {
        if (!has_moved(s, bpm, forward_ms)) {
            return 0;
        }
        s->n_readings = 0;
        s->next = 0;
        s->n_history = 0;
        s->history = 0;
    }
    s->n_outliers = 0;
    return 1;
}

static void add_reading(sig_exertion_t *s, int32_t bpm) {
    s->readings[s->next] = bpm;
    s->next = s->next + 1 == SIG_EXERTION_MEDIAN ? 0 : s->next + 1;
    s->n_readings += s->n_readings < SIG_EXERTION_MEDIAN;
    s->usual_bpm = median(s);
    s->silence_ms = 0;
}

/* A lost reading leaves the ones before it credible for a while; one that contradicts them is worse, and marked twice. */
static void note(sig_exertion_t *s, int32_t bpm, int accepted) {
    const int marks = accepted || is_lost(bpm) ? 1 : 2;
    s->history = s->history << marks | (uint32_t)accepted;
    s->n_history = s->n_history + marks > SIG_EXERTION_HISTORY ? SIG_EXERTION_HISTORY : s->n_history + marks;
}

static int is_known(const sig_exertion_t *s) {
    int accepted = 0;
    for (uint32_t bits = s->history; bits != 0; bits &= bits - 1) {
        accepted++;
    }
    const int enough = s->n_history < SIG_EXERTION_SOONEST ||
                       accepted * SIG_EXERTION_HISTORY >= s->n_history * SIG_EXERTION_FEWEST;
    return s->n_readings > 0 && s->silence_ms < SIG_EXERTION_SILENCE_MS && enough;
}

void sig_exertion_features(const sig_exertion_t *s, int32_t *out) {
    out[0] = reserve_permille(s);
    out[1] = sig_log2_q8(s->strain + STRAIN_UNIT) - STRAIN_UNIT_LOG2;
    out[2] = sig_log2_q8(s->ceiling_ms + CEILING_UNIT) - CEILING_UNIT_LOG2;
}

static int32_t estimate(const sig_exertion_t *s) {
    int32_t f[3];
    sig_exertion_features(s, f);
    const int32_t doublings = EXERTION_PER_STRAIN * f[1] + EXERTION_PER_CEILING * f[2];
    int32_t rpe = EXERTION_BASE + EXERTION_PER_RESERVE * f[0] / 1000 + doublings / 256;
    if (f[0] < WAKING_PERMILLE) {
        rpe = rpe * f[0] / WAKING_PERMILLE;
    }
    if (rpe < 0) {
        return 0;
    }
    return rpe > 1000 ? 1000 : rpe;
}

int32_t sig_exertion_push(sig_exertion_t *s, uint32_t t_ms, int32_t hr_bpm) {
    const uint32_t forward_ms = pass_time(s, t_ms);
    const int accepted = is_accepted(s, hr_bpm, forward_ms);
    note(s, hr_bpm, accepted);
    if (accepted) {
        add_reading(s, hr_bpm);
        remember(s, reserve_permille(s));
    }
    s->rpe = is_known(s) ? estimate(s) : SIG_EXERTION_UNKNOWN;
    s->high = s->rpe >= (s->high ? EXERTION_HIGH_OFF : EXERTION_HIGH_ON);
    return s->rpe;
}

int32_t sig_exertion_reserve(const sig_exertion_t *s) {
    return s->rpe == SIG_EXERTION_UNKNOWN ? SIG_EXERTION_UNKNOWN : reserve_permille(s);
}

int sig_exertion_high(const sig_exertion_t *s) { return s->high; }
