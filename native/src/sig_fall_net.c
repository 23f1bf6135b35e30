/* What a decision is made with: a network of one hidden layer over bytes, in integers. Its numbers come from tools.nets. */
#include "sig_fall_internal.h"

enum {
    ONE = 64,         /* the last input: what stands at it is the bias */
    LARGEST = 127,
    GAIN_SHIFT = 4,   /* inputs are in 1/32 of a feature's standard deviation, */
    HIDDEN_SHIFT = 6, /* weights in 1/64, */
    OUT_SHIFT = 3     /* and log odds in 1/256 */
};

void sig_fall_normalise(const uint8_t (*scale)[2], int n, const uint8_t *features, int8_t *out) {
    for (int i = 0; i < n; i++) {
        const int32_t value = ((int32_t)features[i] - scale[i][0]) * scale[i][1] >> GAIN_SHIFT;
        out[i] = value > LARGEST ? (int8_t)LARGEST : value < -LARGEST ? (int8_t)-LARGEST : (int8_t)value;
    }
    out[n] = ONE;
}

int32_t sig_fall_net(const int8_t *unit, int n_units, const int8_t *inputs, int n) {
    int32_t out = 0;
    for (; n_units > 0; n_units--) {
        int32_t sum = 0;
        for (const int8_t *in = inputs; in <= inputs + n; in++) {
            sum += *unit++ * *in;
        }
        out += sum > 0 ? (sum >> HIDDEN_SHIFT) * *unit : 0;
        unit++;
    }
    return out >> OUT_SHIFT;
}
