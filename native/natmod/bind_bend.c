#include "natmod.h"

#include "sig_bend.h"

/* bend_new() */
static mp_obj_t bend_new(void) {
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_bend_t), &memory);
    sigcore_check(sig_bend_init(memory));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_0(sigcore_bend_new_obj, bend_new);

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
