/* Bytes as a script for every detector: configuration, a little beyond what is allowed, then samples to the end. What
 * a header promises of every answer is checked; the sanitizers check the rest. Runs under libFuzzer, and from
 * harness_random.c where there is none.
 */
#include "fuzz_core.h"

#include <stdlib.h>
#include <string.h>

#include "sig_ble.h"
#include "sig_exertion.h"
#include "sig_motion.h"
#include "sig_uwb.h"
#include "sig_zone.h"

enum { ROOM = 5 };

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} script_t;

static size_t left(const script_t *script) { return (size_t)(script->end - script->at); }

/* The next four bytes; zeros beyond the end. */
static uint32_t word(script_t *script) {
    uint32_t value = 0;
    const size_t n = left(script) < sizeof value ? left(script) : sizeof value;
    if (n > 0) {
        memcpy(&value, script->at, n);
        script->at += n;
    }
    return value;
}

static int32_t any(script_t *script) { return (int32_t)word(script); }

static int32_t pick(script_t *script, int32_t low, int32_t high) {
    return low + (int32_t)(word(script) % ((uint32_t)(high - low) + 1));
}

/* Times of day mostly, any number at times. */
static uint32_t later(script_t *script, uint32_t t_ms) {
    const uint32_t step = word(script);
    return step % 16 == 0 ? step : t_ms + step / 16 % 5000;
}

static void promise(int kept) {
    if (!kept) {
        abort();
    }
}

static int within(int32_t value, int32_t low, int32_t high) { return value >= low && value <= high; }

/* Any bytes as they are, as counts within a quarter of the range (a body), or at either end of it (a chip that clips). */
static void shape(uint8_t *samples, size_t bytes, uint32_t style) {
    for (size_t i = 1; i < bytes; i += 2) {
        if (style == 1) {
            samples[i] = (uint8_t)((samples[i] & 0x1f) + (samples[i] & 0x80 ? 0xe0 : 0));
        } else if (style == 2) {
            samples[i - 1] = samples[i] & 1 ? 0xff : 0;
            samples[i] = samples[i] & 1 ? 0x7f : 0x80;
        }
    }
}

/* A block of samples in memory of its own size, aligned or one byte off, so that reading beyond it shows. */
static void push_motion(script_t *script, sig_front_t *front, sig_fall_t *fall, sig_bend_t *bend, sig_load_t *load) {
    const uint32_t room = word(script) % (ROOM + 1);
    const uint32_t off = word(script) % 2;
    const size_t most = left(script) / SIG_SAMPLE_BYTES;
    const uint32_t n = most == 0 ? 0 : word(script) % 120 % ((uint32_t)most + 1);
    const size_t bytes = left(script) < n * SIG_SAMPLE_BYTES ? left(script) : n * SIG_SAMPLE_BYTES;
    uint8_t *block = calloc(1, (size_t)n * SIG_SAMPLE_BYTES + 1);
    uint8_t *samples = block + off;
    sig_event_t *out = malloc(room * sizeof *out + 1);
    promise(block != NULL && out != NULL);
    memcpy(samples, script->at, bytes);
    script->at += bytes;
    shape(samples, n * (size_t)SIG_SAMPLE_BYTES, word(script) % 3);
    const int found = sig_motion_push(front, fall, bend, load, samples, n, out, room);
    promise(within(found, 0, (int32_t)room));
    for (int i = 0; i < found; i++) {
        promise(within(out[i].kind, SIG_EVENT_FALLING, SIG_EVENT_BEND));
        promise(within(out[i].confidence_permille, 0, 1000) && out[i].t_ms >= 0);
    }
    free(block);
    free(out);
}

static void fuzz_motion(script_t *script) {
    sig_front_t front;
    sig_fall_t fall;
    sig_bend_t bend;
    sig_load_t load;
    const sig_chip_t chip = {(uint32_t)pick(script, 1900, 20100), (uint32_t)pick(script, 60, 32800),
                             (uint32_t)pick(script, 0, 65600)};
    const uint32_t fitted = word(script);
    if (sig_front_init(&front, &chip) != 0 || sig_bend_init(&bend) != 0 ||
        sig_load_init(&load, SIG_LOAD_MOTION) != 0 || sig_fall_init(&fall, (uint32_t)pick(script, 0, 2), pick(script, -2, 1801)) != 0) {
        return;
    }
    while (left(script) > 0) {
        push_motion(script, &front, fitted & 1 ? NULL : &fall, fitted & 2 ? NULL : &bend, fitted & 4 ? NULL : &load);
    }
}

/* Whole windows, by any rule the header allows; the heart's come from any readings. */
static void fuzz_load(script_t *script) {
    sig_load_t load;
    sig_exertion_t heart;
    uint32_t t_ms = word(script);
    const sig_load_rule_t rule = {pick(script, 1, 16), pick(script, 128, 4096), pick(script, 1, 4096),
                                  pick(script, 1, 4096), {pick(script, 1, 100000), pick(script, 1, 100000)}};
    if (sig_exertion_init(&heart, 60, 190) != 0 || sig_load_init(&load, pick(script, -1, 2)) != 0) {
        return;
    }
    while (left(script) > 0) {
        const int wild = word(script) % 4 == 0;
        int32_t values[SIG_LOAD_VALUES];
        for (int i = 0; i < SIG_LOAD_VALUES; i++) {
            values[i] = wild ? pick(script, -40000, 40000) : pick(script, -1200, 1200);
        }
        promise(within(sig_load_judge(&load, &rule, values), SIG_LOAD_UNKNOWN, 1));
        t_ms = later(script, t_ms);
        sig_exertion_push(&heart, t_ms, pick(script, 25, 235));
        sig_load_heart(&load, &heart);
        promise(within(sig_load_state(&load), SIG_LOAD_UNKNOWN, 1) && load.n <= SIG_LOAD_LONGEST_BASELINE);
    }
}

