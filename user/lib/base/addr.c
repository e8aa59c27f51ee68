// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/protocol.h"

static const __u8 v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool addr_is_v4(const struct addr *addr)
{
	return !memcmp(addr->b, v4_prefix, sizeof(v4_prefix));
}

const __u8 *addr_v4(const struct addr *addr)
{
	return addr->b + sizeof(v4_prefix);
}

struct addr addr_from_v4(const __u8 v4[4])
{
	struct addr addr;

	memcpy(addr.b, v4_prefix, sizeof(v4_prefix));
	memcpy(addr.b + sizeof(v4_prefix), v4, 4);
	return addr;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

bool addr_wildcard_covers(const struct addr *wildcard, const struct addr *addr)
{
	static const struct addr v6, v4 = { .b = { [10] = 0xff, [11] = 0xff } };

	return addr_equal(wildcard, &v6) || (addr_equal(wildcard, &v4) && addr_is_v4(addr));
}

int addr_parse(const char *text, struct addr *out)
{
	struct addr addr;

	memcpy(addr.b, v4_prefix, sizeof(v4_prefix));
	/* inet_pton refuses blanks, zones and, in IPv4, leading zeros, which some read as octal. */
	if (inet_pton(AF_INET, text, addr.b + sizeof(v4_prefix)) != 1) {
		if (inet_pton(AF_INET6, text, addr.b) != 1)
			return -EINVAL;
		/* One address, one spelling: IPv4 is written as IPv4. */
		if (addr_is_v4(&addr))
			return -EINVAL;
	}
	*out = addr;
	return 0;
}

const char *addr_format(const struct addr *addr, char buf[ADDR_TEXT_SIZE])
{
	if (addr_is_v4(addr))
		return inet_ntop(AF_INET, addr_v4(addr), buf, ADDR_TEXT_SIZE);
	return inet_ntop(AF_INET6, addr->b, buf, ADDR_TEXT_SIZE);
}

int port_parse(const char *text, __u16 *out)
{
	unsigned int port = 0;
	size_t i;

	if (text[0] == '0')
		return -EINVAL;
	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (text[i] - '0');
		if (port > 65535)
			return -EINVAL;
	}
	if (!i)
		return -EINVAL;
	*out = port;
	return 0;
}

static int addr_parse_part(const char *text, size_t length, struct addr *out)
{
	char part[ADDR_TEXT_SIZE];

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	return addr_parse(part, out);
}

/* "A.B.C.D:PORT" or "[V6]:PORT": the brackets tell IPv6's colons from the port's. */
static int addr_port_parse(const char *text, struct addr *out, __u16 *out_port)
{
	const char *colon = strrchr(text, ':');
	struct addr addr;
	__u16 port;
	int err;

	if (!colon)
		return -EINVAL;
	if (text[0] == '[') {
		if (colon < text + 2 || colon[-1] != ']')
			return -EINVAL;
		err = addr_parse_part(text + 1, colon - text - 2, &addr);
		if (err || addr_is_v4(&addr))
			return -EINVAL;
	} else {
		err = addr_parse_part(text, colon - text, &addr);
		if (err || !addr_is_v4(&addr))
			return -EINVAL;
	}
	err = port_parse(colon + 1, &port);
	if (err)
		return err;
	*out = addr;
	*out_port = port;
	return 0;
}

int endpoint_parse(const char *text, struct addr *addr, __u16 *port)
{
	if (!addr_parse(text, addr)) {
		*port = 0;
		return 0;
	}
	return addr_port_parse(text, addr, port);
}

const char *endpoint_format(const struct addr *addr, __u16 port, char buf[ENDPOINT_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	addr_format(addr, text);
	if (!port)
		snprintf(buf, ENDPOINT_TEXT_SIZE, "%s", text);
	else
		snprintf(buf, ENDPOINT_TEXT_SIZE, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u", text,
			 port);
	return buf;
}

int listen_parse(const char *text, struct addr *addr, __u16 *port, __u8 *proto)
{
	const char *slash = strchr(text, '/');
	char endpoint[ENDPOINT_TEXT_SIZE];
	size_t length;
	__u8 number;
	int err;

	if (!slash)
		return -EINVAL;
	number = protocol_find(slash + 1);
	if (!number)
		return -EINVAL;
	length = slash - text;
	if (length >= sizeof(endpoint))
		return -EINVAL;
	memcpy(endpoint, text, length);
	endpoint[length] = '\0';
	err = addr_port_parse(endpoint, addr, port);
	if (err)
		return err;
	*proto = number;
	return 0;
}

const char *listen_format(const struct addr *addr, __u16 port, __u8 proto,
			  char buf[ENDPOINT_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	snprintf(buf, ENDPOINT_TEXT_SIZE, addr_is_v4(addr) ? "%s:%u/%s" : "[%s]:%u/%s",
		 addr_format(addr, text), port, protocol_name(proto));
	return buf;
}
