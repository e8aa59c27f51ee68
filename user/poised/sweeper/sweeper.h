/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When sweeps over the flow table happen, and where: in a thread beside the loop, one at a time,
 * for as long as there is something to watch. What they are for is in sweep.h.
 */
#ifndef POISE_SWEEPER_H
#define POISE_SWEEPER_H

#include "model/model.h"

int sweeper_open(struct model *model, struct sweeper **out); /* 0 or -errno */
/* Waits for a sweep in flight. NULL is fine. closed() is called from the loop when all of it is
 * gone. */
void sweeper_close(struct sweeper *sweeper, void (*closed)(struct model *model));
/* There is something to watch: a sweep will begin. */
void sweeper_wake(struct sweeper *sweeper);
/*
 * Somebody waits for numbers that a sweep frees. from_ns is filled: what is unnamed when the wait
 * begins is found by a sweep that begins then.
 */
struct sweep_wait {
	LIST_ENTRY(sweep_wait) entry;
	__u64 from_ns;
	/* Called from the loop after such a sweep, or when none can be made. It may begin a wait.
	 */
	void (*done)(void *arg);
	void *arg;
};

/* done and arg are filled in; the wait is the caller's until done is called. */
void sweeper_await(struct sweeper *sweeper, struct sweep_wait *wait);
void sweeper_await_cancel(struct sweep_wait *wait);
/* A whole sweep, begun and ended before it returns. */
void sweeper_sweep(struct sweeper *sweeper);
/* A service's number that nobody had comes into use. */
void sweeper_number_taken(struct sweeper *sweeper, __u32 number);
/* The service is about to be freed. */
void sweeper_forget(struct sweeper *sweeper, const struct live_service *service);

#endif
