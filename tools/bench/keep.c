// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "bench/keep.h"
#include "bench/nat.h"
#include "maps/service_table.h"
#include "poise/guard.h"
#include "poise/hash.h"

#include "gen/lb.skel.h" /* needs the types above */

#define CLIENT4 "203.0.113.7"
#define CLIENT6 "2001:db8:d::7"

void keep_client_addr(int family, struct addr *addr)
{
	addr_parse(family == 4 ? CLIENT4 : CLIENT6, addr);
}

static int ip_batch(const char *commands)
{
	FILE *ip = popen("ip -batch -", "we");
	int status;

	if (!ip)
		return -errno;
	fputs(commands, ip);
	status = pclose(ip);
	return status ? -EIO : 0;
}

static int forward(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs("1\n", file);
	return fclose(file) ? -errno : 0;
}

int keep_net_open(unsigned int *ifindex)
{
	int err;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "poise-bench: a network namespace: %s\n", strerror(errno));
		return -errno;
	}
	err = ip_batch("link set lo up\n"
		       "link add clients type veth peer name peer\n"
		       "link set clients up\n"
		       "link set peer up\n"
		       "route add " CLIENT4 " dev clients\n"
		       "route add " CLIENT6 " dev clients\n"
		       "neigh add " CLIENT4 " lladdr 02:00:00:00:03:07 dev clients\n"
		       "neigh add " CLIENT6 " lladdr 02:00:00:00:03:07 dev clients\n");
	if (!err)
		err = forward("/proc/sys/net/ipv4/conf/all/forwarding");
	if (!err)
		err = forward("/proc/sys/net/ipv6/conf/all/forwarding");
	*ifindex = if_nametoindex("clients");
	if (!err && !*ifindex)
		err = -ENODEV;
	if (err)
		fprintf(stderr, "poise-bench: routes to clients: %s\n", strerror(-err));
	return err;
}

int keep_reply(const struct lb_bpf *skel, struct service_bucket *services, int family,
	       __u32 service, __u32 target)
{
	const struct service value = { .row_count = target, .number = service };
	struct service_key key = { .port = htons(NAT_PORT),
				   .proto = IPPROTO_TCP,
				   .kind = KEY_REPLY };
	const struct switches on = { .nat_keep = 1 };
	struct addr backend;
	__u32 zero = 0;

	nat_reply_backend(family, 0, &backend);
	memcpy(key.addr, backend.b, sizeof(key.addr));
	if (bpf_map_update_elem(bpf_map__fd(skel->maps.switches), &zero, &on, BPF_ANY))
		return -errno;
	return service_table_set(services, &key, &value);
}

int keep_way_out(const struct lb_bpf *skel, unsigned int ifindex)
{
	return bpf_map_update_elem(bpf_map__fd(skel->maps.tx_ports), &ifindex, &ifindex, BPF_ANY);
}
