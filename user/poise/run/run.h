/* SPDX-License-Identifier: BSD-2-Clause */
/* `poise run`: a poised of its own in the foreground, without a file. */
#ifndef POISE_RUN_H
#define POISE_RUN_H

#include "cli/command.h"

#define RUN_LEAST_INTERVAL_MS 100

/* Balances as the words and options say until a signal ends it, and takes everything away again.
 * Returns an enum poise_exit. */
int run_run(struct command *cmd);

#endif
