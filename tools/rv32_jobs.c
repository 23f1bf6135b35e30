/* The detectors without samples on rv32: a script of integers built into the image, answers on the semihosted console.
 *
 * A job is: detector, number of settings, settings, number of pushes, numbers a push, the pushes.
 */
#include <stdio.h>

#include "sig_ble.h"
#include "sig_exertion.h"
#include "sig_load.h"
#include "sig_uwb.h"
#include "sig_zone.h"

enum { MOST_ANSWERS = 5 };

extern const int32_t script[];
extern const int32_t script_end[];

static union {
    sig_ble_t ble;
    sig_exertion_t exertion;
    sig_uwb_t uwb;
    sig_zone_t zone;
    struct {
        sig_load_t load;
        sig_exertion_t exertion;
    } day;
} state;

static int ble_new(const int32_t *x) {
    (void)x;
    return sig_ble_init(&state.ble);
}

static int ble_push(const int32_t *x, int32_t *answer) {
    sig_ble_result_t result;
    sig_ble_push(&state.ble, (uint32_t)x[0], x[1], &result);
    answer[0] = result.estimate_mm;
    answer[1] = result.within_2m_permille;
    return 2;
}

static int exertion_new(const int32_t *x) { return sig_exertion_init(&state.exertion, x[0], x[1]); }

static int exertion_push(const int32_t *x, int32_t *answer) {
    answer[0] = sig_exertion_push(&state.exertion, (uint32_t)x[0], x[1]);
    return 1;
}

static int exertion_high_push(const int32_t *x, int32_t *answer) {
    exertion_push(x, answer);
    answer[1] = sig_exertion_high(&state.exertion);
    return 2;
}

static int load_hip_new(const int32_t *x) {
    (void)x;
    return sig_load_init(&state.day.load, SIG_LOAD_MOTION);
}

/* how many samples, all of them: magnitude, acceleration (mg) */
static int load_hip_push(const int32_t *x, int32_t *answer) {
    const sig_motion_t motion = {.acc_norm_mg = x[1], .acc_mg = {x[2], x[3], x[4]}};
    for (int32_t i = 0; i < x[0]; i++) {
        sig_load_tick(&state.day.load, &motion);
    }
    answer[0] = sig_load_state(&state.day.load);
    return 1;
}

static int load_heart_new(const int32_t *x) {
    const int failed = sig_load_init(&state.day.load, SIG_LOAD_HEART);
    return failed ? failed : sig_exertion_init(&state.day.exertion, x[0], x[1]);
}

static int load_heart_push(const int32_t *x, int32_t *answer) {
    sig_exertion_push(&state.day.exertion, (uint32_t)x[0], x[1]);
    sig_load_heart(&state.day.load, &state.day.exertion);
    answer[0] = sig_load_state(&state.day.load);
    return 1;
}

static int uwb_new(const int32_t *x) { return sig_uwb_init(&state.uwb, x[0]); }

/* range, 1 when the chip's numbers follow, those */
static int uwb_push(const int32_t *x, int32_t *answer) {
    const sig_uwb_diagnostics_t chip = {x[2], x[3], x[4], x[5]};
    sig_uwb_result_t result;
    sig_uwb_push(&state.uwb, x[0], x[1] ? &chip : NULL, &result);
    answer[0] = result.corrected_mm;
    answer[1] = result.nlos_permille;
    return 2;
}

/* time, then the same */
static int uwb_track_push(const int32_t *x, int32_t *answer) {
    const sig_uwb_diagnostics_t chip = {x[3], x[4], x[5], x[6]};
    sig_uwb_track_t track;
    sig_uwb_track(&state.uwb, (uint32_t)x[0], x[1], x[2] ? &chip : NULL, &track);
    answer[0] = track.distance_mm;
    answer[1] = track.lower_mm;
    answer[2] = track.closing_mm_s;
    answer[3] = track.contact_ms;
    answer[4] = track.nlos_permille;
    return 5;
}

static int zone_new(const int32_t *x) {
    const sig_zone_config_t config = {x[0], x[1], x[2], x[3]};
    return sig_zone_init(&state.zone, &config);
}

static int zone_push(const int32_t *x, int32_t *answer) {
    answer[0] = sig_zone_push(&state.zone, (uint32_t)x[0], x[1]);
    return 1;
}

static int nothing_new(const int32_t *x) {
    (void)x;
    return 0;
}

static int separation(const int32_t *x, int32_t *answer) {
    const sig_separation_t motion = {x[0], x[1], x[2], x[3], x[4], x[5], x[6]};
    answer[0] = sig_separation_mm(&motion);
    return 1;
}

/* In the order of tools.rv32.DETECTORS. */
static const struct {
    int (*begin)(const int32_t *settings);
    int (*push)(const int32_t *numbers, int32_t *answer);
} detectors[] = {
    {ble_new, ble_push}, {exertion_new, exertion_push}, {uwb_new, uwb_push},
    {zone_new, zone_push}, {nothing_new, separation}, {uwb_new, uwb_track_push}, {exertion_new, exertion_high_push},
    {load_hip_new, load_hip_push}, {load_heart_new, load_heart_push},
};

static uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count) : : "memory");
    return count;
}

static const int32_t *run(const int32_t *job) {
    const int32_t detector = job[0];
    const int32_t pushes = job[2 + job[1]];
    const int32_t width = job[3 + job[1]];
    const int32_t *numbers = job + 4 + job[1];
    uint32_t count = 0;
    printf("job %d\n", detectors[detector].begin(job + 2));
    for (int32_t i = 0; i < pushes; i++, numbers += width) {
        int32_t answer[MOST_ANSWERS];
        const uint32_t start = instructions();
        const int n = detectors[detector].push(numbers, answer);
        count += instructions() - start;
        printf("answer");
        for (int part = 0; part < n; part++) {
            printf(" %ld", (long)answer[part]);
        }
        printf("\n");
    }
    printf("count %lu\n", (unsigned long)count);
    return numbers;
}

int main(void) {
    for (const int32_t *job = script; job != script_end;) {
        job = run(job);
    }
    printf("done\n");
    return 0;
}
