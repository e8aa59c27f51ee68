/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes away what a poised of `poise run` leaves when it is killed. */
#ifndef POISE_RUN_REMAINS_H
#define POISE_RUN_REMAINS_H

/*
 * Clears up after one instance whose poised has ended. It is fine if nothing is there; what another
 * poised runs, or pinned to serve without it, stays.
 */
void run_remains_remove(const char *instance);
void run_remains_sweep(void); /* the same for all transient instances that nobody runs any more */

#endif
