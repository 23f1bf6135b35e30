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

mp_obj_t sigcore_state_memory(size_t bytes, void **memory) {
    *memory = m_malloc(bytes);
#if MICROPY_ENABLE_DYNRUNTIME
    if (*memory == NULL) {
        nlr_raise(mp_call_function_n_kw(mp_load_global(MP_QSTR_MemoryError), 0, 0, NULL));
    }
#endif
    return mp_obj_new_bytearray_by_ref(bytes, *memory);
}

void *sigcore_state_of(mp_obj_t obj, size_t bytes, uint32_t magic) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_RW);
    if (info.len != bytes || ((uintptr_t)info.buf & 3) != 0 || *(const uint32_t *)info.buf != magic) {
        mp_raise_ValueError(MP_ERROR_TEXT("not the state of this detector"));
    }
    return info.buf;
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

static mp_obj_t version(void) {
    const char *text = sig_version();
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return mp_obj_new_str(text, length);
}
MP_DEFINE_CONST_FUN_OBJ_0(sigcore_version_obj, version);
