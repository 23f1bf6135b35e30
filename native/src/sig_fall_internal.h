/* Shared by the files of the fall detector only. */
#ifndef SIG_FALL_INTERNAL_H
#define SIG_FALL_INTERNAL_H

#include "sig_fall.h"

enum {
    SIG_FALL_CODE_1400 = 83, /* sig_fall_code(1400), and so on */
    SIG_FALL_CODE_1500 = 86
};

/* What the newest cell was before it became codes. */
typedef struct {
    int32_t spread_mg; /* highest less lowest magnitude */
    int32_t gyro_dps;  /* mean rotation */
} sig_fall_newest_t;

/* A number from 0 (as all below) to 65 279 as a byte: steps of 8 below 256, then of 1.6 to 3 %. */
uint8_t sig_fall_code(int32_t value);

/* Cosine of the angle between two vectors, times 1024; components within +-SIG_FALL_VECTOR_MG. */
int32_t sig_cos_1024(const int32_t *a, const int32_t *b);

/* Bytes of features as a network takes them: (feature - scale[0]) * scale[1] / 16, within +-127, and a constant behind
 * them. `out` has room for n + 1. */
void sig_fall_normalise(const uint8_t (*scale)[2], int n, const uint8_t *features, int8_t *out);

/* A network's log odds (1/256), without its bias, for n inputs and the constant. A unit has a weight (1/64) for each of
 * them, and one for what it gives. */
int32_t sig_fall_net(const int8_t *unit, int n_units, const int8_t *inputs, int n);

/* Follow gravity through the cell that is complete; begin with the first one. */
void sig_fall_begin_gravity(sig_fall_t *s, const sig_fall_cell_t *cell);
void sig_fall_follow_gravity(sig_fall_t *s, const sig_fall_cell_t *cell);

/* How far gravity has turned over the last `cells`: 127 * 127 * (1 - cosine). */
int32_t sig_fall_turned(const sig_fall_t *s, uint32_t cells);

/* What happens after a fall, and when nothing happens at all; called once a cell. */
void sig_fall_watch_recovery(sig_fall_t *s, const sig_fall_newest_t *newest);
void sig_fall_watch_stillness(sig_fall_t *s, const sig_fall_newest_t *newest);

/* Remember what `sig_fall_watch_recovery` needs about the fall that is reported now. */
void sig_fall_note_down(sig_fall_t *s);

/* Queue an event, stamped with the present moment. */
void sig_fall_emit(sig_fall_t *s, int32_t kind, int32_t confidence_permille);

#endif
