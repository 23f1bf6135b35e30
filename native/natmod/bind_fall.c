#include "natmod.h"

#include "sig_fall.h"

/* fall_new(rate_hz, placement, acc_lsb_per_g, gyro_lsb_per_dps_x100, no_motion_s=0) */
static mp_obj_t fall_new(size_t n_args, const mp_obj_t *args) {
    mp_int_t no_motion_s = n_args > 4 ? mp_obj_get_int(args[4]) : 0;
    uint32_t rate_hz = sigcore_uint(args[0]);
    sig_fall_config_t config;
    config.rate_centihz = rate_hz > 1000 ? 0 : rate_hz * 100;
    config.placement = sigcore_uint(args[1]);
    config.acc_lsb_per_g = sigcore_uint(args[2]);
    config.gyro_lsb_per_dps_x100 = sigcore_uint(args[3]);
    config.no_motion_s = no_motion_s < -1 || no_motion_s > 1800 ? -2 : (int32_t)no_motion_s;
    mp_obj_t state = sigcore_state_new(sizeof(sig_fall_t));
    mp_buffer_info_t info;
    mp_get_buffer_raise(state, &info, MP_BUFFER_RW);
    sigcore_check(sig_fall_init(info.buf, &config));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_fall_new_obj, 4, 5, fall_new);

static int push(void *state, const uint8_t *samples, uint32_t n, sig_event_t *out, uint32_t max_events) {
    return sig_fall_push(state, samples, n, out, max_events);
}

/* fall_push(state, samples, n, out) */
static mp_obj_t fall_push(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    sig_fall_t *state = sigcore_state(args[0], sizeof(sig_fall_t));
    if (state->magic != SIG_FALL_MAGIC) {
        mp_raise_ValueError(MP_ERROR_TEXT("not the state of this detector"));
    }
    return sigcore_push(push, state, args + 1);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_fall_push_obj, 4, 4, fall_push);
