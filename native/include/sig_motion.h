/* One stream of samples through the front end, once, into the detectors that are fitted behind it. */
#ifndef SIG_MOTION_H
#define SIG_MOTION_H

#include "sig_bend.h"
#include "sig_fall.h"
#include "sig_front.h"
#include "sig_load.h"

/* Push `n` samples of SIG_SAMPLE_BYTES bytes each, any alignment, through `front` into `fall`, `bend` and `load`,
 * each of which may be NULL; any split of a stream into pushes gives the same events. An event that finds no room in
 * `out` waits (up to SIG_EVENTS_WAITING for each detector, newer ones are dropped) for the next push, which may have
 * n = 0.
 *
 * Returns how many events were written, 0..max_events.
 */
int sig_motion_push(sig_front_t *front, sig_fall_t *fall, sig_bend_t *bend, sig_load_t *load, const uint8_t *samples,
                    uint32_t n, sig_event_t *out, uint32_t max_events);

#endif
