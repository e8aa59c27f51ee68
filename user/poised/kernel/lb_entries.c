// SPDX-License-Identifier: BSD-2-Clause
/* Entries of the maps, one by one. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/lb_impl.h"
#include "maps/service_table.h"

#define SERVICES_BYTES (SERVICE_BUCKETS * sizeof(struct service_bucket))
#define OWNER_WORD     (offsetof(struct target, owner) / sizeof(__u64))

static size_t targets_bytes(const struct lb *lb)
{
	return lb->max_targets * sizeof(struct target);
}

static size_t flows_bytes(const struct lb *lb)
{
	return lb->flow_sets * sizeof(struct flow_set);
}

static size_t loads_bytes(const struct lb *lb)
{
	return lb->max_targets * sizeof(struct load);
}

/* NULL with *err: not possible. */
static void *map_memory(int fd, size_t bytes, int *err)
{
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped != MAP_FAILED)
		return mapped;
	*err = -errno;
	return NULL;
}

int lb_map_memory(struct lb *lb)
{
	int err = 0;

	lb->services = map_memory(lb->maps.services, SERVICES_BYTES, &err);
	lb->targets = map_memory(lb->maps.targets, targets_bytes(lb), &err);
	lb->flows = map_memory(lb->maps.flows, flows_bytes(lb), &err);
	lb->loads = map_memory(lb->maps.loads, loads_bytes(lb), &err);
	lb->switches = map_memory(lb->maps.switches, sizeof(*lb->switches), &err);
	return err ? err : lb_nat_map(lb);
}

void lb_unmap_memory(struct lb *lb)
{
	if (lb->services)
		munmap(lb->services, SERVICES_BYTES);
	if (lb->targets)
		munmap(lb->targets, targets_bytes(lb));
	if (lb->flows)
		munmap(lb->flows, flows_bytes(lb));
	if (lb->loads)
		munmap(lb->loads, loads_bytes(lb));
	if (lb->switches)
		munmap(lb->switches, sizeof(*lb->switches));
	lb_nat_unmap(lb);
}

struct flow_set *lb_flows(const struct lb *lb, __u32 *count)
{
	*count = lb->flow_sets;
	return lb->flows;
}

struct load *lb_loads(const struct lb *lb)
{
	return lb->loads;
}

int lb_service_set(struct lb *lb, const struct service_key *key, const struct service *value)
{
	struct service before;
	int fresh = service_table_get(lb->services, key, &before);
	int err = service_table_set(lb->services, key, value);

	if (!err && fresh)
		lb_guard_service(lb, key, true);
	return err;
}

int lb_service_get(const struct lb *lb, const struct service_key *key, struct service *out)
{
	return service_table_get(lb->services, key, out);
}

int lb_service_del(struct lb *lb, const struct service_key *key)
{
	int err = service_table_del(lb->services, key);

	if (!err)
		lb_guard_service(lb, key, false);
	return err == -ENOENT ? 0 : err;
}

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct service_key));
}

int lb_services_prune(struct lb *lb, const struct service_key *keep, size_t count)
{
	struct service_key *sorted = malloc(count * sizeof(*sorted) + 1);

	if (!sorted)
		return -ENOMEM;
	if (count) {
		memcpy(sorted, keep, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(*sorted), key_compare);
	}
	for (size_t i = 0; i < SERVICE_BUCKETS * SERVICE_SLOTS; i++) {
		const struct service_slot *slot =
			&lb->services[i / SERVICE_SLOTS].slots[i % SERVICE_SLOTS];

		if (!count || !bsearch(&slot->key, sorted, count, sizeof(*sorted), key_compare))
			lb_service_del(lb, &slot->key);
	}
	free(sorted);
	return 0;
}

int lb_service_name_set(struct lb *lb, __u32 number, const struct service_name *value)
{
	return bpf_map_update_elem(lb->maps.service_names, &number, value, BPF_ANY);
}

static void word_set(__u64 *word, __u64 want)
{
	/* Release: other CPUs see the stores in the order in which they are made. */
	if (*word != want)
		__atomic_store_n(word, want, __ATOMIC_RELEASE);
}

/*
 * Flow entries lead packets to a target as soon as its owner's word says that it serves, and until
 * it says no more. So that word comes after all others, which are then the new ones, but goes
 * before them when the target is cleared.
 */
int lb_target_set(struct lb *lb, __u32 number, const struct target *value)
{
	__u64 want[sizeof(*value) / sizeof(__u64)], *words;

	if (number >= lb->max_targets)
		return -ENOENT;
	words = (__u64 *)&lb->targets[number];
	memcpy(want, value, sizeof(want));
	if (value->mode == MODE_NONE)
		word_set(&words[OWNER_WORD], want[OWNER_WORD]);
	for (size_t i = 0; i < OWNER_WORD; i++)
		word_set(&words[i], want[i]);
	word_set(&words[OWNER_WORD], want[OWNER_WORD]);
	return 0;
}

_Static_assert(OWNER_WORD == sizeof(struct target) / sizeof(__u64) - 1, "the owner is last");

int lb_target_get(const struct lb *lb, __u32 number, struct target *out)
{
	if (number >= lb->max_targets)
		return -ENOENT;
	*out = lb->targets[number];
	return 0;
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
		if (fds[i] == lb->maps.nat_table)
			each[i] += lb->nat_bytes;
		total += each[i];
	}
	return total;
}
