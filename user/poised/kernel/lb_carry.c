// SPDX-License-Identifier: BSD-2-Clause
/* Another flow table in place of one that packets use. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/flow_carry.h"
#include "kernel/lb_impl.h"
#include "kernel/lb_room.h"
#include "base/log.h"

struct lb_carry {
	struct lb_carry *next;
	__u32 map_id;
	struct flow_carry carry;
};

static size_t bytes_of(const struct lb_carry *old)
{
	return old->carry.from_count * sizeof(struct flow_set);
}

static void carry_free(struct lb_carry *old)
{
	if (old->carry.from)
		munmap((void *)old->carry.from, bytes_of(old));
	if (old->carry.seen)
		munmap(old->carry.seen, bytes_of(old));
	free(old);
}

static void *map_bytes(size_t bytes, int prot, int flags, int fd)
{
	void *mapped = mmap(NULL, bytes, prot, flags, fd, 0);

	return mapped == MAP_FAILED ? NULL : mapped;
}

static int map_info(int fd, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* A table that is not ours nor known already; others are passed over. */
static int carry_add(struct lb *lb, int fd)
{
	struct bpf_map_info info, ours;
	struct lb_carry *old;
	int err = map_info(fd, &info);

	if (!err)
		err = map_info(lb->maps.flows, &ours);
	if (err || info.id == ours.id || lb->flows_unknown)
		return err;
	for (old = lb->carries; old; old = old->next) {
		if (old->map_id == info.id)
			return 0;
	}
	old = calloc(1, sizeof(*old));
	if (!old)
		return -ENOMEM;
	old->map_id = info.id;
	old->carry.from_count = info.max_entries;
	old->carry.to = lb->flows;
	old->carry.to_count = lb->flow_sets;
	old->carry.from = map_bytes(bytes_of(old), PROT_READ, MAP_SHARED, fd);
	err = old->carry.from ? 0 : -errno;
	/* Takes memory only where there are entries. */
	if (!err)
		old->carry.seen = map_bytes(bytes_of(old), PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (!err && !old->carry.seen)
		err = -errno;
	if (err) {
		carry_free(old);
		return err;
	}
	old->next = lb->carries;
	lb->carries = old;
	return 0;
}

static void flows_clear(struct lb *lb)
{
	for (__u32 i = 0; i < lb->flow_sets; i++) {
		for (int j = 0; j < FLOWS_PER_SET; j++)
			__atomic_store_n(&lb->flows[i].entries[j], 0, __ATOMIC_RELAXED);
	}
}

int lb_carry_found(struct lb *lb, const struct maps_found *found)
{
	const struct flow_clock *clock = &found->meta.clock;
	int err = 0;

	lb->flows_unknown = found->maps.flows < 0;
	if (clock->jiffy_ns != lb->clock.jiffy_ns || clock->tick_shift != lb->clock.tick_shift) {
		log_warn("flow table: its entries go by another clock (2^%u x %u ns, now 2^%u x %u "
			 "ns): they are dropped, and those of the NAT table",
			 clock->tick_shift, clock->jiffy_ns, lb->clock.tick_shift,
			 lb->clock.jiffy_ns);
		lb->flows_unknown = true;
		flows_clear(lb);
		lb_nat_clear(lb);
		return 0;
	}
	if (!lb->flows_unknown)
		err = carry_add(lb, found->maps.flows);
	if (!err)
		lb_carry_run(lb, false);
	return err;
}

static bool is_flow_table(int fd)
{
	struct bpf_map_info info;

	return !map_info(fd, &info) && info.type == BPF_MAP_TYPE_ARRAY &&
	       info.value_size == sizeof(struct flow_set) && info.map_flags & BPF_F_MMAPABLE &&
	       maps_flow_sets_valid(info.max_entries) && !strcmp(info.name, "flows");
}

int lb_carry_of_program(struct lb *lb, const __u32 *map_ids, __u32 count)
{
	int err = 0;

	for (__u32 i = 0; i < count && !err; i++) {
		int fd = bpf_map_get_fd_by_id(map_ids[i]);

		if (fd < 0)
			return -errno;
		if (is_flow_table(fd))
			err = carry_add(lb, fd);
		close(fd);
	}
	return err;
}

void lb_carry_run(struct lb *lb, bool switched)
{
	for (struct lb_carry *old = lb->carries; old; old = old->next) {
		old->carry.switched = switched;
		flow_carry_run(&old->carry, lb_clock_tick(&lb->clock));
	}
}

void lb_carry_end(struct lb *lb)
{
	for (const struct lb_carry *old = lb->carries; old; old = old->next) {
		unsigned long long lost = old->carry.lost, flows = old->carry.flows;
		char now[16], before[16];

		log_info("flow table: %s entries instead of %s; %llu flows carried over",
			 lb_flows_text(lb->flow_sets * FLOWS_PER_SET, now),
			 lb_flows_text(old->carry.from_count * FLOWS_PER_SET, before),
			 flows > lost ? flows - lost : 0);
		if (lost)
			log_warn("flow table: %llu flows lost, for which the smaller one has no "
				 "room",
				 lost);
	}
	lb_carry_free(lb);
}

void lb_carry_free(struct lb *lb)
{
	while (lb->carries) {
		struct lb_carry *old = lb->carries;

		lb->carries = old->next;
		carry_free(old);
	}
}
