/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness: it runs packets of many flows through a program and tells the time per packet. */
#ifndef POISE_BENCH_RIG_H
#define POISE_BENCH_RIG_H

#include "bench/frame.h"

struct rig {
	struct bench_bpf *skeleton;
	struct frame_kind kind;
};

/*
 * Loads the harness in a flavour that can call program_fd: the kernel lets XDP programs with and
 * without fragments call none of the other kind. flows_fd: the program's flow table, -1: none.
 * 0 or -errno, after saying what does not work.
 */
int rig_open(struct rig *rig, int program_fd, int flows_fd);
void rig_close(struct rig *rig);

/* Sets the packets of the next runs, and of how many flows they are (a power of two up to 2^24). */
void rig_packets(struct rig *rig, const struct frame_kind *kind, __u32 flows);

/* Before each packet of the next runs takes away the entry of a set of the flow table; -1: no. */
void rig_forget(struct rig *rig, int set);

/* Checks that the harness makes the packets that it should. 0 or -EPROTO, after saying what not. */
int rig_check(struct rig *rig);

/*
 * Time per packet of the harness and the program behind it; *verdict is that of the last packet.
 * CPU time of this thread, so that what else ran on the CPU does not count. 0 or -errno.
 */
int rig_run(struct rig *rig, int program_fd, __u32 packets, double *ns, __u32 *verdict);

/* The same of a program that has to return XDP_TX; -EPROTO if the last packet's verdict differs. */
int rig_run_tx(struct rig *rig, int program_fd, __u32 packets, double *ns);

/* The same of a program by itself, without the harness: every run gets the packet as it was left.
 */
int rig_run_alone(struct rig *rig, int program_fd, __u32 packets, double *ns);

#endif
