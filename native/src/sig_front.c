#include "sig_front.h"

/* A tick of this file is 1 / (SIG_TICK_HZ * rate_centihz) s: an input sample lasts IN_TICKS of them and an output
 * sample rate_centihz, so both periods are whole numbers whatever the rate. */
enum { IN_TICKS = 100 * SIG_TICK_HZ, LIMIT = 32767 };

int sig_front_init(sig_front_t *f, const sig_chip_t *chip) {
    if (chip->rate_centihz < 2000 || chip->rate_centihz > 20000) {
        return SIG_ERR_RATE;
    }
    if (chip->acc_lsb_per_g < 64 || chip->acc_lsb_per_g > 32767) {
        return SIG_ERR_ACC_SCALE;
    }
    if (chip->gyro_lsb_per_dps_x100 > 65535) {
        return SIG_ERR_GYRO_SCALE;
    }
    sig_clear(f, sizeof *f);
    f->out_ticks = (int32_t)chip->rate_centihz;
    f->out_left = f->out_ticks;
    f->acc_divisor = (int32_t)((chip->rate_centihz * chip->acc_lsb_per_g + 500) / 1000);
    f->gyro_divisor = (int32_t)((chip->rate_centihz * chip->gyro_lsb_per_dps_x100 + 50) / 100);
    f->magic = SIG_FRONT_MAGIC;
    return 0;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
typedef int16_t __attribute__((may_alias)) word_t; /* as the words lie in the caller's bytes */
enum { READABLE = 2 };                             /* a sample at an address this divides */
#else
typedef int16_t word_t;
enum { READABLE = 0 };
#endif

/* The words of a sample: where they are, when the processor can read them there, else put together in `room`. */
static const word_t *words_of(const uint8_t *sample, word_t *room) {
    if (READABLE != 0 && ((uintptr_t)sample & (READABLE - 1)) == 0) {
        return (const void *)sample;
    }
    for (int i = 0; i < SIG_SAMPLE_BYTES / 2; i++) {
        room[i] = (word_t)(sample[2 * i] | (int8_t)sample[2 * i + 1] * 256);
    }
    return room;
}

/* `sample` lasts `ticks` within the motion sample under way; returns 1 when that completes it. Written out, as it is a
 * large part of what the core does for a sample. */
static int add(sig_front_t *f, const uint8_t *sample, int32_t ticks) {
    word_t room[SIG_SAMPLE_BYTES / 2];
    const word_t *word = words_of(sample, room);
    f->out_left -= ticks;
    f->sum[0] += word[0] * ticks;
    f->sum[1] += word[1] * ticks;
    f->sum[2] += word[2] * ticks;
    if (f->gyro_divisor > 0) {
        f->sum[3] += word[3] * ticks;
        f->sum[4] += word[4] * ticks;
        f->sum[5] += word[5] * ticks;
    }
    return f->out_left == 0;
}

static int32_t mean_of(int32_t *sum, int32_t divisor) {
    const int32_t value = *sum / divisor;
    *sum = 0;
    if (value != (int16_t)value) {
        return value < 0 ? -LIMIT : LIMIT;
    }
    return value;
}

/* The means of three sums; returns their magnitude, which is near `last`. */
static int32_t mean_vector(int32_t *sum, int32_t divisor, int32_t *out, int32_t last) {
    const int32_t x = mean_of(sum, divisor);
    const int32_t y = mean_of(sum + 1, divisor);
    const int32_t z = mean_of(sum + 2, divisor);
    out[0] = x;
    out[1] = y;
    out[2] = z;
    return (int32_t)sig_isqrt_near((uint32_t)(x * x) + (uint32_t)(y * y) + (uint32_t)(z * z), (uint32_t)last);
}

int sig_front_put(sig_front_t *f, const uint8_t *sample) {
    const int32_t ticks = IN_TICKS < f->out_left ? IN_TICKS : f->out_left;
    f->in_left = IN_TICKS - ticks;
    return add(f, sample, ticks);
}

int sig_front_take(sig_front_t *f, const uint8_t *sample) {
    sig_motion_t *m = &f->motion;
    m->acc_norm_mg = mean_vector(f->sum, f->acc_divisor, m->acc_mg, m->acc_norm_mg);
    if (f->gyro_divisor > 0) {
        m->gyro_norm_dps = mean_vector(f->sum + 3, f->gyro_divisor, m->gyro_dps, m->gyro_norm_dps);
    }
    f->out_left = f->out_ticks;
    if (f->in_left == 0) {
        return 0;
    }
    const int32_t ticks = f->in_left < f->out_ticks ? f->in_left : f->out_ticks;
    f->in_left -= ticks;
    return add(f, sample, ticks);
}
