#include "natmod.h"

#include "sig_fall.h"

/* fall_new(placement, no_motion_s=0) */
static mp_obj_t fall_new(size_t n_args, const mp_obj_t *args) {
    const uint32_t placement = sigcore_uint(args[0]);
    const int32_t no_motion_s = n_args > 1 ? sigcore_int(args[1]) : 0;
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_fall_t), &memory);
    sigcore_check(sig_fall_init(memory, placement, no_motion_s));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_fall_new_obj, 1, 2, fall_new);
