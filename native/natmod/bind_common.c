#include "natmod.h"

#if MICROPY_ENABLE_DYNRUNTIME
/* The compiler calls these on its own, and a native module has no libc to find them in. */
void *memset(void *to, int byte, size_t n) {
    return mp_fun_table.memset_(to, byte, n);
}

void *memcpy(void *to, const void *from, size_t n) {
    return mp_fun_table.memmove_(to, from, n);
}
#endif

mp_obj_t sigcore_state_new(size_t bytes) {
#if MICROPY_ENABLE_DYNRUNTIME
    void *state = m_malloc(bytes);
    if (state == NULL) {
        nlr_raise(mp_call_function_n_kw(mp_load_global(MP_QSTR_MemoryError), 0, 0, NULL));
    }
#else
    void *state = m_malloc(bytes);
#endif
    return mp_obj_new_bytearray_by_ref(bytes, state);
}

void *sigcore_state(mp_obj_t obj, size_t bytes) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_RW);
    if (info.len != bytes || ((uintptr_t)info.buf & 3) != 0 || *(const uint32_t *)info.buf == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("not the state of this detector"));
    }
    return info.buf;
}

mp_obj_t sigcore_state_memory(size_t bytes, void **memory) {
    mp_obj_t state = sigcore_state_new(bytes);
    mp_buffer_info_t info;
    mp_get_buffer_raise(state, &info, MP_BUFFER_RW);
    *memory = info.buf;
    return state;
}

void *sigcore_state_of(mp_obj_t obj, size_t bytes, uint32_t magic) {
    void *state = sigcore_state(obj, bytes);
    if (*(const uint32_t *)state != magic) {
        mp_raise_ValueError(MP_ERROR_TEXT("not the state of this detector"));
    }
    return state;
}

void sigcore_check(int status) {
    if (status < 0) {
        const char *text = sig_error_text(status);
        size_t length = 0;
        while (text[length] != 0) {
            length++;
        }
        mp_obj_t message = mp_obj_new_str(text, length);
        nlr_raise(mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_type_ValueError), 1, 0, &message));
    }
}

uint32_t sigcore_uint(mp_obj_t obj) {
    mp_int_t value = mp_obj_get_int(obj);
    if (value < 0 || value > 0x7fffffff) {
        sigcore_check(SIG_ERR_RANGE);
    }
    return (uint32_t)value;
}

int32_t sigcore_int(mp_obj_t obj) {
    mp_int_t value = mp_obj_get_int(obj);
    if (value < -0x7fffffff || value > 0x7fffffff) {
        sigcore_check(SIG_ERR_RANGE);
    }
    return (int32_t)value;
}

mp_obj_t sigcore_push(sigcore_push_t push, void *state, const mp_obj_t *samples_n_out) {
    mp_buffer_info_t samples;
    mp_buffer_info_t out;
    mp_get_buffer_raise(samples_n_out[0], &samples, MP_BUFFER_READ);
    uint32_t n = sigcore_uint(samples_n_out[1]);
    mp_get_buffer_raise(samples_n_out[2], &out, MP_BUFFER_WRITE);
    if (n > samples.len / SIG_SAMPLE_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("fewer samples in the buffer than n"));
    }
    if (((uintptr_t)out.buf & 3) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("the event buffer must be aligned to 4 bytes"));
    }
    uint32_t room = (uint32_t)(out.len / sizeof(sig_event_t));
    return mp_obj_new_int(push(state, samples.buf, n, out.buf, room));
}

static mp_obj_t version(void) {
    const char *text = sig_version();
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return mp_obj_new_str(text, length);
}
MP_DEFINE_CONST_FUN_OBJ_0(sigcore_version_obj, version);
