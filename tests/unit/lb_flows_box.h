/* SPDX-License-Identifier: BSD-2-Clause */
/* A balancer with one service whose rows are all tracked, and packets for it. */
#ifndef POISE_TEST_LB_FLOWS_BOX_H
#define POISE_TEST_LB_FLOWS_BOX_H

#include "lb_box.h"
#include "caught.h"
#include "poised/lb_impl.h"
#include "poise/flow.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#define NEW_TICKS  10
#define IDLE_TICKS 200

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 padding[10];
} __attribute__((packed));

static char said[2000];

static inline struct lb *open_flows(__u32 flows)
{
	/* A seed with which 200 flows fit into the smallest table. */
	const struct lb_options options = {
		.instance_dir = dir, .flows = flows, .seed_set = true, .seed = { 1, 2 }
	};
	struct caught caught;
	struct lb *lb;

	caught_begin(&caught);
	lb = open_with(&options);
	caught_end(&caught, said, sizeof(said));
	return lb;
}

static inline struct lb *reopen(struct lb *lb, __u32 flows)
{
	lb_close(lb);
	return open_flows(flows);
}

static inline struct frame frame_of(__u16 source_port, bool syn)
{
	struct frame frame = {
		.eth = { .h_dest = { 2 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
			.saddr = htonl(0x0a010101),
			.daddr = htonl(0xc000020a) },
		.tcp = { .source = htons(source_port),
			 .dest = htons(80),
			 .doff = 5,
			 .syn = syn,
			 .ack = !syn },
	};
	return frame;
}

/* The target that a packet of a flow is sent to: it is the last byte of the MAC address. */
static inline int target_met(const struct lb *lb, __u16 source_port, bool syn)
{
	struct frame in = frame_of(source_port, syn), out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(lb->prog_fd, &opts), 0);
	assert_int_equal(opts.retval, XDP_TX);
	return out.eth.h_dest[5];
}

static inline __u64 flow_hash_of(const struct lb *lb, __u16 source_port)
{
	struct frame frame = frame_of(source_port, true);
	struct flow_hash_key key;

	flow_hash_key_expand(lb_seed(lb), &key);
	return flow_hash4(&key, frame.ip.saddr, frame.ip.daddr, frame.tcp.source, frame.tcp.dest,
			  IPPROTO_TCP);
}

static inline void rows_give(struct lb_rows *rows, __u16 target)
{
	struct row want[251];

	for (int i = 0; i < 251; i++)
		want[i] = (struct row){ target, ROW_TRACKED };
	lb_rows_write(rows, want);
}

/* Service 0 with targets 1 and 2; all new flows are given to 1. */
static inline struct lb_rows *service_make(struct lb *lb)
{
	const struct service_key key = { .addr = { [10] = 0xff, 0xff, 192, 0, 2, 10 },
					 .port = htons(80),
					 .proto = IPPROTO_TCP };
	const struct service service = { .number = 0, .row_count = 251 };
	const __u32 number = 0, size = 251;
	struct lb_rows *rows;

	assert_int_equal(lb_rows_create(lb, &number, &size, 1, &rows), 0);
	for (__u8 i = 1; i <= 2; i++) {
		const struct target target = { .mode = MODE_L2,
					       .mtu = 1500,
					       .ifindex = 1,
					       .dst_mac = { 2, 0, 0, 0, 0, i },
					       .owner = TARGET_SERVES,
					       .new_ticks = NEW_TICKS,
					       .idle_ticks = IDLE_TICKS };

		assert_int_equal(lb_target_set(lb, i, &target), 0);
	}
	rows_give(rows, 1);
	assert_int_equal(lb_service_set(lb, &key, &service), 0);
	return rows;
}

/* How many entries a flow's set has of it. */
static inline int entries_of(const struct lb *lb, __u16 source_port, __u64 *entry)
{
	__u64 hash = flow_hash_of(lb, source_port);
	const struct flow_set *sets;
	__u32 count;
	int found = 0;

	sets = lb_flows(lb, &count);
	for (int i = 0; i < FLOWS_PER_SET; i++) {
		__u64 here = sets[flow_set_index(hash, count - 1)].entries[i];

		if (flow_entry_tag(here) != flow_tag(hash))
			continue;
		*entry = here;
		found++;
	}
	return found;
}

#endif
