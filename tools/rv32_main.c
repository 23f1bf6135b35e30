/* The signal core on rv32: samples built into the image, events and instruction counts on the semihosted console. */
#include <stdio.h>

#include "sig_motion.h"

enum { BLOCK = 16, ROOM = 8 };

extern const uint8_t samples[];
extern const uint8_t samples_end[];

static sig_front_t front;
static sig_fall_t fall;
static sig_bend_t bend;

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

static int begin(void) {
    const sig_chip_t chip = {RATE_CENTIHZ, ACC_LSB, GYRO_LSB_X100};
    return sig_front_init(&front, &chip) == 0 && sig_fall_init(&fall, PLACEMENT, NO_MOTION_S) == 0 &&
           sig_bend_init(&bend) == 0;
}

/* All samples through the detectors that are not NULL. Returns the instructions that took. */
static uint32_t pass(uint32_t n, sig_fall_t *falls, sig_bend_t *bends, const char *name) {
    uint32_t count = 0;
    begin();
    for (uint32_t at = 0; at < n; at += BLOCK) {
        sig_event_t events[ROOM];
        const uint32_t part = n - at < BLOCK ? n - at : BLOCK;
        const uint32_t start = instructions();
        const int found = sig_motion_push(&front, falls, bends, NULL, samples + at * SIG_SAMPLE_BYTES, part, events, ROOM);
        count += instructions() - start;
        print_events(name, events, found);
    }
    return count;
}

static void run_motion(uint32_t n) {
    const uint32_t alone = pass(n, NULL, NULL, "none");
    cost("front", alone);
    cost("fall", pass(n, &fall, NULL, "fall") - alone);
    cost("bend", pass(n, NULL, &bend, "bend") - alone);
    pass(n, &fall, &bend, "both");
}

static void run_decisions(void) {
    uint8_t bytes[SIG_FALL_FEATURES];
    int16_t features[SIG_BEND_FEATURES];
    uint32_t start = instructions();
    sig_fall_features(&fall, bytes);
    sig_fall_score(PLACEMENT, bytes);
    cost("decision_fall", instructions() - start);
    start = instructions();
    sig_fall_pre_features(&fall, bytes);
    sig_fall_pre_score(PLACEMENT, bytes);
    cost("decision_falling", instructions() - start);
    start = instructions();
    sig_bend_features(&bend, features);
    sig_bend_score(features);
    cost("decision_bend", instructions() - start);
}

int main(void) {
    const uint32_t n = (uint32_t)(samples_end - samples) / SIG_SAMPLE_BYTES;
    if (!begin()) {
        printf("refused\n");
        return 1;
    }
    run_motion(n);
    run_decisions();
    printf("done %lu\n", (unsigned long)n);
    return 0;
}
