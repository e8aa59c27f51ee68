/* SPDX-License-Identifier: BSD-2-Clause */
/* IP addresses and endpoints as text and as the 16 bytes that maps are keyed by. */
#ifndef POISE_ADDR_H
#define POISE_ADDR_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct addr {
	__u8 b[16]; /* IPv4 as ::ffff:a.b.c.d */
};

#define ADDR_TEXT_SIZE     46 /* INET6_ADDRSTRLEN */
#define ENDPOINT_TEXT_SIZE 64 /* "[v6]:65535/tcp" and its NUL */

bool addr_is_v4(const struct addr *addr);
const __u8 *addr_v4(const struct addr *addr); /* the four bytes of an IPv4 address */
struct addr addr_from_v4(const __u8 v4[4]);   /* the reverse */
bool addr_equal(const struct addr *a, const struct addr *b);
/* True if `wildcard` stands for all addresses of a family and addr is one of them. [::] covers IPv4
 * addresses, too. */
bool addr_wildcard_covers(const struct addr *wildcard, const struct addr *addr);

/*
 * Numeric IPv4 ("192.0.2.1") or IPv6 ("2001:db8::1") text; IPv4-mapped IPv6 text, zones, IPv4
 * numbers with leading zeros and surrounding blanks are refused. 0 or -EINVAL.
 */
int addr_parse(const char *text, struct addr *out);
const char *addr_format(const struct addr *addr, char buf[ADDR_TEXT_SIZE]);

/* A port, 1 to 65535, digits only, no sign, no leading zero. 0 or -EINVAL. */
int port_parse(const char *text, __u16 *out);

/* "A.B.C.D[:PORT]", "V6" or "[V6]:PORT": a backend. *port is 0 when none was given. 0 or -EINVAL.
 */
int endpoint_parse(const char *text, struct addr *addr, __u16 *port);
/* The reverse; port 0 (host order) leaves it out. */
const char *endpoint_format(const struct addr *addr, __u16 port, char buf[ENDPOINT_TEXT_SIZE]);

/* "A.B.C.D:PORT/tcp" or "[V6]:PORT/udp": what a service listens on. 0 or -EINVAL. */
int listen_parse(const char *text, struct addr *addr, __u16 *port, __u8 *proto);
const char *listen_format(const struct addr *addr, __u16 port, __u8 proto,
			  char buf[ENDPOINT_TEXT_SIZE]);

#endif
