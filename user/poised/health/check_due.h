/* SPDX-License-Identifier: BSD-2-Clause */
/* When a backend is checked next: a pure function of the time. */
#ifndef POISE_CHECK_DUE_H
#define POISE_CHECK_DUE_H

#include <linux/types.h>

/*
 * The first time after `now_ms` that is in phase with `due_ms`, when the last check was due: a
 * whole number of intervals later, one unless the daemon was late by more. So however late each
 * check is, the next one is not later for that, and what was missed is not made up for in a burst.
 * `interval_ms` is not 0, `now_ms` not before `due_ms`.
 */
static inline __u64 check_due_after(__u64 due_ms, __u64 now_ms, __u32 interval_ms)
{
	return due_ms + ((now_ms - due_ms) / interval_ms + 1) * interval_ms;
}

#endif
