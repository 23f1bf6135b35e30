/* The module itself: its list of functions, once for a .mpy and once for a build into a firmware. */
#include "natmod.h"

#if MICROPY_ENABLE_DYNRUNTIME

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    (void)n_args;
    (void)n_kw;
    (void)args;
    mp_store_global(MP_QSTR_version, MP_OBJ_FROM_PTR(&sigcore_version_obj));
    mp_store_global(MP_QSTR_motion_new, MP_OBJ_FROM_PTR(&sigcore_motion_new_obj));
    mp_store_global(MP_QSTR_motion_push, MP_OBJ_FROM_PTR(&sigcore_motion_push_obj));
    mp_store_global(MP_QSTR_fall_new, MP_OBJ_FROM_PTR(&sigcore_fall_new_obj));
    mp_store_global(MP_QSTR_bend_new, MP_OBJ_FROM_PTR(&sigcore_bend_new_obj));
    mp_store_global(MP_QSTR_bend_bands_ms, MP_OBJ_FROM_PTR(&sigcore_bend_bands_ms_obj));
    mp_store_global(MP_QSTR_bend_angle_deg, MP_OBJ_FROM_PTR(&sigcore_bend_angle_deg_obj));
    mp_store_global(MP_QSTR_exertion_new, MP_OBJ_FROM_PTR(&sigcore_exertion_new_obj));
    mp_store_global(MP_QSTR_exertion_push, MP_OBJ_FROM_PTR(&sigcore_exertion_push_obj));
    mp_store_global(MP_QSTR_exertion_high, MP_OBJ_FROM_PTR(&sigcore_exertion_high_obj));
    mp_store_global(MP_QSTR_load_new, MP_OBJ_FROM_PTR(&sigcore_load_new_obj));
    mp_store_global(MP_QSTR_load_state, MP_OBJ_FROM_PTR(&sigcore_load_state_obj));
    mp_store_global(MP_QSTR_ble_new, MP_OBJ_FROM_PTR(&sigcore_ble_new_obj));
    mp_store_global(MP_QSTR_ble_push, MP_OBJ_FROM_PTR(&sigcore_ble_push_obj));
    mp_store_global(MP_QSTR_uwb_new, MP_OBJ_FROM_PTR(&sigcore_uwb_new_obj));
    mp_store_global(MP_QSTR_uwb_push, MP_OBJ_FROM_PTR(&sigcore_uwb_push_obj));
    mp_store_global(MP_QSTR_uwb_track, MP_OBJ_FROM_PTR(&sigcore_uwb_track_obj));
    mp_store_global(MP_QSTR_zone_new, MP_OBJ_FROM_PTR(&sigcore_zone_new_obj));
    mp_store_global(MP_QSTR_zone_push, MP_OBJ_FROM_PTR(&sigcore_zone_push_obj));
    mp_store_global(MP_QSTR_separation_mm, MP_OBJ_FROM_PTR(&sigcore_separation_mm_obj));
    MP_DYNRUNTIME_INIT_EXIT
}

#else

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jikimi_sigcore)},
    {MP_ROM_QSTR(MP_QSTR_version), MP_ROM_PTR(&sigcore_version_obj)},
    {MP_ROM_QSTR(MP_QSTR_motion_new), MP_ROM_PTR(&sigcore_motion_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_motion_push), MP_ROM_PTR(&sigcore_motion_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_fall_new), MP_ROM_PTR(&sigcore_fall_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_bend_new), MP_ROM_PTR(&sigcore_bend_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_bend_bands_ms), MP_ROM_PTR(&sigcore_bend_bands_ms_obj)},
    {MP_ROM_QSTR(MP_QSTR_bend_angle_deg), MP_ROM_PTR(&sigcore_bend_angle_deg_obj)},
    {MP_ROM_QSTR(MP_QSTR_exertion_new), MP_ROM_PTR(&sigcore_exertion_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_exertion_push), MP_ROM_PTR(&sigcore_exertion_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_exertion_high), MP_ROM_PTR(&sigcore_exertion_high_obj)},
    {MP_ROM_QSTR(MP_QSTR_load_new), MP_ROM_PTR(&sigcore_load_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_load_state), MP_ROM_PTR(&sigcore_load_state_obj)},
    {MP_ROM_QSTR(MP_QSTR_ble_new), MP_ROM_PTR(&sigcore_ble_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_ble_push), MP_ROM_PTR(&sigcore_ble_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_uwb_new), MP_ROM_PTR(&sigcore_uwb_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_uwb_push), MP_ROM_PTR(&sigcore_uwb_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_uwb_track), MP_ROM_PTR(&sigcore_uwb_track_obj)},
    {MP_ROM_QSTR(MP_QSTR_zone_new), MP_ROM_PTR(&sigcore_zone_new_obj)},
    {MP_ROM_QSTR(MP_QSTR_zone_push), MP_ROM_PTR(&sigcore_zone_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_separation_mm), MP_ROM_PTR(&sigcore_separation_mm_obj)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t sigcore_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR__jikimi_sigcore, sigcore_module);

#endif
