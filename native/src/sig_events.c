#include "sig_events.h"

#include "sig_front.h"

void sig_events_add(sig_events_t *events, uint32_t ticks, int32_t kind, int32_t confidence_permille, int32_t data) {
    if (events->n == SIG_EVENTS_WAITING) {
        return;
    }
    sig_event_t *event = &events->rows[events->n];
    event->kind = kind;
    event->t_ms = (int32_t)((ticks * SIG_TICK_MS) & 0x7fffffffu);
    event->confidence_permille = confidence_permille;
    event->data = data;
    events->n += 1;
}

uint32_t sig_events_move(sig_events_t *events, sig_event_t *out, uint32_t room) {
    const uint32_t n = room < events->n ? room : events->n;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = events->rows[i];
    }
    for (uint32_t i = n; i < events->n; i++) {
        events->rows[i - n] = events->rows[i];
    }
    events->n -= n;
    return n;
}
