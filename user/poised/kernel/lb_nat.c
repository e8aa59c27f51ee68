// SPDX-License-Identifier: BSD-2-Clause
/* NAT has two of the maps: its table, an inner map in memory, and its sources. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "kernel/lb_room.h"
#include "base/log.h"

static __u32 flows_of(__u32 sets)
{
	return sets / 2 * NAT_PER_SET;
}

static size_t table_bytes(const struct lb *lb)
{
	return lb->nat_sets * sizeof(struct nat_set);
}

bool lb_nat_valid(const struct lb_options *options)
{
	return (!options->nat_flows || (options->nat_flows % NAT_PER_SET == 0 &&
					maps_nat_sets_valid(maps_nat_sets(options->nat_flows)))) &&
	       options->nat_port_first <= options->nat_port_last &&
	       !options->nat_port_first == !options->nat_port_last;
}

static void ports_choose(struct lb *lb, const struct lb_options *options)
{
	static const __u16 by_default[] = { POISE_DEFAULT_NAT_PORTS };
	bool given = options->nat_port_first;
	__u16 last = given ? options->nat_port_last : by_default[1];

	lb->nat_port_first = given ? options->nat_port_first : by_default[0];
	lb->nat_port_count = last - lb->nat_port_first + 1U;
}

int lb_nat_choose(struct lb *lb, const struct lb_options *options, const struct maps_found *found,
		  struct maps *keep, __u64 room_bytes)
{
	__u32 flows = options->nat_flows ? options->nat_flows : POISE_DEFAULT_NAT_FLOWS;
	char want[16], have[16];
	int fd = -ENOENT;

	ports_choose(lb, options);
	lb->nat_want_sets = maps_nat_sets(flows);
	if (keep->nat_table >= 0) {
		fd = nat_map_open(keep, &lb->nat_sets);
		if (fd < 0 && fd != -ENOENT)
			return fd;
	}
	if (fd >= 0) {
		close(fd);
		if (lb->nat_sets != lb->nat_want_sets)
			log_warn("nat_flows: the NAT table was made for %s flows and stays, as "
				 "they are in it: %s takes effect when poised is started after "
				 "`poise detach --all`",
				 lb_flows_text(flows_of(lb->nat_sets), have),
				 lb_flows_text(flows, want));
		return 0;
	}
	lb->nat_sets = lb->nat_want_sets;
	if (keep->nat_table >= 0 && found->meta.nat_sets == lb->nat_sets)
		return 0;
	/* A table as large is made and thrown away for the kernel to see. Who has no service by NAT
	 * is not to need memory for it: lb_nat_make() is the one to complain. */
	lb->nat_sets = maps_nat_sets(lb_room_largest(&lb_room_nat, flows, room_bytes));
	if (!lb->adopted || found->meta.nat_sets != lb->nat_sets)
		keep->nat_table = -1;
	return 0;
}

static int table_map(struct lb *lb, int fd)
{
	void *table = mmap(NULL, table_bytes(lb), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (table == MAP_FAILED)
		return -errno;
	lb->nat = table;
	lb->nat_bytes = map_memory_bytes(fd);
	return 0;
}

int lb_nat_map(struct lb *lb)
{
	int fd = nat_map_open(&lb->maps, &lb->nat_sets), err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = table_map(lb, fd);
	close(fd);
	return err;
}

void lb_nat_unmap(struct lb *lb)
{
	if (lb->nat)
		munmap(lb->nat, table_bytes(lb));
}

void lb_nat_clear(struct lb *lb)
{
	for (__u32 i = 0; lb->nat && i < lb->nat_sets; i++) {
		for (int j = 0; j < NAT_PER_SET; j++)
			__atomic_store_n(&lb->nat[i].words[j], 0, __ATOMIC_RELAXED);
	}
}

/* The kernel takes a table of no other size than it was shown when poised started. */
static int size_check(const struct lb *lb, struct lb_error *error)
{
	__u32 flows = flows_of(lb->nat_want_sets);
	int err = lb_room_check(&lb_room_nat, flows, lb_room_bytes(""), error);
	char want[16];

	if (err || lb->nat_sets == lb->nat_want_sets)
		return err;
	lb_error_set(error,
		     "nat_flows: when poised started there was no memory for %s flows, now there "
		     "is: start it again",
		     lb_flows_text(flows, want));
	return -ENOMEM;
}

int lb_nat_create(const struct lb *lb, struct lb_error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nat_sets", sizeof(__u32),
				sizeof(struct nat_set), lb->nat_sets, &opts);

	if (fd == -ENOMEM)
		lb_room_refused(&lb_room_nat, flows_of(lb->nat_sets), lb_room_bytes(""), error);
	else if (fd < 0)
		lb_error_set(error, "making a NAT table: %s", strerror(-fd));
	return fd;
}

int lb_nat_make(struct lb *lb, struct lb_error *error)
{
	const __u32 zero = 0;
	int err, fd;

	if (lb->nat)
		return 0;
	err = size_check(lb, error);
	if (err)
		return err;
	fd = lb_nat_create(lb, error);
	if (fd < 0)
		return fd;
	err = table_map(lb, fd);
	if (!err)
		err = bpf_map_update_elem(lb->maps.nat_table, &zero, &fd, BPF_ANY);
	if (err) {
		lb_nat_unmap(lb);
		lb->nat = NULL;
		lb->nat_bytes = 0;
		lb_error_set(error, "the NAT table: %s", strerror(-err));
	}
	close(fd);
	return err;
}

struct nat_set *lb_nat_table(const struct lb *lb, __u32 *count)
{
	*count = lb->nat ? lb->nat_sets : 0;
	return lb->nat;
}

int lb_nat_source_get(const struct lb *lb, __u32 index, struct nat_source *out)
{
	return bpf_map_lookup_elem(lb->maps.nat_sources, &index, out);
}

int lb_nat_source_set(struct lb *lb, __u32 index, const struct nat_source *value)
{
	return bpf_map_update_elem(lb->maps.nat_sources, &index, value, BPF_ANY);
}

void lb_switches_set(struct lb *lb, const struct switches *value)
{
	__atomic_store_n(&lb->switches->nat_keep, value->nat_keep, __ATOMIC_RELEASE);
	__atomic_store_n(&lb->switches->local, value->local, __ATOMIC_RELEASE);
	lb_accept_local_read(lb);
}

static bool accepts_local(const char *ifname)
{
	char path[64], value = '0';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/accept_local", ifname);
	file = fopen(path, "re");
	if (!file)
		return false;
	value = fgetc(file);
	fclose(file);
	return value == '1';
}

void lb_accept_local_read(struct lb *lb)
{
	bool accepts = lb->slot_count > 0;

	for (size_t i = 0; i < lb->slot_count; i++)
		accepts &= accepts_local(lb->slots[i].ifname);
	accepts |= accepts_local("all");
	__atomic_store_n(&lb->switches->accept_local, accepts, __ATOMIC_RELEASE);
}
