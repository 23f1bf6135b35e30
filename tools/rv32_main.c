/* The signal core on rv32: samples built into the image, events and instruction counts on the semihosted console. */
#include <stdio.h>

#include "sig_bend.h"
#include "sig_ble.h"
#include "sig_exertion.h"
#include "sig_fall.h"
#include "sig_uwb.h"
#include "sig_zone.h"

enum { BLOCK = 16, ROOM = 8, SLOW = 10, HEART = 100 }; /* radio every 10 samples, heart rate every 100 */

extern const uint8_t samples[];
extern const uint8_t samples_end[];

static sig_fall_t fall;
static sig_bend_t bend;
static sig_ble_t ble;
static sig_zone_t zone;
static sig_exertion_t exertion;

static uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count) : : "memory");
    return count;
}

static void print_events(const char *name, const sig_event_t *events, int n) {
    for (int i = 0; i < n; i++) {
        printf("event %s %ld %ld %ld %ld\n", name, (long)events[i].kind, (long)events[i].t_ms,
               (long)events[i].confidence_permille, (long)events[i].data);
    }
}

static void cost(const char *name, uint32_t count) { printf("cost %s %lu\n", name, (unsigned long)count); }

static void run_motion(uint32_t n) {
    uint32_t fall_cost = 0;
    uint32_t bend_cost = 0;
    for (uint32_t at = 0; at < n; at += BLOCK) {
        sig_event_t events[ROOM];
        const uint32_t part = n - at < BLOCK ? n - at : BLOCK;
        const uint8_t *data = samples + at * SIG_SAMPLE_BYTES;
        const uint32_t start = instructions();
        const int falls = sig_fall_push(&fall, data, part, events, ROOM);
        fall_cost += instructions() - start;
        print_events("fall", events, falls);
        const uint32_t again = instructions();
        const int bends = sig_bend_push(&bend, data, part, events, ROOM);
        bend_cost += instructions() - again;
        print_events("bend", events, bends);
    }
    cost("fall", fall_cost);
    cost("bend", bend_cost);
}

static void run_slow(uint32_t n) {
    uint32_t start = instructions();
    for (uint32_t i = 0; i < n; i += SLOW) {
        sig_ble_result_t result;
        sig_ble_push(&ble, i * 10, -60 - (int32_t)(i / SLOW % 9), &result);
        sig_zone_push(&zone, i * 10, result.estimate_mm);
    }
    cost("proximity", instructions() - start);
    start = instructions();
    for (uint32_t i = 0; i < n; i += HEART) {
        sig_exertion_push(&exertion, i * 10, 90 + (int32_t)(i / HEART % 60));
    }
    cost("exertion", instructions() - start);
}

static void run_decisions(void) {
    int16_t features[SIG_FALL_FEATURES];
    uint32_t start = instructions();
    sig_fall_features(&fall, features);
    sig_fall_score(PLACEMENT, features);
    cost("decision_fall", instructions() - start);
    start = instructions();
    sig_fall_pre_features(&fall, features);
    sig_fall_pre_score(PLACEMENT, features);
    cost("decision_falling", instructions() - start);
    start = instructions();
    sig_bend_features(&bend, features);
    sig_bend_score(features);
    cost("decision_bend", instructions() - start);
}

int main(void) {
    const sig_fall_config_t fall_config = {RATE_CENTIHZ, PLACEMENT, ACC_LSB, GYRO_LSB_X100, NO_MOTION_S};
    const sig_bend_config_t bend_config = {RATE_CENTIHZ, ACC_LSB, GYRO_LSB_X100};
    const sig_zone_config_t zone_config = {5000, 2500, 500, 1000};
    const uint32_t n = (uint32_t)(samples_end - samples) / SIG_SAMPLE_BYTES;
    if (sig_fall_init(&fall, &fall_config) != 0 || sig_bend_init(&bend, &bend_config) != 0 || sig_ble_init(&ble) != 0 ||
        sig_zone_init(&zone, &zone_config) != 0 || sig_exertion_init(&exertion, 60, 190) != 0) {
        printf("refused\n");
        return 1;
    }
    run_motion(n);
    run_slow(n);
    run_decisions();
    printf("done %lu\n", (unsigned long)n);
    return 0;
}
