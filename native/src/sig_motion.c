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

int sig_motion_push(sig_front_t *front, sig_fall_t *fall, sig_bend_t *bend, sig_load_t *load, const uint8_t *samples,
                    uint32_t n, sig_event_t *out, uint32_t max_events) {
    const uint8_t *const end = samples + n * SIG_SAMPLE_BYTES;
    uint32_t written = collect(fall, bend, out, max_events);
    for (; samples != end; samples += SIG_SAMPLE_BYTES) {
        int complete = sig_front_put(front, samples);
        while (complete) {
            complete = sig_front_take(front, samples);
            if (fall != NULL) {
                sig_fall_tick(fall, &front->motion);
            }
            if (bend != NULL) {
                sig_bend_tick(bend, &front->motion);
            }
            if (load != NULL) {
                sig_load_tick(load, &front->motion);
            }
            if ((fall != NULL && fall->events.n > 0) || (bend != NULL && bend->events.n > 0)) {
                written += collect(fall, bend, out + written, max_events - written);
            }
        }
    }
    return (int)written;
}
