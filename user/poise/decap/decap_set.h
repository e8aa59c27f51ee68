/* SPDX-License-Identifier: BSD-2-Clause */
/* A map whose keys are a set: addresses, networks. */
#ifndef POISE_DECAP_SET_H
#define POISE_DECAP_SET_H

#include <linux/types.h>
#include <stddef.h>

struct decap_set {
	int fd;
	size_t key_size, max; /* the map's keys in bytes, its entries */
};

/* Reads all keys, in the map's order, into an array that the caller frees. Their number, or
 * -errno. */
int decap_set_read(const struct decap_set *set, void **keys);
/* Adds keys with one value, as bpf_map_update_elem() takes it. With BPF_NOEXIST those that are
 * there keep theirs. 0 or -errno. */
int decap_set_add(const struct decap_set *set, const void *keys, size_t count, __u64 flags,
		  const void *value);
/* Deletes all keys but these. 0 or -errno. */
int decap_set_keep(const struct decap_set *set, const void *keys, size_t count);

#endif
