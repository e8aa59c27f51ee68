// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench_abi.h"
#include "bench/frame.h"
#include "bench/nat.h"
#include "poise/guard.h"
#include "poise/nat.h"
#include "maps/service_table.h"

#include "gen/lb.skel.h" /* needs the types above */

#define TICKS  100 /* no entry expires while it is measured */
#define CLIENT "203.0.113.7"

static const char *const sources[] = { "10.0.0.1", "fd00::1" };

void nat_source_addr(int family, struct addr *addr)
{
	addr_parse(sources[family == 6], addr);
}

static size_t table_bytes(const struct nat *nat)
{
	return nat->set_count * sizeof(struct nat_set);
}

int nat_open(struct lb_bpf *skel, __u32 flows, struct nat *nat)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	__u32 set_count = flows * 2 / NAT_PER_SET;
	void *sets;

	*nat = (struct nat){ .fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_nat", sizeof(__u32),
						  sizeof(struct nat_set), set_count, &opts),
			     .set_count = set_count };
	if (nat->fd < 0)
		return nat->fd;
	sets = mmap(NULL, table_bytes(nat), PROT_READ | PROT_WRITE, MAP_SHARED, nat->fd, 0);
	if (sets == MAP_FAILED)
		return -errno;
	nat->sets = sets;
	skel->rodata->nat_set_mask = set_count - 1;
	/* The program goes by the size of this one. */
	return bpf_map__set_inner_map_fd(skel->maps.nat_table, nat->fd);
}

void nat_close(struct nat *nat)
{
	if (nat->sets)
		munmap(nat->sets, table_bytes(nat));
	if (nat->fd >= 0)
		close(nat->fd);
}

static int make_source(const struct lb_bpf *skel, struct service_bucket *services, int family)
{
	__u32 index = family == 6;
	const struct service value = { .row_count = 1,
				       .number = index,
				       .flags = SERVICE_NAT_SOURCE };
	struct service_key key = { 0 };
	struct nat_source source;
	struct addr addr;
	int err;

	nat_source_addr(family, &addr);
	memcpy(source.addr, addr.b, sizeof(source.addr));
	memcpy(key.addr, addr.b, sizeof(key.addr));
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.nat_sources), &index, &source, BPF_ANY);
	return err ? err : service_table_set(services, &key, &value);
}

int nat_make(const struct lb_bpf *skel, struct service_bucket *services, const struct nat *nat)
{
	__u32 zero = 0;
	int err = bpf_map_update_elem(bpf_map__fd(skel->maps.nat_table), &zero, &nat->fd, BPF_ANY);

	for (int family = 4; family <= 6 && !err; family += 2)
		err = make_source(skel, services, family);
	return err;
}

void nat_target(struct target *target, int family)
{
	target->port = htons(NAT_PORT);
	target->nat = (struct target_nat){ .first_source = family == 6,
					   .source_count = 1,
					   .idle_ticks = TICKS,
					   .replied_ticks = TICKS,
					   .reset_ticks = TICKS };
}

void nat_reply_backend(int family, __u32 host, struct addr *addr)
{
	addr_parse(family == 4 ? "198.51.100.0" : "2001:db8:c::", addr);
	addr->b[15] = host;
}

int nat_reply_targets(const struct lb_bpf *skel, __u32 first)
{
	int err = 0;

	for (__u32 i = 0; i < 2 * NAT_REPLY_TARGETS && !err; i++) {
		int family = i < NAT_REPLY_TARGETS ? 4 : 6;
		struct target target = { .mode = MODE_NAT,
					 .outer_version = family,
					 .closing_ticks = TICKS,
					 .new_ticks = TICKS };
		__u32 number = first + i;
		struct addr addr;

		nat_target(&target, family);
		nat_reply_backend(family, i % NAT_REPLY_TARGETS, &addr);
		memcpy(target.dst, family == 4 ? addr_v4(&addr) : addr.b, family == 4 ? 4 : 16);
		err = bpf_map_update_elem(bpf_map__fd(skel->maps.targets), &number, &target,
					  BPF_ANY);
	}
	return err;
}

void nat_forget(const struct nat *nat)
{
	/* Entries mean nothing without their words. */
	for (__u32 i = 0; i < nat->set_count; i++)
		memset(nat->sets[i].words, 0, sizeof(nat->sets[i].words));
}

static __u64 reply_hash(const struct lb_bpf *skel, int family, const struct addr *backend,
			__be16 port)
{
	const struct flow_hash_key *key = (const void *)&skel->rodata->hash_key;
	__be32 from[4], to[4];
	struct addr source;

	nat_source_addr(family, &source);
	memcpy(from, backend->b, sizeof(from));
	memcpy(to, source.b, sizeof(to));
	if (family == 4)
		return flow_hash4(key, from[3], to[3], htons(NAT_PORT), port, IPPROTO_TCP);
	return flow_hash6(key, from, to, htons(NAT_PORT), port, IPPROTO_TCP);
}

/* The packet path's time, in ticks. */
static __u32 now(const struct lb_bpf *skel)
{
	__u8 frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.poise_jiffies), &opts))
		return 0;
	return opts.retval >> skel->rodata->flow_tick_shift;
}

/*
 * Enters a flow where packets would have put it: in its first set, or, if that is crowded, in the
 * emptier one of its sets.
 */
static void enter(const struct nat *nat, __u64 hash, __u32 expiry, const struct nat_entry *entry)
{
	struct nat_set *sets[2];
	int taken[2] = { 0 }, crowd = 0, into;

	for (int choice = 0; choice < 2; choice++) {
		sets[choice] = &nat->sets[nat_set_index(hash, choice, nat->set_count - 1)];
		for (int i = 0; i < NAT_PER_SET; i++)
			taken[choice] += sets[choice]->words[i] != 0;
	}
	for (int i = 0; i < NAT_UNCROWDED; i++)
		crowd += sets[0]->words[i] != 0;
	into = crowd == NAT_UNCROWDED && taken[1] < taken[0];
	if (taken[into] == NAT_PER_SET)
		return;
	for (int i = 0; i < NAT_PER_SET; i++) {
		if (sets[into]->words[i])
			continue;
		sets[into]->entries[i] = *entry;
		sets[into]->words[i] =
			nat_word(flow_tag(hash), expiry, NAT_REPLY | NAT_REPLIED | NAT_ASSURED);
		return;
	}
}

void nat_enter_replies(const struct lb_bpf *skel, const struct nat *nat, int family, __u32 flows,
		       __u32 first_target, __u16 service)
{
	struct nat_entry entry = { .client_port = htons(40000),
				   .service = service,
				   .source = family == 6,
				   .other = ~0U,
				   .ifindex = 1,
				   .hop = { 2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 1, 2 } };
	__u32 expiry = now(skel) + TICKS;
	struct addr client, backend;

	addr_parse(family == 4 ? CLIENT : "2001:db8:c::7", &client);
	memcpy(entry.client, client.b, sizeof(entry.client));
	for (__u32 flow = 0; flow < flows; flow++) {
		__u32 host = flow >> FLOW_PORT_BITS;

		nat_reply_backend(family, host, &backend);
		entry.nat_port = htons(FLOW_PORT_BASE | (flow & FLOW_PORT_MASK));
		entry.target = first_target + (family == 6 ? NAT_REPLY_TARGETS : 0) + host;
		enter(nat, reply_hash(skel, family, &backend, entry.nat_port), expiry, &entry);
	}
}
