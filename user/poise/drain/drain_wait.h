/* SPDX-License-Identifier: BSD-2-Clause */
/* Waits until a backend that drains is empty. */
#ifndef POISE_DRAIN_WAIT_H
#define POISE_DRAIN_WAIT_H

#include "base/addr.h"
#include "cli/command.h"

/* In milliseconds; DRAIN_FOREVER where there is no such limit. */
struct drain_limits {
	__u64 timeout_ms; /* then waiting ends */
	__u64 silent_ms;  /* connections that are silent for longer are not waited for */
};

/*
 * cmd: its first word names the service; id: the backend that was just told to drain. Prints how
 * many connections are left, and how it ended. Returns an enum poise_exit.
 */
int drain_wait(const struct command *cmd, const struct drain_limits *limits,
	       const char id[ENDPOINT_TEXT_SIZE]);

#endif
