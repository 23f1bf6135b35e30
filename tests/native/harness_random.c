/* The scripts of fuzz_core.c from a small generator, every detector in turn, for sanitizers without libFuzzer. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_core.h"

enum { LONGEST = 16384 };

int main(int argc, char **argv) {
    static uint8_t script[LONGEST];
    const uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 50;
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t seed = round * 2654435761u + 1u;
        for (size_t i = 0; i < LONGEST; i++) {
            seed = seed * 1664525u + 1013904223u;
            script[i] = (uint8_t)(seed >> 24);
        }
        script[0] = (uint8_t)(round % FUZZ_DETECTORS);
        LLVMFuzzerTestOneInput(script, 1 + seed % LONGEST);
    }
    printf("%lu\n", (unsigned long)rounds);
    return 0;
}
