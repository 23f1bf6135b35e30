/* A short queue for the events of one detector until the caller has room for them. */
#ifndef SIG_EVENTS_H
#define SIG_EVENTS_H

#include "sig_common.h"

enum { SIG_EVENTS_WAITING = 4 };

typedef struct {
    uint32_t n;
    sig_event_t rows[SIG_EVENTS_WAITING]; /* oldest first */
} sig_events_t;

/* Queue an event decided `ticks` motion samples into the stream; one that finds no room is dropped. */
void sig_events_add(sig_events_t *events, uint32_t ticks, int32_t kind, int32_t confidence_permille, int32_t data);

/* Move up to `room` events to `out`, oldest first. Returns how many. */
uint32_t sig_events_move(sig_events_t *events, sig_event_t *out, uint32_t room);

#endif
