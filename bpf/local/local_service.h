/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fields of sockets, and the ports that services in mode local have backends on. */
#ifndef POISE_BPF_LOCAL_SERVICE_H
#define POISE_BPF_LOCAL_SERVICE_H

#include "lb/protocols.h"

/*
 * Reads one field of a context or socket. The volatile access keeps the compiler from merging
 * reads: the verifier accepts only whole fields at constant offsets.
 */
#define FIELD(from, field) (*(const volatile typeof((from)->field) *)&(from)->field)

static __always_inline __u64 *port_bits(__u32 port)
{
	__u32 zero = 0;
	struct local_ports *ports = bpf_map_lookup_elem(&local_ports, &zero);

	return ports ? &ports->bits[(port & 0xffff) / 64] : NULL;
}

#endif
