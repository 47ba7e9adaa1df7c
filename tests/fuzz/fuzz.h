/*
 * What every harness has: the function that a fuzzer calls, and a check that stops it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* assert() for every build mode. */
#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
