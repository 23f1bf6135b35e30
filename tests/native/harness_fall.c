/* Fuzzing harness for sanitizers: configurations and samples from a small generator, every kind of push. */
#include <stdio.h>
#include <stdlib.h>

#include "sig_fall.h"

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

int main(int argc, char **argv) {
    long events = 0;
    const int rounds = argc > 1 ? atoi(argv[1]) : 50;
    for (int round = 0; round < rounds; round++) {
        seed = (uint32_t)round * 2654435761u + 1u;
        sig_fall_t *state = malloc(sizeof *state);
        const sig_fall_config_t config = {pick(1900, 20100), pick(0, 2), pick(60, 32800), pick(0, 65600),
                                          (int32_t)pick(0, 1805) - 3};
        if (state == NULL) {
            return 2;
        }
        if (sig_fall_init(state, &config) == 0) {
            for (int push = 0; push < 60; push++) {
                const uint32_t n = pick(0, 120);
                const uint32_t room = pick(0, 5);
                uint8_t *samples = malloc((size_t)n * SIG_SAMPLE_BYTES + 1);
                sig_event_t *out = malloc(room * sizeof *out + 1);
                if (samples == NULL || out == NULL) {
                    return 2;
                }
                fill(samples + 1, n * SIG_SAMPLE_BYTES, pick(0, 3)); /* one byte off: any alignment is allowed */
                events += sig_fall_push(state, samples + 1, n, out, room);
                free(samples);
                free(out);
            }
        }
        free(state);
    }
    printf("%ld\n", events);
    return 0;
}
