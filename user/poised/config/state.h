/* SPDX-License-Identifier: BSD-2-Clause */
/* A restart needs this beside the maps: state.json in the instance's state directory. */
#ifndef POISE_STATE_H
#define POISE_STATE_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

struct state {
	json_t *file;    /* the configuration file's tree as last read */
	json_t *running; /* the tree that runs: the file's with the changes made since */
	json_t *health;  /* of each backend, see reconcile_health_encode() */
	__u64 seed[2];   /* of the flow hash */
};

/* 0, -ENOENT, -EPROTO (not a state file of this version) or -errno. */
int state_load(const char *path, struct state *out);

/* Replaces the file as a whole; durable: waits until it is on the disk. 0 or -errno. */
int state_save(const char *path, const struct state *state, bool durable);

void state_free(struct state *state); /* drops the trees; an empty one is fine */

#endif
