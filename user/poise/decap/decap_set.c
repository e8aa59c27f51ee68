// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "decap/decap_set.h"

static bool contains(const struct decap_set *set, const char *keys, size_t count, const void *key)
{
	for (size_t i = 0; i < count; i++) {
		if (!memcmp(keys + i * set->key_size, key, set->key_size))
			return true;
	}
	return false;
}

int decap_set_read(const struct decap_set *set, void **keys)
{
	char *found = calloc(set->max + 1, set->key_size), *last = NULL;
	size_t count = 0;

	if (!found)
		return -ENOMEM;
	while (count < set->max &&
	       !bpf_map_get_next_key(set->fd, last, found + count * set->key_size)) {
		last = found + count * set->key_size;
		count++;
	}
	if (count < set->max && errno != ENOENT) {
		int err = -errno;

		free(found);
		return err;
	}
	*keys = found;
	return count;
}

int decap_set_add(const struct decap_set *set, const void *keys, size_t count, __u64 flags,
		  const void *value)
{
	const char *key = keys;

	for (; count; count--, key += set->key_size) {
		if (bpf_map_update_elem(set->fd, key, value, flags) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int decap_set_keep(const struct decap_set *set, const void *keys, size_t count)
{
	void *found = NULL;
	int there = decap_set_read(set, &found), err = there < 0 ? there : 0;

	for (int i = 0; found && i < there && !err; i++) {
		const char *key = (const char *)found + i * set->key_size;

		if (contains(set, keys, count, key))
			continue;
		if (bpf_map_delete_elem(set->fd, key) && errno != ENOENT)
			err = -errno;
	}
	free(found);
	return err;
}
