/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of packets run through a loaded XDP program (BPF_PROG_TEST_RUN): verdict, bytes out, drop
 * counters, packet counters. One `ok`/`not ok` line a row, as prove(1) reads them.
 */
#ifndef POISE_TESTS_HARNESS_H
#define POISE_TESTS_HARNESS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/packet.h"

#define HARNESS_MAX_DROPS    32
#define HARNESS_MAX_COUNTERS 192
#define HARNESS_LOOPBACK     1 /* ifindex of lo in every namespace */

struct harness_counter {
	__u64 packets, bytes, new_flows, reply_packets, reply_bytes, icmp_errors;
};

struct harness_row {
	const char *name; /* a sentence */
	/* Build the packet that goes in and the one expected out, both given `arg`. They start on a
	 * cleared packet; `out`, called after the run, may look at what maps have then. NULL:
	 * unchanged. */
	void (*in)(struct pkt *p, const void *arg);
	void (*out)(struct pkt *p, const void *arg);
	const void *arg;
	unsigned int ifindex; /* the frame arrived on; 0: HARNESS_LOOPBACK */
	/* Bytes of headroom taken up by metadata: a multiple of 4, 216 for no headroom left. Old
	 * kernels take no more than 32: the row is skipped there. */
	unsigned int metadata;
	enum xdp_action verdict;
	unsigned int drop;    /* index of the one drop counter that goes up by one; 0: none */
	unsigned int counter; /* index of the one counter that changes by .. */
	struct harness_counter count; /* .. this; all zero: none changes */
};

/*
 * The harness of a program knows how to read its maps. Readers sum over CPUs and return 0 or
 * -errno.
 */
struct harness {
	int program_fd;
	void *ctx; /* for the readers */
	size_t drop_count, counter_count;
	int (*read_drops)(void *ctx, __u64 *drops, size_t count);
	const char *(*drop_name)(unsigned int reason);
	int (*read_counters)(void *ctx, struct harness_counter *counters, size_t count);
	/* Results */
	unsigned int passed, failed, skipped;
};

/* Runs rows; may be called again with others (maps changed in between, say). */
void harness_run(struct harness *h, const struct harness_row *rows, size_t count);

/* One frame, for loops that no table can hold (fuzzing). *verdict and *out are what the program
 * made of it. 0 or -errno of the test run. */
int harness_frame(int program_fd, unsigned int ifindex, const struct pkt *in, struct pkt *out,
		  enum xdp_action *verdict);

/* A line for what is no row: the condition and printf-like name. Returns the condition. */
__attribute__((format(printf, 3, 4))) bool harness_ok(struct harness *h, bool condition,
						      const char *name, ...);
void harness_skip(struct harness *h, const char *name, const char *reason);

/* Prints the plan and the counts; the exit status: 0 when nothing failed and something ran. */
int harness_end(const struct harness *h);

/* Both frames as hex, the first differing offset named; the tool for a diff of one's own. */
void harness_diff(const struct pkt *found, const struct pkt *expected);

#endif
