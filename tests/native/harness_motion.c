/* Fuzzing harness for sanitizers: configurations and samples from a small generator, every kind of push. */
#include <stdio.h>
#include <stdlib.h>

#include "sig_motion.h"

static uint32_t seed;

static uint32_t next(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static uint32_t pick(uint32_t low, uint32_t high) { return low + next() % (high - low + 1); }

static void fill(uint8_t *bytes, uint32_t n, uint32_t style) {
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = style == 0 ? (uint8_t)next() : style == 1 ? (i & 1 ? 0x80 : 0) : (i & 1 ? 0x7f : 0xff);
    }
    if (style == 3) {
        for (uint32_t i = 1; i < n; i += 2) {
            bytes[i] = (uint8_t)(bytes[i] & 3);
        }
    }
}

/* A block of samples, one byte off: any alignment is allowed. Returns how many events came out, or -1. */
static long push(sig_front_t *front, sig_fall_t *fall, sig_bend_t *bend) {
    const uint32_t n = pick(0, 120);
    const uint32_t room = pick(0, 5);
    uint8_t *samples = malloc((size_t)n * SIG_SAMPLE_BYTES + 1);
    sig_event_t *out = malloc(room * sizeof *out + 1);
    long events = -1;
    if (samples != NULL && out != NULL) {
        fill(samples + 1, n * SIG_SAMPLE_BYTES, pick(0, 3));
        events = sig_motion_push(front, fall, bend, samples + 1, n, out, room);
    }
    free(samples);
    free(out);
    return events;
}

int main(int argc, char **argv) {
    long events = 0;
    const int rounds = argc > 1 ? atoi(argv[1]) : 50;
    for (int round = 0; round < rounds; round++) {
        seed = (uint32_t)round * 2654435761u + 1u;
        const sig_chip_t chip = {pick(1900, 20100), pick(60, 32800), pick(0, 65600)};
        sig_front_t *front = malloc(sizeof *front);
        sig_fall_t *fall = malloc(sizeof *fall);
        sig_bend_t *bend = malloc(sizeof *bend);
        if (front == NULL || fall == NULL || bend == NULL) {
            return 2;
        }
        const int fine = sig_front_init(front, &chip) == 0 &&
                         sig_fall_init(fall, pick(0, 2), (int32_t)pick(0, 1805) - 3) == 0 && sig_bend_init(bend) == 0;
        for (int block = 0; fine && block < 60; block++) {
            const long found = push(front, round % 4 == 1 ? NULL : fall, round % 4 == 2 ? NULL : bend);
            if (found < 0) {
                return 2;
            }
            events += found;
        }
        free(front);
        free(fall);
        free(bend);
    }
    printf("%ld\n", events);
    return 0;
}
