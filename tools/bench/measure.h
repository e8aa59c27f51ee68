/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measurements, and how a figure comes about.
 *
 * Every figure is the time of one packet in nanoseconds: entering the program, its work, leaving.
 * A round measures these loops of BPF_PROG_TEST_RUN one after the other for each kind of packet:
 *
 *   alone    the empty XDP_TX program and nothing else: what it costs to be called at all
 *   empty    harness, then the empty program
 *   encap    harness, then the fixed encapsulation: poise_lb's own parsing, checks and headers, to
 *            one target that is known beforehand; nothing looked up, hashed or counted
 *   program  harness, then the program under test, once for each number of flows
 *
 * The harness, and the jump out of it, is in each of the last three and cancels out:
 *
 *   floor       = alone
 *   encap floor = alone + encap - empty
 *   ns          = alone + program - empty
 *
 * So all three say what a packet would cost if something else put it back for nothing.
 */
#ifndef POISE_BENCH_MEASURE_H
#define POISE_BENCH_MEASURE_H

#include "bench/rig.h"
#include "bench/subject.h"

#define MAX_ROUNDS  100
#define FLOW_COUNTS 4

struct sample { /* ns per packet of the loops of one round */
	double alone, empty, encap, program[FLOW_COUNTS];
};

/* The state that a packet meets. */
enum meets {
	MEETS_ROW,   /* a stable row: no flow table */
	MEETS_FLOOD, /* the same, and each packet is a new flow's */
	MEETS_ENTRY, /* a moving row, and its flow's entry in the table */
	MEETS_ROOM,  /* a moving row, and room for its flow's entry: each packet is a new flow's */
	MEETS_NAT,   /* its flow's entry in the NAT table */
	MEETS_REPLY, /* the same, on its way back */
	MEETS_BEGIN, /* room in the NAT table: each packet is a new flow's */
};

/* One kind of packet: FLOW_COUNTS lines of the table. */
struct measurement {
	/* "ack", "syn", "flood", "udp", "hit", "insert", "reply", "begin", … */
	const char *case_name;
	enum meets meets;
	const char *mode;
	int family;
	enum poise_mode encap; /* which fixed encapsulation it is compared with */
	struct frame_kind kind;
	__u32 only_flows; /* if not 0, the only number of flows that is measured */
	struct sample samples[MAX_ROUNDS];
};

/*
 * Returns the number of flows that a measurement's packets belong to; 0: not measured. A flow that
 * is to find room is forgotten before each packet, or it is one of so many that each comes once, as
 * in a flood.
 */
__u32 measured_flows(const struct measurement *line, int flows_index);

struct measuring {
	struct rig rig;
	struct subject *subject; /* NULL: the program is not poise_lb */
	int program_fd;
	__u32 verdict; /* what the program has to return */
	struct measurement *list;
	size_t count;
	int rounds;
};

/*
 * Measures all of the list once a round, so that a slow moment of the machine spreads over all of
 * it. 0 or -errno; -EPROTO when the program does not do with the packets what it should. Says on
 * stderr what went wrong.
 */
int measure_all(struct measuring *m);

/*
 * One of these loops: `packets` of `flows` flows through the harness and the program, or the empty
 * program. Time per packet; errors as those of measure_all().
 */
int measure_program(struct measuring *m, const struct measurement *line, __u32 flows, __u32 packets,
		    double *ns);
int measure_empty(struct measuring *m, const struct measurement *line, __u32 flows, __u32 packets,
		  double *ns);

#endif
