#include "sig_load.h"

#include "sig_load_model.h"

enum {
    LOOK_TICKS = 5,        /* ten times a second is often enough for a mean */
    LOOKS = 6000,          /* of a window of motion */
    WINDOW_MS = 600000,    /* of the heart */
    STILL_MG = 50,         /* nobody who works moves so little, and no chip at rest is so wrong */
    GAP_MS = 5000,         /* a reading stands for no more time than this */
    FAR = 511,             /* differences beyond this count as this much */
    ONE = 128,
    PRECISE = 1 << 24
};

int sig_load_init(sig_load_t *s, int32_t source) {
    if (source != SIG_LOAD_MOTION && source != SIG_LOAD_HEART) {
        return SIG_ERR_RANGE;
    }
    sig_clear(s, sizeof *s);
    s->source = source;
    s->state = SIG_LOAD_UNKNOWN;
    s->magic = SIG_LOAD_MAGIC;
    return 0;
}

static int32_t from_origin(int32_t value, int32_t origin) {
    const int32_t d = value - origin;
    return d > FAR ? FAR : d < -FAR ? -FAR : d;
}

/* Squared distance of `difference` from the baseline's values first..last-1 in units of its spread (1/128), at most
 * twice the cap, so that the mean of two is the cap when one is. */
static int32_t distance(const sig_load_t *s, const sig_load_rule_t *rule, const int32_t *difference, int first) {
    const int32_t n = s->n;
    uint32_t own = (uint32_t)(n * (s->squares[first != 0] + rule->usual[first != 0] * rule->prior));
    uint32_t away = 0;
    for (int i = first; i < (first == 0 ? 1 : SIG_LOAD_VALUES); i++) {
        const int32_t off = n * difference[i] - s->base[i];
        away += (uint32_t)(off * off);
        own -= (uint32_t)(s->base[i] * s->base[i]);
    }
    uint32_t spread = own / (uint32_t)(n - 1 + rule->prior) * (uint32_t)(n + 1);
    while (spread >= PRECISE) {
        spread >>= 1;
        away >>= 1;
    }
    const uint32_t whole = away / spread;
    if (whole >= (uint32_t)rule->cap / (ONE / 2)) {
        return 2 * rule->cap;
    }
    return (int32_t)(whole * ONE + away % spread * ONE / spread);
}

static void join(sig_load_t *s, const int32_t *difference) {
    for (int i = 0; i < SIG_LOAD_VALUES; i++) {
        s->base[i] += difference[i];
        s->squares[i != 0] += difference[i] * difference[i];
    }
    s->n += 1;
}

int32_t sig_load_judge(sig_load_t *s, const sig_load_rule_t *rule, const int32_t *values) {
    int32_t difference[SIG_LOAD_VALUES];
    for (int i = 0; i < SIG_LOAD_VALUES; i++) {
        s->origin[i] = s->n == 0 ? values[i] : s->origin[i];
        difference[i] = from_origin(values[i], s->origin[i]);
    }
    if (s->n < SIG_LOAD_BASELINE) {
        join(s, difference);
        return s->state;
    }
    int32_t far = distance(s, rule, difference, 0);
    if (s->source == SIG_LOAD_MOTION) {
        far = (far + distance(s, rule, difference, 1)) / 2;
    }
    const int32_t total = s->total + (far < rule->cap ? far : rule->cap) - rule->allowance;
    s->total = total < 0 ? 0 : total > 2 * rule->limit ? 2 * rule->limit : total;
    s->state = s->total > rule->limit;
    if (!s->state && s->n < SIG_LOAD_LONGEST_BASELINE) {
        join(s, difference);
    }
    return s->state;
}

static void close_window(sig_load_t *s) {
    int32_t values[SIG_LOAD_VALUES];
    int enough = 2 * s->known >= WINDOW_MS;
    for (int i = 0; i < SIG_LOAD_VALUES; i++) {
        values[i] = s->known == 0 ? 0 : s->sum[i] / s->known;
        s->sum[i] = 0;
    }
    if (s->source == SIG_LOAD_MOTION) {
        enough = values[0] >= STILL_MG;
        values[0] = sig_log2_q8((uint32_t)values[0] + 1);
    }
    s->passed = 0;
    s->known = 0;
    s->state = SIG_LOAD_UNKNOWN;
    if (enough) {
        sig_load_judge(s, &load_rules[s->source], values);
    }
}

static int32_t size(int32_t value) { return value < 0 ? -value : value; }

void sig_load_tick(sig_load_t *s, const sig_motion_t *m) {
    s->ticks += 1;
    if (s->ticks < LOOK_TICKS) {
        return;
    }
    s->ticks = 0;
    s->known += 1;
    s->sum[0] += size(m->acc_norm_mg - 1000);
    for (int i = 0; i < 3; i++) {
        s->sum[1 + i] += m->acc_mg[i];
    }
    if (s->known == LOOKS) {
        close_window(s);
    }
}

void sig_load_heart(sig_load_t *s, const sig_exertion_t *exertion) {
    const uint32_t step_ms = exertion->t_ms - s->t_ms;
    const int32_t permille = sig_exertion_reserve(exertion);
    s->t_ms = exertion->t_ms;
    if (step_ms <= GAP_MS && permille >= 0) {
        s->known += (int32_t)step_ms;
        s->sum[0] += permille * (int32_t)step_ms;
    }
    s->passed = step_ms < WINDOW_MS ? s->passed + (int32_t)step_ms : WINDOW_MS;
    if (s->passed >= WINDOW_MS) {
        close_window(s);
    }
}

int32_t sig_load_state(const sig_load_t *s) { return s->state; }
