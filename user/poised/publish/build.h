/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns the rows of several services, one thread each. */
#ifndef POISE_BUILD_H
#define POISE_BUILD_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

#include "rows/maglev.h"

struct build_job {
	struct maglev_backend *backends; /* the usable ones */
	size_t count;
	__u32 row_count;
	bool sequence; /* laid out for round robin, else by Maglev hashing */
	__u16 *rows;   /* filled: the owners */
	int err;       /* of laying them out, or -errno before it */
	pthread_t thread;
	bool started;
};

/* Runs the jobs, the first in the calling thread, and waits for all. */
void build_run(struct build_job *jobs, size_t count);

#endif
