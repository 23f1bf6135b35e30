#include "sig_ble.h"

#include "sig_ble_model.h"

static void clear(sig_ble_t *s, uint32_t second) {
    for (int level = 0; level < SIG_BLE_LEVELS; level++) {
        s->counts[second % SIG_BLE_SECONDS][level] = 0;
    }
}

int sig_ble_init(sig_ble_t *s) {
    for (uint32_t second = 0; second < SIG_BLE_SECONDS; second++) {
        clear(s, second);
    }
    s->second = 0;
    s->started = 0;
    s->magic = SIG_BLE_MAGIC;
    return 0;
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

static int level_of(int32_t rssi_dbm) {
    if (rssi_dbm > SIG_BLE_STRONGEST_DBM) {
        return SIG_BLE_LEVELS - 1;
    }
    return rssi_dbm < SIG_BLE_WEAKEST_DBM ? 0 : (int)(rssi_dbm - SIG_BLE_WEAKEST_DBM);
}

static uint32_t count_at(const sig_ble_t *s, int level) {
    uint32_t sum = 0;
    for (int second = 0; second < SIG_BLE_SECONDS; second++) {
        sum += s->counts[second][level];
    }
    return sum;
}

/* The lower median: the weakest level that at least half of the adverts do not exceed. */
static int median_level(const sig_ble_t *s) {
    uint32_t all = 0;
    for (int level = 0; level < SIG_BLE_LEVELS; level++) {
        all += count_at(s, level);
    }
    uint32_t below = 0;
    int level = 0;
    while (level < SIG_BLE_LEVELS - 1) {
        below += count_at(s, level);
        if (2 * below >= all) {
            break;
        }
        level++;
    }
    return level;
}

void sig_ble_push(sig_ble_t *s, uint32_t t_ms, int32_t rssi_dbm, sig_ble_result_t *out) {
    advance(s, t_ms / 1000);
    uint8_t *count = &s->counts[s->second % SIG_BLE_SECONDS][level_of(rssi_dbm)];
    if (*count < 255) {
        *count = (uint8_t)(*count + 1);
    }
    const int level = median_level(s);
    out->estimate_mm = ble_distance_mm[level];
    out->within_2m_permille = ble_within_permille[level];
}
