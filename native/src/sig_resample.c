#include "sig_resample.h"

/* A tick of this file is 1 / (SIG_TICK_HZ * rate_centihz) s: an input sample lasts IN_TICKS of them and an output
 * sample rate_centihz, so both periods are whole numbers whatever the rate. */
enum { IN_TICKS = 100 * SIG_TICK_HZ, LIMIT = 32000 };

int sig_resample_init(sig_resample_t *r, uint32_t rate_centihz, uint32_t acc_lsb_per_g,
                      uint32_t gyro_lsb_per_dps_x100) {
    if (rate_centihz < 2000 || rate_centihz > 20000) {
        return SIG_ERR_RATE;
    }
    if (acc_lsb_per_g < 64 || acc_lsb_per_g > 32767) {
        return SIG_ERR_ACC_SCALE;
    }
    if (gyro_lsb_per_dps_x100 > 65535) {
        return SIG_ERR_GYRO_SCALE;
    }
    for (int i = 0; i < 6; i++) {
        r->sum[i] = 0;
        r->newest[i] = 0;
    }
    r->in_left = 0;
    r->out_ticks = (int32_t)rate_centihz;
    r->out_left = r->out_ticks;
    r->acc_lsb_per_g = (int32_t)acc_lsb_per_g;
    r->gyro_lsb_per_dps_x100 = (int32_t)gyro_lsb_per_dps_x100;
    return 0;
}

static int32_t clamp(int32_t value) {
    if (value > LIMIT) {
        return LIMIT;
    }
    return value < -LIMIT ? -LIMIT : value;
}

static void finish(sig_resample_t *r, sig_motion_t *out) {
    for (int i = 0; i < 3; i++) {
        const int32_t acc = r->sum[i] / r->out_ticks;
        out->acc_mg[i] = clamp(acc * 1000 / r->acc_lsb_per_g);
        out->gyro_dps[i] = 0;
        if (r->gyro_lsb_per_dps_x100 > 0) {
            const int32_t gyro = r->sum[i + 3] / r->out_ticks;
            out->gyro_dps[i] = clamp(gyro * 100 / r->gyro_lsb_per_dps_x100);
        }
        r->sum[i] = 0;
        r->sum[i + 3] = 0;
    }
    r->out_left = r->out_ticks;
}

void sig_resample_put(sig_resample_t *r, const uint8_t *sample) {
    const int32_t ticks = IN_TICKS < r->out_left ? IN_TICKS : r->out_left;
    const int channels = r->gyro_lsb_per_dps_x100 > 0 ? 6 : 3;
    for (int i = 0; i < channels; i++) {
        const int32_t word = (int32_t)sample[2 * i] | ((int32_t)sample[2 * i + 1] << 8);
        r->newest[i] = word - ((word & 0x8000) << 1);
        r->sum[i] += r->newest[i] * ticks;
    }
    r->in_left = IN_TICKS - ticks;
    r->out_left -= ticks;
}

int sig_resample_take(sig_resample_t *r, sig_motion_t *out) {
    if (r->out_left > 0) {
        return 0;
    }
    finish(r, out);
    const int32_t ticks = r->in_left < r->out_left ? r->in_left : r->out_left;
    if (ticks > 0) {
        for (int i = 0; i < 6; i++) {
            r->sum[i] += r->newest[i] * ticks;
        }
        r->in_left -= ticks;
        r->out_left -= ticks;
    }
    return 1;
}
