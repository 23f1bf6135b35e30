#include "sig_common.h"

const char *sig_version(void) { return "0.1.0"; }

const char *sig_error_text(int error) {
    switch (error) {
    case SIG_ERR_RATE:
        return "the sampling rate must be 20 to 200 Hz";
    case SIG_ERR_PLACEMENT:
        return "the placement must be 0 (waist) or 1 (wrist)";
    case SIG_ERR_ACC_SCALE:
        return "the accelerometer scale must be 64 to 32767 counts per g";
    case SIG_ERR_GYRO_SCALE:
        return "the gyroscope scale must be 0 (none) to 65535 counts per 100 deg/s";
    case SIG_ERR_NO_MOTION:
        return "the man-down time must be -1 (off), 0 (default) or 1 to 1800 s";
    case SIG_ERR_RANGE:
        return "a setting is out of its range";
    default:
        return error < 0 ? "unknown error" : "no error";
    }
}

void sig_clear(void *state, size_t bytes) {
    uint8_t *byte = state;
    for (size_t i = 0; i < bytes; i++) {
        byte[i] = 0;
    }
}

uint32_t sig_isqrt_near(uint32_t value, uint32_t guess) {
    /* Newton's method from above: the first step lands at or above the root, the others fall towards it. */
    if (value == 0) {
        return 0;
    }
    uint32_t next = guess == 0 ? 1 : guess;
    uint32_t root = (next >> 1) + ((value / next) >> 1) + 1;
    while ((next = (root + value / root) >> 1) < root) {
        root = next;
    }
    return root;
}

uint32_t sig_isqrt(uint32_t value) { return sig_isqrt_near(value, 1000); }

int32_t sig_log2_q8(uint32_t value) {
    /* By squaring the mantissa once a bit. */
    int32_t exponent = 0;
    for (int32_t half = 16; half > 0; half /= 2) {
        exponent += value >> exponent >> half != 0 ? half : 0;
    }
    uint32_t mantissa = exponent > 15 ? value >> (exponent - 15) : value << (15 - exponent);
    int32_t log = exponent;
    for (int bit = 0; bit < 8; bit++) {
        mantissa = mantissa * mantissa >> 15;
        log *= 2;
        if (mantissa >= 65536) {
            mantissa >>= 1;
            log += 1;
        }
    }
    return log;
}
