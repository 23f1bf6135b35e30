/* First table, by hand; tools/train_fall.py replaces it. */
#ifndef SIG_FALL_MODEL_H
#define SIG_FALL_MODEL_H

#include "sig_trees.h"

enum { FALL_WAIST_TREES = 1, FALL_WRIST_TREES = 1, PRE_WAIST_TREES = 1, PRE_WRIST_TREES = 1 };
enum { FALL_WAIST_BIAS = 0, FALL_WRIST_BIAS = 0, PRE_WAIST_BIAS = 0, PRE_WRIST_BIAS = 0 };

#define STUMP(f, l) \
    {{{f}, {l, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767}, \
      {512, 0, 0, 0, 0, 0, 0, 0, -512, 0, 0, 0, 0, 0, 0, 0}}}
static const sig_tree_t fall_waist_trees[1] = STUMP(9, 500);
static const sig_tree_t fall_wrist_trees[1] = STUMP(9, 500);
static const sig_tree_t pre_waist_trees[1] = STUMP(0, 400);
static const sig_tree_t pre_wrist_trees[1] = STUMP(0, 400);

#endif
