#include "natmod.h"

#include "sig_load.h"

/* load_new(source) */
static mp_obj_t load_new(mp_obj_t source) {
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_load_t), &memory);
    sigcore_check(sig_load_init(memory, sigcore_int(source)));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_1(sigcore_load_new_obj, load_new);

/* load_state(state, exertion or None) -> 1 changed, 0 as at first, -1 for "not enough signal"; of the heart, with the
 * exertion monitor after each of its readings */
static mp_obj_t load_state(mp_obj_t state, mp_obj_t exertion) {
    sig_load_t *load = sigcore_state_of(state, sizeof(sig_load_t), SIG_LOAD_MAGIC);
    if (exertion != mp_const_none) {
        sig_load_heart(load, sigcore_state_of(exertion, sizeof(sig_exertion_t), SIG_EXERTION_MAGIC));
    }
    return mp_obj_new_int(sig_load_state(load));
}
MP_DEFINE_CONST_FUN_OBJ_2(sigcore_load_state_obj, load_state);
