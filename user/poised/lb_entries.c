// SPDX-License-Identifier: BSD-2-Clause
/* Entries of the maps, one by one. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb_impl.h"

int lb_service_set(struct lb *lb, const struct service_key *key, const struct service *value)
{
	return bpf_map_update_elem(lb->maps.services, key, value, BPF_ANY);
}

int lb_service_del(struct lb *lb, const struct service_key *key)
{
	int err = bpf_map_delete_elem(lb->maps.services, key);

	return err == -ENOENT ? 0 : err;
}

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct service_key));
}

/* All keys, listed before any is deleted: deleting the current key would start the walk anew. */
static int list_keys(const struct lb *lb, struct service_key **out, size_t *count)
{
	const size_t max = 2 * POISE_MAX_SERVICES;
	struct service_key *keys = malloc(max * sizeof(*keys));
	size_t n = 0;
	int err = 0;

	if (!keys)
		return -ENOMEM;
	while (n < max) {
		err = bpf_map_get_next_key(lb->maps.services, n ? &keys[n - 1] : NULL, &keys[n]);
		if (err)
			break;
		n++;
	}
	if (err && err != -ENOENT) {
		free(keys);
		return err;
	}
	*out = keys;
	*count = n;
	return 0;
}

int lb_services_prune(struct lb *lb, const struct service_key *keep, size_t count)
{
	struct service_key *sorted = malloc(count * sizeof(*sorted) + 1), *keys = NULL;
	size_t key_count = 0;
	int err = sorted ? list_keys(lb, &keys, &key_count) : -ENOMEM;

	if (!err && count) {
		memcpy(sorted, keep, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(*sorted), key_compare);
	}
	for (size_t i = 0; i < key_count && !err; i++) {
		if (!count || !bsearch(&keys[i], sorted, count, sizeof(*sorted), key_compare))
			err = lb_service_del(lb, &keys[i]);
	}
	free(keys);
	free(sorted);
	return err;
}

int lb_service_name_set(struct lb *lb, __u32 number, const struct service_name *value)
{
	return bpf_map_update_elem(lb->maps.service_names, &number, value, BPF_ANY);
}

int lb_target_set(struct lb *lb, __u32 number, const struct target *value)
{
	struct target now;
	int err = bpf_map_lookup_elem(lb->maps.targets, &number, &now);

	if (err || !memcmp(&now, value, sizeof(now)))
		return err;
	return bpf_map_update_elem(lb->maps.targets, &number, value, BPF_ANY);
}

int lb_target_name_set(struct lb *lb, __u32 number, const struct target_name *value)
{
	return bpf_map_update_elem(lb->maps.target_names, &number, value, BPF_ANY);
}

int lb_counter_zero(struct lb *lb, __u32 number)
{
	void *zero = calloc(lb->cpus, sizeof(struct counter));
	int err = zero ? bpf_map_update_elem(lb->maps.counters, &number, zero, BPF_ANY) : -ENOMEM;

	free(zero);
	return err;
}

static int copy_map(int from, int to, size_t value_size, __u32 count)
{
	void *value = malloc(value_size);
	int err = value ? 0 : -ENOMEM;

	for (__u32 i = 0; i < count && !err; i++) {
		err = bpf_map_lookup_elem(from, &i, value);
		if (!err)
			err = bpf_map_update_elem(to, &i, value, BPF_ANY);
	}
	free(value);
	return err;
}

int lb_copy_targets(const struct lb *lb, const struct maps *from, __u32 count)
{
	int err = copy_map(from->targets, lb->maps.targets, sizeof(struct target), count);

	if (!err)
		err = copy_map(from->target_names, lb->maps.target_names,
			       sizeof(struct target_name), count);
	/* Last, so that least is counted in the old map after it was read. */
	if (!err)
		err = copy_map(from->counters, lb->maps.counters, lb->cpus * sizeof(struct counter),
			       count);
	return err;
}

__u64 lb_memory_bytes(const struct lb *lb, __u64 each[MAPS_COUNT])
{
	const int *fds = (const int *)&lb->maps;
	__u64 total = 0;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		each[i] = map_memory_bytes(fds[i]);
		if (fds[i] == lb->maps.rows) {
			for (size_t number = 0; number < POISE_MAX_SERVICES; number++)
				each[i] += lb->row_bytes[number];
		}
		total += each[i];
	}
	return total;
}
