#include "sig_front.h"

/* A tick of this file is 1 / (SIG_TICK_HZ * rate_centihz) s: an input sample lasts IN_TICKS of them and an output
 * sample rate_centihz, so both periods are whole numbers whatever the rate. */
enum { IN_TICKS = 100 * SIG_TICK_HZ, LIMIT = 32000 };

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
    f->channels = chip->gyro_lsb_per_dps_x100 > 0 ? SIG_FRONT_CHANNELS : 3;
    f->out_ticks = (int32_t)chip->rate_centihz;
    f->out_left = f->out_ticks;
    f->acc_divisor = (int32_t)((chip->rate_centihz * chip->acc_lsb_per_g + 500) / 1000);
    f->gyro_divisor = (int32_t)((chip->rate_centihz * chip->gyro_lsb_per_dps_x100 + 50) / 100);
    f->magic = SIG_FRONT_MAGIC;
    return 0;
}

/* `sample` lasts `ticks` within the motion sample under way. */
static void add(sig_front_t *f, const uint8_t *sample, int32_t ticks) {
    const int32_t *const end = f->sum + f->channels;
    for (int32_t *sum = f->sum; sum != end; sum++) {
        const int32_t value = (int32_t)sample[0] | (int32_t)(int8_t)sample[1] * 256;
        *sum += value * ticks;
        sample += 2;
    }
    f->in_left -= ticks;
    f->out_left -= ticks;
}

static uint32_t scale(int32_t *sum, int32_t divisor, int32_t *out) {
    uint32_t square = 0;
    for (int i = 0; i < 3; i++) {
        int32_t value = sum[i] / divisor;
        value = value > LIMIT ? LIMIT : value;
        value = value < -LIMIT ? -LIMIT : value;
        sum[i] = 0;
        out[i] = value;
        square += (uint32_t)(value * value);
    }
    return square;
}

static int32_t root(uint32_t square, int32_t last) { return (int32_t)sig_isqrt_near(square, (uint32_t)last); }

void sig_front_put(sig_front_t *f, const uint8_t *sample) {
    f->in_left = IN_TICKS;
    add(f, sample, IN_TICKS < f->out_left ? IN_TICKS : f->out_left);
}

const sig_motion_t *sig_front_take(sig_front_t *f, const uint8_t *sample) {
    sig_motion_t *motion = &f->motion;
    if (f->out_left > 0) {
        return NULL;
    }
    motion->acc_norm_mg = root(scale(f->sum, f->acc_divisor, motion->acc_mg), motion->acc_norm_mg);
    if (f->channels > 3) {
        motion->gyro_norm_dps = root(scale(f->sum + 3, f->gyro_divisor, motion->gyro_dps), motion->gyro_norm_dps);
    }
    f->out_left = f->out_ticks;
    if (f->in_left > 0) {
        add(f, sample, f->in_left < f->out_left ? f->in_left : f->out_left);
    }
    return motion;
}
