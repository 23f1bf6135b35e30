/* A sum of small decision trees over integer features: the shape every generated model table has. */
#ifndef SIG_TREES_H
#define SIG_TREES_H

#include "sig_common.h"

enum {
    SIG_TREE_DEPTH = 4,
    SIG_TREE_NODES = 15,
    SIG_TREE_LEAVES = 16
};

/* A complete tree: node i has children 2i+1 (feature <= limit) and 2i+2; a node that does not split has limit 32767. */
typedef struct {
    uint8_t feature[SIG_TREE_NODES];
    int8_t leaf[SIG_TREE_LEAVES]; /* 1/128 log odds */
    int16_t limit[SIG_TREE_NODES];
} sig_tree_t;

/* Sum of the leaves that `features` fall into. Returns log odds in 1/256. */
int32_t sig_trees_sum(const sig_tree_t *trees, int n_trees, const int16_t *features);

/* Probability, in permille, of log odds given in 1/256. */
int32_t sig_permille(int32_t log_odds);

#endif
