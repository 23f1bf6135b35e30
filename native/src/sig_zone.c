#include "sig_zone.h"

enum { HUMAN_MM_S = 1600 };

static int within(int32_t value, int32_t low, int32_t high) { return value >= low && value <= high; }

int sig_zone_init(sig_zone_t *s, const sig_zone_config_t *config) {
    if (!within(config->warn_mm, 1, SIG_ZONE_LIMIT_MM) || !within(config->danger_mm, 1, config->warn_mm) ||
        !within(config->hysteresis_mm, 0, SIG_ZONE_LIMIT_MM) || !within(config->hold_ms, 0, SIG_ZONE_HOLD_LIMIT_MS)) {
        return SIG_ERR_RANGE;
    }
    s->config = *config;
    s->t_ms = 0;
    for (int i = 0; i < 2; i++) {
        s->away_ms[i] = 0;
        s->inside[i] = 0;
    }
    s->started = 0;
    s->magic = SIG_ZONE_MAGIC;
    return 0;
}

/* Milliseconds since the last push. The clock may wrap; half its range or more is a step back. */
static uint32_t elapsed(sig_zone_t *s, uint32_t t_ms) {
    const uint32_t step = s->started ? t_ms - s->t_ms : 0;
    s->started = 1;
    s->t_ms = t_ms;
    return step < UINT32_C(0x80000000) ? step : 0;
}

static void follow(sig_zone_t *s, int zone, int32_t limit_mm, uint32_t step_ms, int32_t distance_mm) {
    const int known = distance_mm >= 0;
    if (known && distance_mm <= limit_mm) {
        s->inside[zone] = 1;
        s->away_ms[zone] = 0;
        return;
    }
    if (known && s->inside[zone] && distance_mm <= limit_mm + s->config.hysteresis_mm) {
        s->away_ms[zone] = 0;
        return;
    }
    const uint32_t away = s->away_ms[zone];
    s->away_ms[zone] = step_ms > UINT32_MAX - away ? UINT32_MAX : away + step_ms;
    if (s->away_ms[zone] >= (uint32_t)s->config.hold_ms) {
        s->inside[zone] = 0;
    }
}

int32_t sig_zone_push(sig_zone_t *s, uint32_t t_ms, int32_t distance_mm) {
    const uint32_t step_ms = elapsed(s, t_ms);
    follow(s, 0, s->config.warn_mm, step_ms, distance_mm);
    follow(s, 1, s->config.danger_mm, step_ms, distance_mm);
    if (s->inside[1]) {
        return SIG_ZONE_DANGER;
    }
    return s->inside[0] ? SIG_ZONE_WARN : SIG_ZONE_OUTSIDE;
}

static uint32_t divide_up(uint32_t value, uint32_t by) { return value / by + (value % by != 0); }

static int acceptable(const sig_separation_t *m) {
    return within(m->human_mm_s, 0, 10000) && within(m->machine_mm_s, 0, 30000) && within(m->reaction_ms, 0, 10000) &&
           within(m->braking_mm_s2, 100, 20000) && within(m->intrusion_mm, 0, 5000) &&
           within(m->human_error_mm, 0, 20000) && within(m->machine_error_mm, 0, 20000);
}

int32_t sig_separation_mm(const sig_separation_t *motion) {
    if (!acceptable(motion)) {
        return SIG_ERR_RANGE;
    }
    const uint32_t human_mm_s = motion->human_mm_s == 0 ? HUMAN_MM_S : (uint32_t)motion->human_mm_s;
    const uint32_t machine_mm_s = (uint32_t)motion->machine_mm_s;
    const uint32_t braking_mm_s2 = (uint32_t)motion->braking_mm_s2;
    const uint32_t reaction_ms = (uint32_t)motion->reaction_ms;
    const uint32_t stopping_ms = divide_up(machine_mm_s * 1000, braking_mm_s2);
    const uint32_t walked_mm = divide_up(human_mm_s * (reaction_ms + stopping_ms), 1000);
    const uint32_t run_mm = divide_up(machine_mm_s * reaction_ms, 1000);
    const uint32_t braked_mm = divide_up(machine_mm_s * machine_mm_s, 2 * braking_mm_s2);
    return (int32_t)(walked_mm + run_mm + braked_mm) + motion->intrusion_mm + motion->human_error_mm +
           motion->machine_error_mm;
}
