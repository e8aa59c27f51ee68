/* SPDX-License-Identifier: BSD-2-Clause */
/* IP networks as text, and as the key of a longest prefix match. */
#ifndef POISE_NET_H
#define POISE_NET_H

#include "base/addr.h"

struct net {
	__u32 bits;       /* of addr that count: in IPv4 96 more than the prefix length */
	struct addr addr; /* its first address */
};

#define NET_TEXT_SIZE 50

/*
 * "192.0.2.0/24" or "2001:db8::/32"; an address alone is a network of one. 0; -EINVAL if the text
 * is none; -ERANGE if bits behind the prefix are set, *out is the network then.
 */
int net_parse(const char *text, struct net *out);
const char *net_format(const struct net *net, char buf[NET_TEXT_SIZE]);

bool net_equal(const struct net *a, const struct net *b);

#endif
