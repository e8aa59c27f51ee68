/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poise_lb over maps of its own, nothing pinned: a service per mode and family, 100 backends each.
 * Of each there is a second one, the rows of which are all moving. Besides, replies by nat.
 */
#ifndef POISE_BENCH_SUBJECT_H
#define POISE_BENCH_SUBJECT_H

#include "addr.h"
#include "nat.h"
#include "poise/abi.h"

#define SUBJECT_BACKENDS 100
#define SUBJECT_FLOWS    (1U << 22) /* room for four times as many as are measured */

enum subject_rows { ROWS_STABLE, ROWS_MOVING, ROWS_KINDS };

struct subject {
	struct lb_bpf *skeleton;
	int program_fd;
	struct flow_set *flows;
	struct nat nat;
};

/* 0 or -errno, after saying on stderr what does not work. */
int subject_open(struct subject *subject);
void subject_close(struct subject *subject);

/* Where a service listens, TCP; family is 4 or 6. Its backends are reached over the same family. */
void subject_service(enum poise_mode mode, int family, enum subject_rows rows, struct addr *addr,
		     __u16 *port);

/* The target of one of those backends, from 0. */
struct target subject_target(enum poise_mode mode, int family, unsigned int backend);

/* Packets forwarded so far by all services: what was not counted was dropped. 0 or -errno. */
int subject_forwarded(const struct subject *subject, __u64 *packets);

void subject_forget_flows(struct subject *subject); /* empties the flow and the NAT table */
/* Enters flows by nat of the family's service, whose replies the harness makes. */
void subject_enter_replies(struct subject *subject, int family, __u32 flows);
size_t subject_flows(const struct subject *subject);  /* entries in it */
int subject_first_set(const struct subject *subject); /* that has an entry; -1: none */
int subject_flows_fd(const struct subject *subject);
int subject_tracked(const struct subject *subject, __u64 *entries); /* made so far. 0 or -errno */

#endif
