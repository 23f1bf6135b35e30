/* Zones around a machine, and how large they must be.
 *
 * Two nested zones over any source of distance. A level rises at once; it falls only after the distance has been
 * beyond the zone and its hysteresis for the hold time, so a noisy distance does not make it flicker. A larger
 * distance never gives a higher level.
 */
#ifndef SIG_ZONE_H
#define SIG_ZONE_H

#include "sig_common.h"

enum {
    SIG_ZONE_OUTSIDE = 0,
    SIG_ZONE_WARN = 1,
    SIG_ZONE_DANGER = 2
};

enum {
    SIG_ZONE_UNKNOWN_MM = -1,         /* as a distance: nothing was measured */
    SIG_ZONE_LIMIT_MM = 100000,       /* the largest setting */
    SIG_ZONE_HOLD_LIMIT_MS = 60000,
    SIG_ZONE_MAGIC = 0x314E4F5A       /* "ZON1" */
};

/* How large the zones are. */
typedef struct {
    int32_t warn_mm;       /* danger_mm..100000 */
    int32_t danger_mm;     /* 1..warn_mm */
    int32_t hysteresis_mm; /* 0..100000, added to both on the way out */
    int32_t hold_ms;       /* 0..60000 */
} sig_zone_config_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    sig_zone_config_t config;
    uint32_t t_ms;       /* of the last push */
    uint32_t away_ms[2]; /* since the distance was last within the warn, danger zone and its hysteresis */
    int32_t inside[2];
    int32_t started;
} sig_zone_t;

/* What the protective separation distance depends on; speeds towards each other. */
typedef struct {
    int32_t human_mm_s;       /* 0 default (1600, ISO 13855), else 1..10000 */
    int32_t machine_mm_s;     /* 0..30000 */
    int32_t reaction_ms;      /* sensing, radio and decision until braking begins: 0..10000 */
    int32_t braking_mm_s2;    /* deceleration of the machine: 100..20000 */
    int32_t intrusion_mm;     /* C: how far a body part can reach in before it is sensed: 0..5000 */
    int32_t human_error_mm;   /* Zd: how wrong the measured position of the person can be: 0..20000 */
    int32_t machine_error_mm; /* Zr: the same for the machine: 0..20000 */
} sig_separation_t;

/* Prepare `s` for a new stream. Returns 0 or SIG_ERR_RANGE; after an error `s` may not be used. */
int sig_zone_init(sig_zone_t *s, const sig_zone_config_t *config);

/* A distance at a time, in any steps; a step back in time counts as no time. A negative distance (unknown) is taken as
 * outside, so that it ends a level after the hold time and not before.
 *
 * Returns the level after it: SIG_ZONE_OUTSIDE, SIG_ZONE_WARN or SIG_ZONE_DANGER.
 */
int32_t sig_zone_push(sig_zone_t *s, uint32_t t_ms, int32_t distance_mm);

/* Protective separation distance Sp = Sh + Sr + Ss + C + Zd + Zr of ISO 10218-2 (ISO/TS 15066) at constant speeds,
 * every term rounded up: a person walks during reaction and braking (Sh), the machine runs on during the reaction
 * (Sr) and then brakes (Ss).
 *
 * Returns millimetres (at least 0), or SIG_ERR_RANGE.
 */
int32_t sig_separation_mm(const sig_separation_t *motion);

#endif
