// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/net.h"

#define ADDR_BITS   128
#define MAPPED_BITS 96 /* before the four bytes of an IPv4 address */

/* Digits only, no leading zero, at most `max`. */
static int length_parse(const char *text, __u32 max, __u32 *out)
{
	size_t digits = strspn(text, "0123456789");
	__u32 value = 0;

	if (!digits || digits > 3 || text[digits] || (digits > 1 && *text == '0'))
		return -EINVAL;
	for (; *text; text++)
		value = value * 10 + (*text - '0');
	*out = value;
	return value > max ? -EINVAL : 0;
}

/* Clears what follows the prefix. True if something was set there. */
static bool clear_host(struct net *net)
{
	bool was_set = false;

	for (__u32 byte = 0; byte < sizeof(net->addr.b); byte++) {
		__u32 kept = net->bits > byte * 8 ? net->bits - byte * 8 : 0;
		__u8 host = kept >= 8 ? 0 : 0xff >> kept;

		was_set |= net->addr.b[byte] & host;
		net->addr.b[byte] &= ~host;
	}
	return was_set;
}

int net_parse(const char *text, struct net *out)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char part[ADDR_TEXT_SIZE];
	__u32 before, bits;
	struct net net;

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	if (addr_parse(part, &net.addr))
		return -EINVAL;
	before = addr_is_v4(&net.addr) ? MAPPED_BITS : 0;
	bits = ADDR_BITS - before;
	if (slash && length_parse(slash + 1, bits, &bits))
		return -EINVAL;
	net.bits = before + bits;
	*out = net;
	return clear_host(out) ? -ERANGE : 0;
}

const char *net_format(const struct net *net, char buf[NET_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];
	bool mapped = net->bits >= MAPPED_BITS && addr_is_v4(&net->addr);

	snprintf(buf, NET_TEXT_SIZE, "%s/%u", addr_format(&net->addr, text),
		 mapped ? net->bits - MAPPED_BITS : net->bits);
	return buf;
}

bool net_equal(const struct net *a, const struct net *b)
{
	return a->bits == b->bits && addr_equal(&a->addr, &b->addr);
}
