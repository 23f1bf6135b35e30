#include "sig_exertion.h"

#include "sig_exertion_model.h"

enum {
    GAP_MS = 15000,              /* what happened in a longer gap is not known: no more load than this is assumed */
    STRAIN_LIMIT = 300000000,    /* 300 s of the whole reserve: as much as was ever rated */
    RECOVERY_PARTS = EXERTION_RECOVERY_MS / 16
};

int sig_exertion_init(sig_exertion_t *s, int32_t rest_bpm, int32_t max_bpm) {
    if (rest_bpm < 30 || rest_bpm > 120 || max_bpm < 100 || max_bpm > 230 || max_bpm - rest_bpm < 30) {
        return SIG_ERR_RANGE;
    }
    s->rest_bpm = rest_bpm;
    s->reserve_bpm = max_bpm - rest_bpm;
    s->t_ms = 0;
    s->silence_ms = 0;
    s->step_ms = 0;
    s->strain = 0;
    for (int i = 0; i < SIG_EXERTION_MEDIAN; i++) {
        s->readings[i] = 0;
    }
    s->n_readings = 0;
    s->next = 0;
    s->started = 0;
    s->magic = SIG_EXERTION_MAGIC;
    return 0;
}

static uint32_t add_capped(uint32_t a, uint32_t b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

static void pass_time(sig_exertion_t *s, uint32_t t_ms) {
    const uint32_t step = s->started ? t_ms - s->t_ms : 0;
    const uint32_t forward = step < UINT32_C(0x80000000) ? step : 0;
    s->started = 1;
    s->t_ms = t_ms;
    s->silence_ms = add_capped(s->silence_ms, forward);
    s->step_ms = add_capped(s->step_ms, forward);
}

/* The readings sorted into `out`. */
static void sort(const sig_exertion_t *s, int32_t *out) {
    for (int i = 0; i < s->n_readings; i++) {
        int at = i;
        while (at > 0 && out[at - 1] > s->readings[i]) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = s->readings[i];
    }
}

/* Heart rate without artefacts, as permille of the reserve, within 0..1000. */
static int32_t reserve_permille(const sig_exertion_t *s) {
    int32_t sorted[SIG_EXERTION_MEDIAN];
    sort(s, sorted);
    const int32_t bpm = sorted[s->n_readings / 2];
    const int32_t permille = (bpm - s->rest_bpm) * 1000 / s->reserve_bpm;
    if (permille < 0) {
        return 0;
    }
    return permille > 1000 ? 1000 : permille;
}

static void load(sig_exertion_t *s, uint32_t above_permille) {
    const uint32_t step_ms = s->step_ms < GAP_MS ? s->step_ms : GAP_MS;
    const uint32_t strain = s->strain + above_permille * step_ms;
    s->strain = strain > STRAIN_LIMIT ? STRAIN_LIMIT : strain;
}

/* strain -= strain * step / recovery, in 32 bits. */
static void recover(sig_exertion_t *s) {
    if (s->step_ms >= EXERTION_RECOVERY_MS) {
        s->strain = 0;
        return;
    }
    const uint32_t whole = s->strain / EXERTION_RECOVERY_MS * s->step_ms;
    const uint32_t rest = s->strain % EXERTION_RECOVERY_MS * (s->step_ms / 16) / RECOVERY_PARTS;
    s->strain -= whole + rest;
}

static void add_reading(sig_exertion_t *s, int32_t hr_bpm) {
    s->readings[s->next] = hr_bpm;
    s->next = s->next + 1 == SIG_EXERTION_MEDIAN ? 0 : s->next + 1;
    s->n_readings += s->n_readings < SIG_EXERTION_MEDIAN;
    s->silence_ms = 0;
}

static int32_t estimate(const sig_exertion_t *s, int32_t permille) {
    const int32_t root = (int32_t)sig_isqrt(s->strain);
    const int32_t rpe = EXERTION_BASE + (EXERTION_PER_RESERVE * permille + EXERTION_PER_ROOT_STRAIN * root) / 1000;
    if (rpe < 0) {
        return 0;
    }
    return rpe > 1000 ? 1000 : rpe;
}

int32_t sig_exertion_push(sig_exertion_t *s, uint32_t t_ms, int32_t hr_bpm) {
    pass_time(s, t_ms);
    if (hr_bpm >= SIG_EXERTION_LOWEST_BPM && hr_bpm <= SIG_EXERTION_HIGHEST_BPM) {
        add_reading(s, hr_bpm);
        const int32_t permille = reserve_permille(s);
        if (permille > EXERTION_THRESHOLD) {
            load(s, (uint32_t)(permille - EXERTION_THRESHOLD));
        } else {
            recover(s);
        }
        s->step_ms = 0;
    }
    if (s->n_readings == 0 || s->silence_ms >= SIG_EXERTION_SILENCE_MS) {
        return SIG_EXERTION_UNKNOWN;
    }
    return estimate(s, reserve_permille(s));
}
