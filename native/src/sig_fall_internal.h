/* Shared by the files of the fall detector only. */
#ifndef SIG_FALL_INTERNAL_H
#define SIG_FALL_INTERNAL_H

#include "sig_fall.h"

/* Cosine of the angle between two vectors, times 1024; components within +-SIG_FALL_VECTOR_MG. */
int32_t sig_cos_1024(const int32_t *a, const int32_t *b);

/* What happens after a fall, and when nothing happens at all; called once a cell. */
void sig_fall_watch_recovery(sig_fall_t *s, const sig_fall_cell_t *cell);
void sig_fall_watch_stillness(sig_fall_t *s, const sig_fall_cell_t *cell);

/* Remember what `sig_fall_watch_recovery` needs about the fall that is reported now. */
void sig_fall_note_down(sig_fall_t *s);

/* Queue an event, stamped with the present moment. */
void sig_fall_emit(sig_fall_t *s, int32_t kind, int32_t confidence_permille);

#endif
