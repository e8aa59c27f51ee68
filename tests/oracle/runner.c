// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs packets through the poise_lb that a running instance has attached to an interface:
 * `runner INSTANCE INTERFACE`. It tells first what its numbers mean, in lines:
 *
 *   target NUMBER SERVICE ADDRESS
 *   drop NUMBER NAME
 *   ready
 *
 * Then it reads packets from standard input, a 32-bit length before each. For each it writes the
 * verdict, the length of what became of it, how many counters changed (32 bits each), the bytes,
 * and the changes, as struct change.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "maps/bpffs.h"
#include "maps/drop.h"
#include "maps/maps.h"

#define FRAME_BYTES 4096
#define MAX_TARGETS 1024

struct change {
	__u32 is_drop, number;
	__u64 packets, bytes, new_flows, reply_packets, reply_bytes; /* a drop has packets only */
};

struct counts {
	struct counter targets[MAX_TARGETS];
	__u64 drops[DROP_MAX];
};

struct runner {
	struct maps maps;
	int program_fd;
	unsigned int ifindex;
	__u32 target_count;
	struct counts before;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "runner: %s: %s\n", what, strerror(-err));
	return 1;
}

static int open_program(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int err = bpf_xdp_query(ifindex, 0, &query);

	return err ? err : bpf_prog_get_fd_by_id(query.prog_id);
}

static int read_counts(const struct runner *r, struct counts *out)
{
	int err = counters_read(&r->maps, out->targets, r->target_count);

	return err ? err : drops_read(&r->maps, out->drops);
}

static int tell_numbers(const struct runner *r)
{
	static struct target_name names[MAX_TARGETS];
	int err = target_names_read(&r->maps, names, r->target_count);

	for (__u32 i = 1; i < r->target_count && !err; i++) {
		char text[ADDR_TEXT_SIZE];
		struct addr addr;

		if (!names[i].service[0])
			continue;
		memcpy(addr.b, names[i].addr, sizeof(addr.b));
		printf("target %u %s %s\n", i, names[i].service, addr_format(&addr, text));
	}
	for (int i = 1; i < DROP_MAX; i++)
		printf("drop %d %s\n", i, drop_name(i));
	printf("ready\n");
	fflush(stdout);
	return err;
}

static __u32 find_changes(struct runner *r, struct change *changes)
{
	static struct counts now;
	__u32 count = 0;

	if (read_counts(r, &now))
		return 0;
	for (__u32 i = 0; i < r->target_count; i++) {
		const struct counter *a = &r->before.targets[i], *b = &now.targets[i];

		if (memcmp(a, b, sizeof(*a)))
			changes[count++] = (struct change){
				.number = i,
				.packets = b->packets - a->packets,
				.bytes = b->bytes - a->bytes,
				.new_flows = b->new_flows - a->new_flows,
				.reply_packets = b->reply_packets - a->reply_packets,
				.reply_bytes = b->reply_bytes - a->reply_bytes,
			};
	}
	for (__u32 i = 0; i < DROP_MAX; i++)
		if (now.drops[i] != r->before.drops[i])
			changes[count++] =
				(struct change){ .is_drop = 1,
						 .number = i,
						 .packets = now.drops[i] - r->before.drops[i] };
	r->before = now;
	return count;
}

static int run(struct runner *r, __u8 *frame, __u32 bytes)
{
	static struct change changes[MAX_TARGETS + DROP_MAX];
	static __u8 out[2 * FRAME_BYTES];
	struct xdp_md ctx = { .data_end = bytes, .ingress_ifindex = r->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = bpf_prog_test_run_opts(r->program_fd, &opts);
	__u32 head[3];

	if (err)
		return err;
	head[0] = opts.retval;
	head[1] = opts.data_size_out;
	head[2] = find_changes(r, changes);
	fwrite(head, sizeof(head), 1, stdout);
	fwrite(out, 1, head[1], stdout);
	fwrite(changes, sizeof(changes[0]), head[2], stdout);
	return fflush(stdout) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct runner r;
	static __u8 frame[FRAME_BYTES];
	char dir[PATH_MAX], maps[PATH_MAX];
	__u32 bytes;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: runner INSTANCE INTERFACE\n");
		return 2;
	}
	r.ifindex = if_nametoindex(argv[2]);
	r.program_fd = open_program(r.ifindex);
	if (r.program_fd < 0)
		return fail(argv[2], r.program_fd);
	err = bpffs_instance_dir(argv[1], 0, dir, sizeof(dir));
	if (!err)
		err = maps_dir(dir, maps, sizeof(maps));
	if (!err)
		err = maps_open(maps, &r.maps);
	if (err)
		return fail(argv[1], err);
	r.target_count = maps_max_targets(&r.maps);
	if (r.target_count > MAX_TARGETS)
		return fail("max_backends", -E2BIG);
	err = read_counts(&r, &r.before);
	if (!err)
		err = tell_numbers(&r);
	while (!err && fread(&bytes, sizeof(bytes), 1, stdin) == 1) {
		if (bytes > sizeof(frame) || fread(frame, 1, bytes, stdin) != bytes)
			err = -EMSGSIZE;
		else
			err = run(&r, frame, bytes);
	}
	return err ? fail("a packet", err) : 0;
}
