/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends of a service serve now, and with what weight. Pure. */
#ifndef POISE_EFFECTIVE_H
#define POISE_EFFECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "poise/abi.h"

#define SLOW_START_STEPS 10
/* Backends that come up within so long of the first one start together, none of them slowly. */
#define TOGETHER_MS 3000

struct effective_backend {
	__u64 ramp_ms; /* since when it starts slowly, wall clock; 0: not. In and out */
	/* Until when it serves the flows that panic gave it, wall clock; 0: not. In and out */
	__u64 spared_ms;
	enum poise_admin admin;
	enum poise_health health;
	__u16 weight;
	bool sorry;
	bool leaving;
	bool reachable;
	bool barred;     /* may not begin to serve yet */
	bool was_usable; /* had a weight when last asked */
	bool by_panic;   /* it served when last asked although it was down. In and out */
	/* out */
	bool serves;      /* its flows are not lost */
	__u32 weight_now; /* relative to the others'; 0: no new flows */
};

/* These hold for the service as a whole. */
struct effective_service {
	__u8 panic_percent;  /* 0: never */
	__u32 slow_start_ms; /* 0: none */
	__u32 recovery_ms;   /* how long checks may take to find that a backend is up */
	__u64 together_ms;   /* until when backends start together, wall clock. In and out */
	/* out */
	bool panic;         /* too few are up: all count as up */
	size_t up, counted; /* what panic is told by */
	__u64 next_step_ms; /* when a weight changes by itself, wall clock; 0: never */
};

void effective_evaluate(struct effective_service *service, struct effective_backend *backends,
			size_t count, __u64 now_ms);

#endif
