/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of `poise decap` that its object uses: attaching, and counters. */
#ifndef POISE_DECAP_ROOM_H
#define POISE_DECAP_ROOM_H

#include "base/addr.h"
#include "conf/conf.h"
#include "decap/decap_pins.h"
#include "cli/command.h"

struct decap_request {
	const char *ifname;
	__u32 ifindex;
	enum xdp_mode mode;
	__u16 gue_port; /* host order */
	const struct addr *vips;
	size_t vip_count;
};

/*
 * Attaches, or makes an attachment what the request says: new VIPs are in before the program
 * changes and old ones out after, the counters of those that stay go on. Prints what went wrong,
 * and then leaves things as they were. Returns an enum poise_exit.
 */
int decap_attach(const char *instance_dir, const struct decap_request *request);

/*
 * Prints the counters of all attachments in this network namespace (instance_dir NULL: there are
 * none) or, with ifindex, of one interface. Returns an enum poise_exit.
 */
int decap_stats(const struct command *cmd, const char *instance_dir, __u32 ifindex);

#endif
