#include "sig_trees.h"

int32_t sig_trees_sum(const sig_tree_t *trees, int n_trees, const int16_t *features) {
    int32_t sum = 0;
    for (const sig_tree_t *tree = trees; tree != trees + n_trees; tree++) {
        int32_t node = 0;
        while (node < SIG_TREE_NODES) {
            node = 2 * node + 1 + (features[tree->feature[node]] > tree->limit[node]);
        }
        sum += tree->leaf[node - SIG_TREE_NODES];
    }
    return 2 * sum;
}

int32_t sig_permille(int32_t log_odds) {
    /* 1000 / (1 + exp(-x)) at x = 0, 0.5 .. 7 */
    static const uint16_t upper[15] = {500, 622, 731, 818, 881, 924, 953, 971, 982, 989, 993, 996, 998, 998, 999};
    const int32_t size = log_odds < 0 ? -log_odds : log_odds;
    const int32_t step = size >> 7;
    int32_t permille = 999;
    if (step < 14) {
        permille = upper[step] + (((int32_t)upper[step + 1] - (int32_t)upper[step]) * (size & 127) >> 7);
    }
    return log_odds < 0 ? 1000 - permille : permille;
}
