/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of `poise backend` that say what is wanted of one, and what they share with others. */
#ifndef POISE_BACKEND_H
#define POISE_BACKEND_H

#include "addr.h"
#include "poise.h"

/* The backend that the second word names, in the one spelling that poised knows it by. EXIT_DONE or
 * EXIT_USAGE (said). */
int backend_spelling(const struct command *cmd, char id[ENDPOINT_TEXT_SIZE]);
/* "/v1/services/NAME/backends/ID" of the first two words; the same, and EXIT_REFUSED. */
int backend_path(const struct command *cmd, char *buf, size_t size);

/* --- drain.c --- */
extern const struct option_row drain_options[];
int drain_run(struct command *cmd);
int ready_run(struct command *cmd);
int maint_run(struct command *cmd);

#endif
