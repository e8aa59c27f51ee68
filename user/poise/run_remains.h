/* SPDX-License-Identifier: BSD-2-Clause */
/* What a poised of `poise run` leaves when it is killed, and its taking away. */
#ifndef POISE_RUN_REMAINS_H
#define POISE_RUN_REMAINS_H

#define RUN_PREFIX "run-" /* of names of instances: then its process number */

void run_remains_remove(const char *instance); /* nothing there is fine */
void run_remains_sweep(void);                  /* of all instances that nobody runs any more */

#endif
