/* SPDX-License-Identifier: BSD-2-Clause */
/* The poised that `poise run` runs: it ends with us, however we end. */
#ifndef POISE_RUN_CHILD_H
#define POISE_RUN_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_child {
	pid_t pid;  /* 0: none, or ended */
	int log_fd; /* what it says; -1: at its end */
	char *log;  /* the last of it, in whole lines */
	size_t log_length;
	bool verbose; /* it is passed on, not kept */
	int status;   /* as wait(2) gives it, once it has ended */
};

/*
 * Starts `poised --transient` with that configuration as the instance. Signals that are blocked
 * here are not there. EXIT_DONE, or EXIT_REFUSED after saying why not.
 */
int run_child_start(const char *instance, const json_t *config, bool verbose,
		    struct run_child *out);

void run_child_read(struct run_child *child); /* what it says; does not block */
/* Whether it has ended by now, on its own; sets pid and status. */
bool run_child_ended(struct run_child *child);
void run_child_log_print(const struct run_child *child); /* to standard error */
/* Has it end, waits for it, frees. One that ended, or was not started, is fine. */
void run_child_stop(struct run_child *child);

#endif
