/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poise_lb over maps of its own, nothing pinned: a service per mode and family, 100 backends each.
 * Each service has a twin whose rows are all moving. There are also replies in mode nat.
 */
#ifndef POISE_BENCH_SUBJECT_H
#define POISE_BENCH_SUBJECT_H

#include "base/addr.h"
#include "bench/nat.h"
#include "poise/abi.h"

#define SUBJECT_BACKENDS 100

/* Room for four times as many flows as are measured. */
#define SUBJECT_FULL_SIZE                                                                          \
	{                                                                                          \
		.flows = 1U << 22, .nat_flows = 1U << 21, .rows = POISE_DEFAULT_ROWS               \
	}

enum subject_rows { ROWS_STABLE, ROWS_MOVING, ROWS_KINDS };

struct subject_size {
	__u32 flows,
		nat_flows; /* entries of the flow table; flows of the NAT table: powers of two */
	__u32 rows;        /* of each service, a prime */
};

struct subject {
	struct subject_size size;
	struct lb_bpf *skeleton;
	int program_fd;
	struct flow_set *flows;
	struct nat nat;
};

/* 0 or -errno, after saying on stderr what does not work. */
int subject_open(struct subject *subject, const struct subject_size *size);
void subject_close(struct subject *subject);

/*
 * Returns where a service of TCP and of UDP listens; family is 4 or 6. Its backends are reached
 * over the same family.
 */
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
