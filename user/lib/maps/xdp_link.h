/* SPDX-License-Identifier: BSD-2-Clause */
/* XDP programs on interfaces: attaching by BPF link, and who else is there. */
#ifndef POISE_XDP_LINK_H
#define POISE_XDP_LINK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/xdp_mode.h"

#define XDP_LINK_TEXT_SIZE 400

struct xdp_link_state {
	__u32 ifindex; /* 0: the interface is gone */
	__u32 program_id;
	bool here; /* the interface is in this network namespace */
	bool generic;
};

/* Asks the kernel for the state of a link. 0, -EPROTO (not an XDP link) or -errno. */
int xdp_link_state(int fd, struct xdp_link_state *state);

/* 0: no XDP program on the interface; -EBUSY: text names it and how to take it off; -errno. */
int xdp_link_check_foreign(const char *ifname, __u32 ifindex, char text[XDP_LINK_TEXT_SIZE]);

/*
 * Puts the program on an interface without one. Mode auto: native, generic where the driver has no
 * native mode, *fell_back saying so. Returns the link's descriptor, which takes the program off
 * when it is closed unpinned; -EBUSY as above, or -errno
 * with the reason in text.
 */
int xdp_link_create(int program_fd, const char *ifname, __u32 ifindex, enum xdp_mode mode,
		    bool *fell_back, char text[XDP_LINK_TEXT_SIZE]);

#endif