static void fuzz_exertion(script_t *script) {
    sig_exertion_t state;
    uint32_t t_ms = word(script);
    const int32_t rest_bpm = pick(script, 28, 122);
    if (sig_exertion_init(&state, rest_bpm, pick(script, 98, 232)) != 0) {
        return;
    }
    while (left(script) > 0) {
        int32_t features[3];
        t_ms = later(script, t_ms);
        const int32_t rpe = sig_exertion_push(&state, t_ms, word(script) % 8 ? pick(script, 25, 235) : any(script));
        const int high = sig_exertion_high(&state);
        sig_exertion_features(&state, features);
        promise(within(rpe, SIG_EXERTION_UNKNOWN, 1000) && within(features[0], 0, 1000));
        promise(high == 0 || (high == 1 && rpe != SIG_EXERTION_UNKNOWN));
    }
}

static sig_uwb_diagnostics_t diagnostics(script_t *script, uint32_t style) {
    if (style & 2) {
        return (sig_uwb_diagnostics_t){any(script), any(script), any(script), any(script)};
    }
    return (sig_uwb_diagnostics_t){pick(script, -11000, -6000), pick(script, -12000, -6000), pick(script, 0, 200),
                                   pick(script, -1, 65536)};
}

static void fuzz_uwb(script_t *script) {
    sig_uwb_t state;
    uint32_t t_ms = word(script);
    if (sig_uwb_init(&state, pick(script, -5100, 5100)) != 0) {
        return;
    }
    while (left(script) > 0) {
        const uint32_t style = word(script);
        const sig_uwb_diagnostics_t chip = diagnostics(script, style);
        const int32_t range_mm = style & 4 ? any(script) : pick(script, -100, 60000);
        sig_uwb_result_t one;
        sig_uwb_track_t track;
        t_ms = later(script, t_ms);
        sig_uwb_push(&state, range_mm, style & 1 ? &chip : NULL, &one);
        sig_uwb_track(&state, t_ms, range_mm, style & 1 ? &chip : NULL, &track);
        promise(within(one.nlos_permille, 0, 1000) && (range_mm < 0 || one.corrected_mm >= 0));
        promise(within(track.nlos_permille, 0, 1000) && track.distance_mm >= 0);
        promise(within(track.lower_mm, 0, track.distance_mm) && track.contact_ms >= SIG_UWB_NO_CONTACT);
        promise(within(track.closing_mm_s, -SIG_UWB_SPEED_LIMIT_MM_S, SIG_UWB_SPEED_LIMIT_MM_S));
    }
}

static void fuzz_ble(script_t *script) {
    sig_ble_t state;
    uint32_t t_ms = word(script);
    promise(sig_ble_init(&state) == 0);
    while (left(script) > 0) {
        sig_ble_result_t result;
        const uint32_t repeats = word(script) % 16 ? 1 : 300;
        t_ms = later(script, t_ms);
        const int32_t rssi_dbm = word(script) % 8 ? pick(script, -115, -15) : any(script);
        for (uint32_t i = 0; i < repeats; i++) {
            sig_ble_push(&state, t_ms, rssi_dbm, &result);
        }
        promise(result.estimate_mm >= 0 && within(result.within_2m_permille, 0, 1000));
    }
}

static void fuzz_zone(script_t *script) {
    sig_zone_t state;
    uint32_t t_ms = word(script);
    const int32_t warn_mm = pick(script, 0, SIG_ZONE_LIMIT_MM + 1);
    const sig_zone_config_t config = {warn_mm, pick(script, 0, warn_mm + 1), pick(script, -1, SIG_ZONE_LIMIT_MM + 1),
                                      pick(script, -1, SIG_ZONE_HOLD_LIMIT_MS + 1)};
    if (sig_zone_init(&state, &config) != 0) {
        return;
    }
    while (left(script) > 0) {
        t_ms = later(script, t_ms);
        const int32_t distance_mm = word(script) % 8 ? pick(script, -1, 2 * warn_mm) : any(script);
        const int32_t level = sig_zone_push(&state, t_ms, distance_mm);
        promise(within(level, SIG_ZONE_OUTSIDE, SIG_ZONE_DANGER));
        promise(distance_mm < 0 || distance_mm > config.danger_mm || level == SIG_ZONE_DANGER);
    }
}

static void fuzz_separation(script_t *script) {
    while (left(script) > 0) {
        const uint32_t style = word(script) % 8;
        const sig_separation_t motion = {
            pick(script, -1, 10001),   style == 0 ? any(script) : pick(script, 0, 30000), pick(script, -1, 10001),
            pick(script, 99, 20001),   pick(script, -1, 5001),                            pick(script, -1, 20001),
            style == 1 ? any(script) : pick(script, 0, 20000),
        };
        const int32_t distance_mm = sig_separation_mm(&motion);
        promise(distance_mm >= 0 || distance_mm == SIG_ERR_RANGE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const detectors[])(script_t *) = {fuzz_motion, fuzz_exertion, fuzz_uwb,
                                                    fuzz_ble,    fuzz_zone,     fuzz_separation, fuzz_load};
    if (size > 0) {
        script_t script = {data + 1, data + size};
        detectors[data[0] % FUZZ_DETECTORS](&script);
    }
    return 0;
}
