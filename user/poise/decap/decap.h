/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of `poise decap` that its object uses: attaching, and counters. */
#ifndef POISE_DECAP_ROOM_H
#define POISE_DECAP_ROOM_H

#include "base/addr.h"
#include "base/net.h"
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
	const struct addr *locals; /* the addresses that tunnels end at */
	size_t local_count;
	bool locals_given;      /* by --local; else they are the interface's */
	const struct net *nets; /* tunnels may come from there */
	size_t net_count;       /* 0: from anywhere */
};

/* Fills in the addresses that an interface has in this network namespace, at most max, without
 * those of IPv6 that are link-local. Their number, which is larger than max if there was no room
 * for all, or -errno. */
int decap_locals_find(const char *ifname, struct addr *out, size_t max);

/*
 * Attaches, or makes an attachment what the request says: what is new is in before the program
 * changes and what is old out after, the counters of those that stay go on. Prints what went wrong,
 * and then leaves things as they were. Returns an enum poise_exit.
 */
int decap_attach(const char *instance_dir, const struct decap_request *request);

/*
 * Prints the counters of all attachments in this network namespace (instance_dir NULL: there are
 * none) or, with ifindex, of one interface. Returns an enum poise_exit.
 */
int decap_stats(const struct command *cmd, const char *instance_dir, __u32 ifindex);

#endif
