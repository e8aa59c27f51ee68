// SPDX-License-Identifier: BSD-2-Clause
/* Keeps what the packet path compares frames with before it believes them (poise/guard.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "base/log.h"

#define SUSPECTS_MAX 255 /* a count that got there stays there */

static __u8 *suspects_of(const struct lb_guard *guard, const struct addr *addr)
{
	__be32 words[4];
	__u64 hash;

	memcpy(words, addr->b, sizeof(words));
	hash = addr_is_v4(addr) ? flow_hash_source4(&guard->key, words[3])
				: flow_hash_source6(&guard->key, words);
	return &guard->memory->suspects[guard_suspect(hash)];
}

static void suspect_add(const struct lb_guard *guard, const struct addr *addr)
{
	__u8 *count = suspects_of(guard, addr);

	if (*count < SUSPECTS_MAX)
		(*count)++;
}

static void suspect_remove(const struct lb_guard *guard, const struct addr *addr)
{
	__u8 *count = suspects_of(guard, addr);

	if (*count < SUSPECTS_MAX)
		(*count)--;
}

bool lb_guard_is_address(const struct service_key *key)
{
	return !key->port && !key->proto && key->kind == KEY_SERVICE;
}

void lb_guard_service(struct lb *lb, const struct service_key *key, bool there)
{
	struct addr addr;

	if (!lb_guard_is_address(key))
		return;
	memcpy(addr.b, key->addr, sizeof(addr.b));
	if (there)
		suspect_add(&lb->guard, &addr);
	else
		suspect_remove(&lb->guard, &addr);
}

/* Addresses that an earlier poised has published. */
static void services_add(struct lb *lb)
{
	for (size_t i = 0; i < SERVICE_BUCKETS * SERVICE_SLOTS; i++) {
		const struct service_slot *slot =
			&lb->services[i / SERVICE_SLOTS].slots[i % SERVICE_SLOTS];
		__u64 word;

		memcpy(&word, &slot->service, sizeof(word));
		if (word)
			lb_guard_service(lb, &slot->key, true);
	}
}

static int own_add(struct lb_guard *guard, const struct addr *addr)
{
	const __u8 there = 1;

	suspect_add(guard, addr);
	return bpf_map_update_elem(guard->own_fd, addr->b, &there, BPF_ANY);
}

static void own_remove(struct lb_guard *guard, const struct addr *addr)
{
	bpf_map_delete_elem(guard->own_fd, addr->b);
	suspect_remove(guard, addr);
}

int lb_own_set(struct lb *lb, const struct addr *addrs, size_t count)
{
	struct lb_guard *guard = &lb->guard;
	struct addr *copy = calloc(count + 1, sizeof(*copy));
	const struct addr *old = guard->own, *new = addrs;
	const struct addr *old_end = old + guard->own_count, *new_end = addrs + count;
	int err = 0, failed;

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, addrs, count * sizeof(*copy));
	/* Both lists are sorted: they are walked side by side. */
	while (old < old_end || new < new_end) {
		int order = old == old_end   ? 1
			    : new == new_end ? -1
					     : memcmp(old, new, sizeof(*old));

		if (order < 0)
			own_remove(guard, old);
		failed = order > 0 ? own_add(guard, new) : 0;
		if (failed)
			err = failed;
		old += order <= 0;
		new += order >= 0;
	}
	free(guard->own);
	guard->own = copy;
	guard->own_count = count;
	return err;
}

int lb_guard_open(struct lb *lb)
{
	struct lb_guard *guard = &lb->guard;
	struct own own = { 0 };
	void *memory;
	int err;

	flow_hash_key_expand(lb->seed, &guard->key);
	memory = mmap(NULL, sizeof(*guard->memory), PROT_READ | PROT_WRITE, MAP_SHARED,
		      guard->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	guard->memory = memory;
	services_add(lb);
	err = own_read(&own);
	if (!err)
		err = lb_own_set(lb, own.addrs, own.addr_count);
	own_free(&own);
	return err;
}

void lb_guard_close(struct lb *lb)
{
	struct lb_guard *guard = &lb->guard;

	if (guard->memory)
		munmap(guard->memory, sizeof(*guard->memory));
	if (guard->memory_fd >= 0)
		close(guard->memory_fd);
	if (guard->own_fd >= 0)
		close(guard->own_fd);
	free(guard->own);
	*guard = (struct lb_guard){ .memory_fd = -1, .own_fd = -1 };
}
