/* SPDX-License-Identifier: BSD-2-Clause */
/* poise_lb over maps of its own, nothing pinned: a service per mode and family, 100 backends each.
 */
#ifndef POISE_BENCH_SUBJECT_H
#define POISE_BENCH_SUBJECT_H

#include "addr.h"
#include "poise/abi.h"

#define SUBJECT_BACKENDS 100

struct subject {
	struct lb_bpf *skeleton;
	int program_fd;
};

/* 0 or -errno, after saying on stderr what does not work. */
int subject_open(struct subject *subject);
void subject_close(struct subject *subject);

/* Where a service listens, TCP; family is 4 or 6. Its backends are reached over the same family. */
void subject_service(enum poise_mode mode, int family, struct addr *addr, __u16 *port);

/* The target of one of those backends, from 0. */
struct target subject_target(enum poise_mode mode, int family, unsigned int backend);

/* Packets forwarded so far by all services: what was not counted was dropped. 0 or -errno. */
int subject_forwarded(const struct subject *subject, __u64 *packets);

#endif
