/* SPDX-License-Identifier: BSD-2-Clause */
/* The poised that `poise run` starts: it ends with us, however we end. */
#ifndef POISE_RUN_CHILD_H
#define POISE_RUN_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "run/run_out.h"

struct run_child {
	pid_t pid;                   /* 0: none, or ended */
	int log_fd;                  /* what it says; -1: at its end */
	char *log;                   /* the last of it, in whole lines */
	size_t log_length, log_lost; /* bytes; lines before it that are lost */
	struct run_out *to; /* where it is passed on to, while there is room; may be NULL */
	int status;         /* as wait(2) gives it, once it has ended */
	bool stopped;       /* it has ended since we had it end */
};

/*
 * Starts `poised --transient` with that configuration as the instance; `to` may be NULL. Signals
 * that are blocked here are not there. EXIT_DONE, or EXIT_REFUSED after saying why not.
 */
int run_child_start(const char *instance, const json_t *config, struct run_out *to,
		    struct run_child *out);

/* Reads what poised says and passes it on, without blocking. */
void run_child_read(struct run_child *child);
/* Has it ended by now, on its own? Sets pid and status. */
bool run_child_ended(struct run_child *child);
/* Ends it and waits for it; after some seconds it is killed. It is fine if it has ended. */
void run_child_stop(struct run_child *child);
void run_child_log_print(const struct run_child *child); /* what is kept, to standard error */
void run_child_free(struct run_child *child);            /* one that was not started is fine */

#endif
