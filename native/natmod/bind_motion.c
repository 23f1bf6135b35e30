#include "natmod.h"

#include "sig_motion.h"

/* motion_new(rate_hz, acc_lsb_per_g, gyro_lsb_per_dps_x100) */
static mp_obj_t motion_new(mp_obj_t rate, mp_obj_t acc_lsb_per_g, mp_obj_t gyro_lsb_per_dps_x100) {
    const uint32_t rate_hz = sigcore_uint(rate);
    const sig_chip_t chip = {rate_hz > 1000 ? 0 : rate_hz * 100, sigcore_uint(acc_lsb_per_g),
                             sigcore_uint(gyro_lsb_per_dps_x100)};
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_front_t), &memory);
    sigcore_check(sig_front_init(memory, &chip));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_motion_new_obj, motion_new);

static void *optional(mp_obj_t obj, size_t bytes, uint32_t magic) {
    return obj == mp_const_none ? NULL : sigcore_state_of(obj, bytes, magic);
}

/* motion_push(motion, fall or None, bend or None, samples, n, out, load=None) -> events written to `out` */
static mp_obj_t motion_push(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t samples;
    mp_buffer_info_t out;
    sig_front_t *front = sigcore_state_of(args[0], sizeof(sig_front_t), SIG_FRONT_MAGIC);
    sig_fall_t *fall = optional(args[1], sizeof(sig_fall_t), SIG_FALL_MAGIC);
    sig_bend_t *bend = optional(args[2], sizeof(sig_bend_t), SIG_BEND_MAGIC);
    sig_load_t *load = n_args < 7 ? NULL : optional(args[6], sizeof(sig_load_t), SIG_LOAD_MAGIC);
    mp_get_buffer_raise(args[3], &samples, MP_BUFFER_READ);
    const uint32_t n = sigcore_uint(args[4]);
    mp_get_buffer_raise(args[5], &out, MP_BUFFER_WRITE);
    if (n > samples.len / SIG_SAMPLE_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("fewer samples in the buffer than n"));
    }
    if (((uintptr_t)out.buf & 3) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("the event buffer must be aligned to 4 bytes"));
    }
    const uint32_t room = (uint32_t)(out.len / sizeof(sig_event_t));
    return mp_obj_new_int(sig_motion_push(front, fall, bend, load, samples.buf, n, out.buf, room));
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_motion_push_obj, 6, 7, motion_push);
