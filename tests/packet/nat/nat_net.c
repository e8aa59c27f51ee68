// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_net.h"

int nat_net_ip(const char *format, ...)
{
	char command[256] = "ip ";
	va_list args;

	va_start(args, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, args);
	va_end(args);
	if (!system(command))
		return 0;
	fprintf(stderr, "%s: failed\n", command);
	return -EIO;
}

int nat_net_forward(int version, int on)
{
	const char *path = version == 4 ? "/proc/sys/net/ipv4/conf/all/forwarding"
					: "/proc/sys/net/ipv6/conf/all/forwarding";
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%d\n", on) < 0 || fclose(file)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	return 0;
}

static int set_up(void)
{
	static const char *const commands[] = {
		"link set lo up",
		"link add inside type veth peer name inside-peer",
		"link add outside type veth peer name outside-peer",
		"link set inside up",
		"link set inside-peer up",
		"link set outside address 02:00:00:00:03:ff up",
		"link set outside-peer up",
		"addr add 10.0.0.1/16 dev inside",
		"addr add 10.0.0.2/16 dev inside",
		"addr add fd00::1/16 dev inside nodad",
		"addr add fd00::2/16 dev inside nodad",
		"addr add 198.51.100.1/24 dev outside",
		"addr add 2001:db8:c::1/64 dev outside nodad",
		"neigh add 198.51.100.7 lladdr 02:00:00:00:03:07 dev outside",
		"neigh add 2001:db8:c::7 lladdr 02:00:00:00:03:07 dev outside",
	};
	int err = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(commands) && !err; i++)
		err = nat_net_ip("%s", commands[i]);
	if (!err)
		err = nat_net_forward(4, 1);
	return err ? err : nat_net_forward(6, 1);
}

int nat_net_open(unsigned int *inside, unsigned int *outside)
{
	int err;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "a network namespace: %s\n", strerror(errno));
		return -errno;
	}
	err = set_up();
	*inside = if_nametoindex("inside");
	*outside = if_nametoindex("outside");
	return err ? err : *inside && *outside ? 0 : -ENODEV;
}
