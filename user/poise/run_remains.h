/* SPDX-License-Identifier: BSD-2-Clause */
/* What a poised of `poise run` leaves when it is killed, and its taking away. */
#ifndef POISE_RUN_REMAINS_H
#define POISE_RUN_REMAINS_H

/*
 * Of one instance whose poised has ended. Nothing there is fine; what another poised runs, or
 * pinned to serve without it, stays.
 */
void run_remains_remove(const char *instance);
void run_remains_sweep(void); /* of all transient instances that nobody runs any more */

#endif
