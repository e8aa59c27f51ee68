// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mode local: backends are sockets of this host. poise_local chooses one when the kernel asks for
 * it; the packet path leaves such packets to the kernel.
 */
#include "mode/mode_impl.h"

const struct mode_ops mode_local = {
	.word = "local",
	.label = "local",
	.listen_kinds = ADDR_HOST | ADDR_ANY | ADDR_LOOPBACK,
	.backend_kinds = ADDR_HOST | ADDR_LOOPBACK,
	.port = MODE_PORT_REQUIRED,
	.sockets = true,
	.hop_text = "a socket of this host",
	.lost_text = "the kernel looks for a listener of its own",
	.flows_text = "connections are with the kernel's sockets: `poise backend list` counts them",
	.flow_text = "connections that are established are the kernel's",
};
