/* What the MicroPython glue files share. Built as a native module (.mpy) or, without dynruntime, into a firmware. */
#ifndef SIGCORE_NATMOD_H
#define SIGCORE_NATMOD_H

#if MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/obj.h"
#include "py/runtime.h"
#endif

#include "sig_common.h"

/* A new bytearray of `bytes` bytes, aligned as the heap aligns, to hold a detector's state; `*memory` is its address, for
 * the init function. Raises MemoryError.
 */
mp_obj_t sigcore_state_memory(size_t bytes, void **memory);

/* The state in `obj`, `bytes` long, which begins with `magic`. Raises ValueError when it is another detector's. */
void *sigcore_state_of(mp_obj_t obj, size_t bytes, uint32_t magic);

/* Raise ValueError with the core's sentence when `status` is an error code. */
void sigcore_check(int status);

/* Integers of Python as the core wants them. Raises ValueError when negative. */
uint32_t sigcore_uint(mp_obj_t obj);

/* The same, with a sign. Raises ValueError beyond 31 bits. */
int32_t sigcore_int(mp_obj_t obj);

extern const mp_obj_fun_builtin_fixed_t sigcore_version_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_motion_new_obj;
extern const mp_obj_fun_builtin_var_t sigcore_motion_push_obj;
extern const mp_obj_fun_builtin_var_t sigcore_fall_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_bend_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_bend_bands_ms_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_bend_angle_deg_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_exertion_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_exertion_push_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_exertion_high_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_load_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_load_state_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_ble_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_ble_push_obj;
extern const mp_obj_fun_builtin_var_t sigcore_uwb_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_uwb_push_obj;
extern const mp_obj_fun_builtin_var_t sigcore_uwb_track_obj;
extern const mp_obj_fun_builtin_var_t sigcore_zone_new_obj;
extern const mp_obj_fun_builtin_fixed_t sigcore_zone_push_obj;
extern const mp_obj_fun_builtin_var_t sigcore_separation_mm_obj;

#endif
