/* What libFuzzer calls; the first byte says which detector. */
#ifndef FUZZ_CORE_H
#define FUZZ_CORE_H

#include <stddef.h>
#include <stdint.h>

enum { FUZZ_DETECTORS = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
