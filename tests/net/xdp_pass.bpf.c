// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Does nothing: for the far end of a veth whose near end answers with XDP_TX. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
