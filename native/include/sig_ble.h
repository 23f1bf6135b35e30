/* Nearness from the strength of received adverts.
 *
 * The median of the last five seconds, through two tables (sig_ble_model.h, written by tools/train_ble.py): the distance
 * a path-loss law gives, and how often such a strength comes from within 2 m. Bodies between the antennas change the
 * strength more than metres do, so this says that somebody is present, not how far away: native/MODEL_CARD.md has
 * the figures.
 */
#ifndef SIG_BLE_H
#define SIG_BLE_H

#include "sig_common.h"

enum {
    SIG_BLE_STRONGEST_DBM = -20,
    SIG_BLE_WEAKEST_DBM = -110,
    SIG_BLE_LEVELS = 91,
    SIG_BLE_SECONDS = 5,
    SIG_BLE_MAGIC = 0x31454C42 /* "BLE1" */
};

/* What is known after an advert. */
typedef struct {
    int32_t estimate_mm;
    int32_t within_2m_permille; /* 0..1000 */
} sig_ble_result_t;

/* Owned by the caller, written by the functions below only. */
typedef struct {
    uint32_t magic;
    uint32_t second; /* number of the newest second */
    int32_t started;
    uint8_t counts[SIG_BLE_SECONDS][SIG_BLE_LEVELS]; /* adverts per second (modulo five) and strength, */
    uint16_t at[SIG_BLE_LEVELS];                     /* and in all five; */
    uint32_t all;                                    /* at all strengths, */
    uint32_t below;                                  /* and weaker than */
    int32_t level;                                   /* the median */
} sig_ble_t;

/* Prepare `s` for the adverts of one sender. Returns 0. */
int sig_ble_init(sig_ble_t *s);

/* One advert. Strengths beyond -20..-110 dBm count as the nearest of these; a step back in time (of less than 24 days)
 * counts as no time; of more than 255 equal ones in one second the rest is not counted.
 */
void sig_ble_push(sig_ble_t *s, uint32_t t_ms, int32_t rssi_dbm, sig_ble_result_t *out);

#endif
