/* Shared by the files of the fall detector only. */
#ifndef SIG_FALL_INTERNAL_H
#define SIG_FALL_INTERNAL_H

#include "sig_fall.h"
#include "sig_trees.h"

enum {
    SIG_FALL_CODE_1400 = 83, /* sig_fall_code(1400), and so on */
    SIG_FALL_CODE_1500 = 86,
    SIG_FALL_CODE_2000 = 99
};

/* One tree in 46 bytes: node i has children 2i+1 (feature <= limit) and 2i+2; a node that does not split has limit 255. */
typedef struct {
    uint8_t feature[SIG_TREE_NODES];
    uint8_t limit[SIG_TREE_NODES];
    int8_t leaf[SIG_TREE_LEAVES]; /* 1/128 log odds */
} sig_fall_tree_t;

/* What the newest cell was before it became codes. */
typedef struct {
    int32_t spread_mg; /* highest less lowest magnitude */
    int32_t gyro_dps;  /* mean rotation */
} sig_fall_newest_t;

/* A number from 0 (as all below) to 65 279 as a byte: steps of 8 below 256, then of 1.6 to 3 %. */
uint8_t sig_fall_code(int32_t value);

/* Cosine of the angle between two vectors, times 1024; components within +-SIG_FALL_VECTOR_MG. */
int32_t sig_cos_1024(const int32_t *a, const int32_t *b);

/* What happens after a fall, and when nothing happens at all; called once a cell. */
void sig_fall_watch_recovery(sig_fall_t *s, const sig_fall_newest_t *newest);
void sig_fall_watch_stillness(sig_fall_t *s, const sig_fall_newest_t *newest);

/* Remember what `sig_fall_watch_recovery` needs about the fall that is reported now. */
void sig_fall_note_down(sig_fall_t *s);

/* Queue an event, stamped with the present moment. */
void sig_fall_emit(sig_fall_t *s, int32_t kind, int32_t confidence_permille);

#endif
