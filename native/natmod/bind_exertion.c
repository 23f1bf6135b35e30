#include "natmod.h"

#include "sig_exertion.h"

/* exertion_new(rest_bpm, max_bpm) */
static mp_obj_t exertion_new(mp_obj_t rest_bpm, mp_obj_t max_bpm) {
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_exertion_t), &memory);
    sigcore_check(sig_exertion_init(memory, sigcore_int(rest_bpm), sigcore_int(max_bpm)));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_2(sigcore_exertion_new_obj, exertion_new);

/* exertion_push(state, t_ms, hr_bpm) -> hundredths of an RPE, or -1 for "not enough signal" */
static mp_obj_t exertion_push(mp_obj_t state, mp_obj_t t_ms, mp_obj_t hr_bpm) {
    sig_exertion_t *exertion = sigcore_state_of(state, sizeof(sig_exertion_t), SIG_EXERTION_MAGIC);
    return mp_obj_new_int(sig_exertion_push(exertion, sigcore_uint(t_ms), sigcore_int(hr_bpm)));
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_exertion_push_obj, exertion_push);

/* exertion_high(state) -> whether 7 or more would be rated now */
static mp_obj_t exertion_high(mp_obj_t state) {
    return mp_obj_new_bool(sig_exertion_high(sigcore_state_of(state, sizeof(sig_exertion_t), SIG_EXERTION_MAGIC)));
}
MP_DEFINE_CONST_FUN_OBJ_1(sigcore_exertion_high_obj, exertion_high);
