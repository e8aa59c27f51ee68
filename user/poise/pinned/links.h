/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned XDP links, as the kernel tells of them. */
#ifndef POISE_LINKS_H
#define POISE_LINKS_H

#include <jansson.h>
#include <linux/types.h>

/* The links of an instance in the shape of "interfaces" in GET /v1/status; empty where none are. */
json_t *links_list(const char *instance);

/* The network namespace, by inode, whose look-ups for sockets the instance's pinned link leads; 0:
 * none. */
__u32 links_local(const char *instance);

/*
 * Detaches one interface's link and removes its pin, without poised. -ENOENT: no link of the
 * instance is on it; -ENODEV: no such interface. 0 or -errno.
 */
int links_detach(const char *instance, const char *ifname);

#endif
