/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* poise_lb: balances a service's packets over its backends. ARCHITECTURE.md tells the way. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "maps.h"

/* Key of the flow hash: random, the same on every balancer of a fleet. */
const volatile __u64 hash_seed[2] = { 0, 0 };

SEC("xdp")
int poise_lb(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
