/* Shared by the files of the bend counter only. */
#ifndef SIG_BEND_INTERNAL_H
#define SIG_BEND_INTERNAL_H

#include "sig_bend.h"

/* Take the new direction of gravity. Returns how far it turned since the last cell (4096 = 57 degrees). */
int32_t sig_bend_turn(sig_bend_t *s);

/* Measure the angle between the direction of gravity and upright, 0..180. */
void sig_bend_measure_angle(sig_bend_t *s);

/* Start describing an excursion, and add a cell to the description. */
void sig_bend_begin(sig_bend_t *s);
void sig_bend_extend(sig_bend_t *s, const sig_bend_cell_t *cell, int32_t rate);

#endif
