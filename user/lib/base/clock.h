/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks of the daemon and the command. Tests put a time of their own in the place of clock.c.
 */
#ifndef POISE_CLOCK_H
#define POISE_CLOCK_H

#include <linux/types.h>

__u64 now_ns(void); /* CLOCK_MONOTONIC */

static inline __u64 now_ms(void)
{
	return now_ns() / 1000000;
}

__u64 wall_ms(void);         /* CLOCK_REALTIME */
void wait_ns(__u32 time_ns); /* sleeps: less than a second */

#endif
