#include "sig_ble.h"

#include "sig_ble_model.h"

int sig_ble_init(sig_ble_t *s) {
    sig_clear(s, sizeof *s);
    s->magic = SIG_BLE_MAGIC;
    return 0;
}

/* Forget what was counted in a second. */
static void clear(sig_ble_t *s, uint32_t second) {
    uint8_t *counts = s->counts[second % SIG_BLE_SECONDS];
    for (int32_t level = 0; level < SIG_BLE_LEVELS; level++) {
        const uint16_t n = counts[level];
        if (n > 0) {
            s->at[level] = (uint16_t)(s->at[level] - n);
            s->all -= n;
            s->below -= level < s->level ? n : 0;
            counts[level] = 0;
        }
    }
}

/* Forget the seconds that have left the window. */
static void advance(sig_ble_t *s, uint32_t second) {
    if (!s->started) {
        s->started = 1;
        s->second = second;
        return;
    }
    if (second < s->second && s->second - second < 0x200000u) {
        return;
    }
    const uint32_t steps = second - s->second;
    for (uint32_t i = 0; i < SIG_BLE_SECONDS && i < steps; i++) {
        clear(s, second - i);
    }
    s->second = second;
}

static int32_t level_of(int32_t rssi_dbm) {
    if (rssi_dbm > SIG_BLE_STRONGEST_DBM) {
        return SIG_BLE_LEVELS - 1;
    }
    return rssi_dbm < SIG_BLE_WEAKEST_DBM ? 0 : rssi_dbm - SIG_BLE_WEAKEST_DBM;
}

static void count(sig_ble_t *s, int32_t level) {
    uint8_t *n = &s->counts[s->second % SIG_BLE_SECONDS][level];
    if (*n < 255) {
        *n = (uint8_t)(*n + 1);
        s->at[level] = (uint16_t)(s->at[level] + 1);
        s->all += 1;
        s->below += level < s->level ? 1 : 0;
    }
}

/* Move to the lower median, the weakest level that at least half of the adverts do not exceed: a step or two from where
 * it was. */
static int32_t median_level(sig_ble_t *s) {
    while (2 * s->below >= s->all) {
        s->level -= 1;
        s->below -= s->at[s->level];
    }
    while (2 * (s->below + s->at[s->level]) < s->all) {
        s->below += s->at[s->level];
        s->level += 1;
    }
    return s->level;
}

void sig_ble_push(sig_ble_t *s, uint32_t t_ms, int32_t rssi_dbm, sig_ble_result_t *out) {
    advance(s, t_ms / 1000);
    count(s, level_of(rssi_dbm));
    const int32_t level = median_level(s);
    out->estimate_mm = ble_distance_mm[level];
    out->within_2m_permille = ble_within_permille[level];
}
