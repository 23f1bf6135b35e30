#include "natmod.h"

#include "sig_bend.h"

/* bend_new(rate_hz, acc_lsb_per_g, gyro_lsb_per_dps_x100) */
static mp_obj_t bend_new(mp_obj_t rate, mp_obj_t acc_lsb_per_g, mp_obj_t gyro_lsb_per_dps_x100) {
    const uint32_t rate_hz = sigcore_uint(rate);
    const sig_bend_config_t config = {rate_hz > 1000 ? 0 : rate_hz * 100, sigcore_uint(acc_lsb_per_g),
                                      sigcore_uint(gyro_lsb_per_dps_x100)};
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_bend_t), &memory);
    sigcore_check(sig_bend_init(memory, &config));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_bend_new_obj, bend_new);

static int push(void *state, const uint8_t *samples, uint32_t n, sig_event_t *out, uint32_t max_events) {
    return sig_bend_push(state, samples, n, out, max_events);
}

/* bend_push(state, samples, n, out) */
static mp_obj_t bend_push(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return sigcore_push(push, sigcore_state_of(args[0], sizeof(sig_bend_t), SIG_BEND_MAGIC), args + 1);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_bend_push_obj, 4, 4, bend_push);

/* bend_bands_ms(state) -> (below 20 degrees, 20 to 60, above 60) */
static mp_obj_t bend_bands_ms(mp_obj_t obj) {
    const sig_bend_t *state = sigcore_state_of(obj, sizeof(sig_bend_t), SIG_BEND_MAGIC);
    mp_obj_t items[SIG_BEND_BANDS];
    for (int i = 0; i < SIG_BEND_BANDS; i++) {
        items[i] = mp_obj_new_int_from_uint(state->band_ms[i]);
    }
    return mp_obj_new_tuple(SIG_BEND_BANDS, items);
}
MP_DEFINE_CONST_FUN_OBJ_1(sigcore_bend_bands_ms_obj, bend_bands_ms);

/* bend_angle_deg(state) -> angle of the trunk from upright now */
static mp_obj_t bend_angle_deg(mp_obj_t obj) {
    const sig_bend_t *state = sigcore_state_of(obj, sizeof(sig_bend_t), SIG_BEND_MAGIC);
    return mp_obj_new_int(state->angle_deg);
}
MP_DEFINE_CONST_FUN_OBJ_1(sigcore_bend_angle_deg_obj, bend_angle_deg);
