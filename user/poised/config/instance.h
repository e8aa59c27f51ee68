/* SPDX-License-Identifier: BSD-2-Clause */
/* An instance's directories, and that only one poised runs it. */
#ifndef POISE_INSTANCE_H
#define POISE_INSTANCE_H

#include <stdbool.h>

struct instance {
	char name[64];
	char socket[108]; /* sun_path */
	char pid_file[128];
	char mark_file[128];  /* there: the instance is transient */
	char state_file[128]; /* empty: no state is kept */
	bool transient;       /* no state directory, and nothing is left by instance_close */
	int lock;
};

/*
 * Makes the run and the state directory, takes the lock, and marks a transient instance as one;
 * says why it cannot. 0 or -errno; -EBUSY: another process holds it.
 */
int instance_open(const char *name, bool transient, struct instance *out);
void instance_close(struct instance *instance);

#endif
