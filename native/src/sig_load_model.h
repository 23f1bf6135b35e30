#ifndef SIG_LOAD_MODEL_H
#define SIG_LOAD_MODEL_H
static const sig_load_rule_t load_rules[2] = {{4, 1152, 192, 512, {600, 150}}, {4, 1152, 192, 512, {600, 1}}};
#endif
