#include "sig_motion.h"

static uint32_t collect(sig_fall_t *fall, sig_bend_t *bend, sig_event_t *out, uint32_t room) {
    uint32_t n = 0;
    if (fall != NULL && fall->events.n > 0) {
        n += sig_events_move(&fall->events, out, room);
    }
    if (bend != NULL && bend->events.n > 0) {
        n += sig_events_move(&bend->events, out + n, room - n);
    }
    return n;
}

int sig_motion_push(sig_front_t *front, sig_fall_t *fall, sig_bend_t *bend, const uint8_t *samples, uint32_t n,
                    sig_event_t *out, uint32_t max_events) {
    uint32_t written = collect(fall, bend, out, max_events);
    for (uint32_t i = 0; i < n; i++) {
        const sig_motion_t *motion;
        sig_front_put(front, samples);
        while ((motion = sig_front_take(front, samples)) != NULL) {
            if (fall != NULL) {
                sig_fall_tick(fall, motion);
            }
            if (bend != NULL) {
                sig_bend_tick(bend, motion);
            }
            written += collect(fall, bend, out + written, max_events - written);
        }
        samples += SIG_SAMPLE_BYTES;
    }
    return (int)written;
}
