/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A step of the packet path returns one of these, or a drop_reason. */
#ifndef POISE_BPF_STEPS_H
#define POISE_BPF_STEPS_H

#define GO_ON    0
#define NOT_OURS (-1)
#define ICMP     (-2) /* may be an error about a flow of a service */
#define FRAGMENT (-3) /* a part of a packet */
#define TO_KERNEL                                                                                  \
	(-4) /* rewritten, but too big for the way: the kernel forwards it in fragments            \
	      */

#endif
