/* SPDX-License-Identifier: BSD-2-Clause */
/* Text to a descriptor that may be stalled, as a pipe that nobody reads or a terminal after Ctrl-S:
 * nothing here waits for it. */
#ifndef POISE_RUN_OUT_H
#define POISE_RUN_OUT_H

#include <stdbool.h>
#include <stdio.h>

struct run_out {
	FILE *file; /* to print to; flushed, it goes out as far as the descriptor takes it */
	int fd;     /* to be polled for room */
	int error;  /* errno; it takes nothing any more */
	bool own;   /* the descriptor */
	char *rest; /* what it did not take yet, */
	size_t length;
};

/* Out stays where it is until it is closed. 0 or -ENOMEM. */
int run_out_open(int fd, struct run_out *out);
bool run_out_ready(struct run_out *out); /* tries the rest; whether there is none any more */
void run_out_close(struct run_out *out); /* and forgets the rest; one that is not open is fine */

#endif
