/* A tree ensemble written out by emlearn, beside the core's network, on the same features, on rv32. */
#include <stdio.h>

#include "peer_trees.h"
#include "sig_fall.h"

extern const uint8_t rows[];
extern const uint8_t rows_end[];

static uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count) : : "memory");
    return count;
}

int main(void) {
    volatile int32_t answer = 0;
    uint32_t ours = 0, theirs = 0;
    for (const uint8_t *row = rows; row != rows_end; row += SIG_FALL_FEATURES) {
        int16_t wide[SIG_FALL_FEATURES];
        for (int i = 0; i < SIG_FALL_FEATURES; i++) {
            wide[i] = row[i];
        }
        uint32_t start = instructions();
        answer = sig_fall_score(SIG_PLACEMENT_WAIST, row);
        ours += instructions() - start;
        start = instructions();
        answer = peer_predict(wide, SIG_FALL_FEATURES);
        theirs += instructions() - start;
    }
    (void)answer;
    printf("cost ours %lu\ncost theirs %lu\n", (unsigned long)ours, (unsigned long)theirs);
    printf("done %lu\n", (unsigned long)((rows_end - rows) / SIG_FALL_FEATURES));
    return 0;
}
