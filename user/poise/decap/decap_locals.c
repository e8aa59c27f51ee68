// SPDX-License-Identifier: BSD-2-Clause
/* The addresses of an interface, where tunnels end unless --local names others. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "decap/decap.h"

/* Does an entry belong to the interface? IPv4 addresses may have a label, "eth0:1". */
static bool is_of(const struct ifaddrs *at, const char *ifname)
{
	size_t length = strlen(ifname);

	return !strncmp(at->ifa_name, ifname, length) &&
	       (!at->ifa_name[length] || at->ifa_name[length] == ':');
}

/* False: no IPv4 or IPv6 address, or one that nobody reaches through a router. */
static bool take(const struct sockaddr *from, struct addr *out)
{
	if (!from)
		return false;
	if (from->sa_family == AF_INET6) {
		memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
		return !(out->b[0] == 0xfe && (out->b[1] & 0xc0) == 0x80);
	}
	if (from->sa_family != AF_INET)
		return false;
	*out = addr_from_v4(
		(const __u8 *)&((const struct sockaddr_in *)(const void *)from)->sin_addr);
	return true;
}

int decap_locals_find(const char *ifname, struct addr *out, size_t max)
{
	struct ifaddrs *list;
	size_t count = 0;

	if (getifaddrs(&list))
		return -errno;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		struct addr addr;

		if (!is_of(at, ifname) || !take(at->ifa_addr, &addr))
			continue;
		if (count < max)
			out[count] = addr;
		count++;
	}
	freeifaddrs(list);
	return count;
}
