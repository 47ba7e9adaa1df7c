/*
 * For harnesses whose inputs are whole boots. Include first: sched.h needs _GNU_SOURCE before any other header.
 */
#pragma once

#define _GNU_SOURCE
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* On one core no threads are started for hashing: they would cost more than what little there is to hash. */
static inline void stay_on_one_core(void)
{
	static bool done;
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (done || cpu < 0)
		return;
	done = true;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set);
}
