/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock that lets one `poise run` start at a time: two would both find a port free. */
#ifndef POISE_RUN_LOCK_H
#define POISE_RUN_LOCK_H

/* Waits for others, after saying so. EXIT_DONE with *out, a descriptor, or EXIT_REFUSED after
 * saying why not. */
int run_lock_take(int *out);
void run_lock_release(int *fd); /* leaves nothing there; -1, that it is then, is fine */

#endif
