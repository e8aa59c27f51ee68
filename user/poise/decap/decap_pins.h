/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an attached poise_decap is pinned: a directory per interface, named after the network
 * namespace's inode number and the interface's index, which keeps namespaces apart that share one
 * BPF file system. There is no daemon: the pins are all there is.
 */
#ifndef POISE_DECAP_PINS_H
#define POISE_DECAP_PINS_H

#include <limits.h>
#include <linux/types.h>

struct decap_pins {
	char dir[PATH_MAX];
	int link, vips, drops, locals, nets; /* file descriptors; -1: not there */
};

#define DECAP_PINS_NONE                                                                            \
	{                                                                                          \
		.link = -1, .vips = -1, .drops = -1, .locals = -1, .nets = -1                      \
	}

/* Keeps other calls of the command away from the instance's directory until the descriptor that it
 * returns is closed. -errno. */
int decap_pins_lock(const char *instance_dir);

/* Opens what is pinned for an interface of this network namespace. 0, also when nothing is, or
 * -errno. */
int decap_pins_open(const char *instance_dir, __u32 ifindex, struct decap_pins *out);
void decap_pins_close(struct decap_pins *pins); /* an empty one is fine */

/* Pins whatever is open in place of what has been pinned. 0 or -errno. */
int decap_pins_put(const struct decap_pins *pins);
/* Takes the program off the interface and removes the pins. 0 or -errno. */
int decap_pins_remove(struct decap_pins *pins);

/* Calls visit for each attachment in this network namespace until it returns other than 0, and
 * returns that; -errno. -ENOENT: there is no directory of the instance. */
int decap_pins_each(const char *instance_dir, int (*visit)(struct decap_pins *pins, void *arg),
		    void *arg);

/* Removes what is left of interfaces that are gone, in whichever namespace. Needs the lock. */
void decap_pins_sweep(const char *instance_dir);

#endif
