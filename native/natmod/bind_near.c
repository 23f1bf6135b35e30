#include "natmod.h"

#include "sig_ble.h"
#include "sig_uwb.h"
#include "sig_zone.h"

static mp_obj_t pair(int32_t first, int32_t second) {
    mp_obj_t items[2] = {mp_obj_new_int(first), mp_obj_new_int(second)};
    return mp_obj_new_tuple(2, items);
}

/* ble_new() */
static mp_obj_t ble_new(void) {
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_ble_t), &memory);
    sigcore_check(sig_ble_init(memory));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_0(sigcore_ble_new_obj, ble_new);

/* ble_push(state, t_ms, rssi_dbm) -> (estimate_mm, within_2m_permille) */
static mp_obj_t ble_push(mp_obj_t state, mp_obj_t t_ms, mp_obj_t rssi_dbm) {
    sig_ble_result_t result;
    sig_ble_push(sigcore_state_of(state, sizeof(sig_ble_t), SIG_BLE_MAGIC), sigcore_uint(t_ms), sigcore_int(rssi_dbm),
                 &result);
    return pair(result.estimate_mm, result.within_2m_permille);
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_ble_push_obj, ble_push);

/* uwb_new(offset_mm=0) */
static mp_obj_t uwb_new(size_t n_args, const mp_obj_t *args) {
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_uwb_t), &memory);
    sigcore_check(sig_uwb_init(memory, n_args > 0 ? sigcore_int(args[0]) : 0));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_uwb_new_obj, 0, 1, uwb_new);

/* None or (rx_power_cdbm, fp_power_cdbm, std_noise[, fp_index]) into `chip`; NULL when None. */
static const sig_uwb_diagnostics_t *chip_of(mp_obj_t diagnostics, sig_uwb_diagnostics_t *chip) {
    if (diagnostics == mp_const_none) {
        return NULL;
    }
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(diagnostics, &n, &items);
    if (n != 3 && n != 4) {
        mp_raise_ValueError(MP_ERROR_TEXT("the diagnostics are 3 or 4 numbers"));
    }
    chip->rx_power_cdbm = sigcore_int(items[0]);
    chip->fp_power_cdbm = sigcore_int(items[1]);
    chip->std_noise = sigcore_int(items[2]);
    chip->fp_index = n == 4 ? sigcore_int(items[3]) : 0;
    return chip;
}

/* uwb_push(state, range_mm, diagnostics) -> (corrected_mm, nlos_permille) */
static mp_obj_t uwb_push(mp_obj_t state, mp_obj_t range_mm, mp_obj_t diagnostics) {
    sig_uwb_diagnostics_t chip;
    sig_uwb_result_t result;
    sig_uwb_push(sigcore_state_of(state, sizeof(sig_uwb_t), SIG_UWB_MAGIC), sigcore_int(range_mm),
                 chip_of(diagnostics, &chip), &result);
    return pair(result.corrected_mm, result.nlos_permille);
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_uwb_push_obj, uwb_push);

/* uwb_track(state, t_ms, range_mm, diagnostics) -> (distance_mm, lower_mm, closing_mm_s, contact_ms, nlos_permille) */
static mp_obj_t uwb_track(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    sig_uwb_diagnostics_t chip;
    sig_uwb_track_t track;
    sig_uwb_track(sigcore_state_of(args[0], sizeof(sig_uwb_t), SIG_UWB_MAGIC), sigcore_uint(args[1]),
                  sigcore_int(args[2]), chip_of(args[3], &chip), &track);
    mp_obj_t items[5] = {mp_obj_new_int(track.distance_mm), mp_obj_new_int(track.lower_mm),
                         mp_obj_new_int(track.closing_mm_s), mp_obj_new_int(track.contact_ms),
                         mp_obj_new_int(track.nlos_permille)};
    return mp_obj_new_tuple(5, items);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_uwb_track_obj, 4, 4, uwb_track);

/* zone_new(warn_mm, danger_mm, hysteresis_mm, hold_ms) */
static mp_obj_t zone_new(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const sig_zone_config_t config = {sigcore_int(args[0]), sigcore_int(args[1]), sigcore_int(args[2]),
                                      sigcore_int(args[3])};
    void *memory;
    mp_obj_t state = sigcore_state_memory(sizeof(sig_zone_t), &memory);
    sigcore_check(sig_zone_init(memory, &config));
    return state;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_zone_new_obj, 4, 4, zone_new);

/* zone_push(state, t_ms, distance_mm) -> 0, 1, 2 */
static mp_obj_t zone_push(mp_obj_t state, mp_obj_t t_ms, mp_obj_t distance_mm) {
    sig_zone_t *zone = sigcore_state_of(state, sizeof(sig_zone_t), SIG_ZONE_MAGIC);
    return mp_obj_new_int(sig_zone_push(zone, sigcore_uint(t_ms), sigcore_int(distance_mm)));
}
MP_DEFINE_CONST_FUN_OBJ_3(sigcore_zone_push_obj, zone_push);

/* separation_mm(human_mm_s, machine_mm_s, reaction_ms, braking_mm_s2, intrusion_mm, human_error_mm, machine_error_mm) */
static mp_obj_t separation_mm(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const sig_separation_t motion = {sigcore_int(args[0]), sigcore_int(args[1]), sigcore_int(args[2]),
                                     sigcore_int(args[3]), sigcore_int(args[4]), sigcore_int(args[5]),
                                     sigcore_int(args[6])};
    const int32_t distance_mm = sig_separation_mm(&motion);
    sigcore_check(distance_mm);
    return mp_obj_new_int(distance_mm);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sigcore_separation_mm_obj, 7, 7, separation_mm);
