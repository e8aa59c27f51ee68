// SPDX-License-Identifier: BSD-2-Clause
#include "base/clock.h"

#include <time.h>

static __u64 read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

__u64 now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

__u64 wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

void wait_ns(__u32 time_ns)
{
	const struct timespec time = { .tv_nsec = time_ns };

	nanosleep(&time, NULL);
}
