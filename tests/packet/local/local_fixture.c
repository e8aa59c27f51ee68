// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "maps/bpffs.h"
#include "local/local_fixture.h"
#include "maps/maps.h"
#include "poise/hash.h"
#include "kernel/local_impl.h"

#include "gen/local.skel.h" /* needs the types above */

#define IPPROTO_MPTCP_ 262

static int loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;

	err = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) ? -errno : 0;
	close(fd);
	return err;
}

int local_fixture_open(struct local_fixture *fix)
{
	struct lb_options options = { .flows = POISE_MIN_FLOWS,
				      .nat_flows = POISE_MIN_NAT_FLOWS,
				      .nat_port_first = 10240,
				      .nat_port_last = 32767 };
	struct lb_error error = { "" };
	char name[64];
	int err;

	memset(fix, 0, sizeof(*fix));
	options.instance_dir = fix->dir;
	memset(fix->sockets, -1, sizeof(fix->sockets));
	snprintf(name, sizeof(name), "test-local-%d", (int)getpid());
	err = bpffs_instance_dir(name, 1, fix->dir, sizeof(fix->dir));
	if (!err && unshare(CLONE_NEWNET))
		err = -errno;
	if (!err)
		err = loopback_up();
	if (!err)
		err = lb_open(&options, &fix->lb, &error);
	if (!err)
		err = local_open(fix->lb, &fix->local, &error);
	if (!err)
		fix->hash_key = (struct flow_hash_key *)&fix->local->skel->rodata->hash_key;
	if (err)
		fprintf(stderr, "mode local: %s: %s\n", strerror(-err), error.text);
	return err;
}

void local_fixture_close(struct local_fixture *fix)
{
	for (size_t i = 0; i < LOCAL_SOCKETS; i++) {
		if (fix->sockets[i] >= 0)
			close(fix->sockets[i]);
		lb_rows_close(fix->rows[i]);
	}
	local_close(fix->local);
	lb_close(fix->lb);
	if (fix->dir[0])
		lb_remove(fix->dir);
}

static socklen_t to_sockaddr(const char *endpoint, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct addr addr;
	__u16 port;

	memset(out, 0, sizeof(*out));
	if (endpoint_parse(endpoint, &addr, &port))
		abort();
	if (!addr_is_v4(&addr)) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, addr.b, sizeof(addr.b));
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, addr_v4(&addr), 4);
	return sizeof(*in);
}

int local_listen(const char *endpoint, enum local_listen how)
{
	struct sockaddr_storage addr;
	socklen_t len = to_sockaddr(endpoint, &addr);
	int only = how == LISTEN_IPV6_ONLY, group = how == LISTEN_GROUP;
	int fd = socket(addr.ss_family, how == LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM,
			how == LISTEN_MPTCP ? IPPROTO_MPTCP_ : 0);

	if (fd < 0)
		return -errno;
	if (addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &group, sizeof(group));
	if (bind(fd, (struct sockaddr *)&addr, len) || (how != LISTEN_UDP && listen(fd, 64))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int local_find_text(struct local_fixture *fix, __u32 target, const char *endpoint, __u8 proto)
{
	struct addr addr;
	__u16 port;

	if (endpoint_parse(endpoint, &addr, &port))
		abort();
	return local_find(fix->local, target, &addr, port, proto);
}

int local_backend(struct local_fixture *fix, __u32 target, const char *endpoint,
		  enum local_listen how)
{
	socklen_t len = sizeof(fix->cookies[0]);
	int fd = local_listen(endpoint, how), found;

	if (fd < 0)
		return fd;
	fix->sockets[target] = fd;
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &fix->cookies[target], &len);
	found = local_find_text(fix, target, endpoint,
				how == LISTEN_UDP ? IPPROTO_UDP : IPPROTO_TCP);
	return found < 0 ? found : found == LOCAL_FOUND ? 0 : -ENOENT;
}

/* "[::]" is nobody's endpoint, but a service may listen there. */
static void to_key(const char *listen, __u8 proto, struct service_key *key)
{
	struct sockaddr_storage addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;

	to_sockaddr(listen, &addr);
	*key = (struct service_key){ .proto = proto, .kind = KEY_LOCAL };
	if (addr.ss_family == AF_INET6) {
		key->port = in6->sin6_port;
		memcpy(key->addr, &in6->sin6_addr, 16);
		return;
	}
	key->port = in->sin_port;
	memset(key->addr + 10, 0xff, 2);
	memcpy(key->addr + 12, &in->sin_addr, 4);
}

int local_service(struct local_fixture *fix, __u16 number, const char *listen, __u8 proto,
		  __u16 flags, const struct row *rows, size_t count)
{
	const struct service value = { .row_count = LOCAL_ROWS, .number = number, .flags = flags };
	const __u32 wide = number, size = LOCAL_ROWS;
	struct row want[LOCAL_ROWS];
	struct service_key key;
	int err = 0;

	if (!fix->rows[number])
		err = lb_rows_create(fix->lb, &wide, &size, 1, &fix->rows[number]);
	if (err)
		return err;
	for (size_t i = 0; i < LOCAL_ROWS; i++)
		want[i] = rows[i % count];
	lb_rows_write(fix->rows[number], want);
	for (size_t i = 0; i < count; i++) {
		const struct target target = { .mode = MODE_LOCAL,
					       .owner = number | TARGET_SERVES,
					       .new_ticks = 8,
					       .idle_ticks = 8,
					       .closing_ticks = 8 };

		if (rows[i].current_target && !err)
			err = lb_target_set(fix->lb, rows[i].current_target, &target);
	}
	to_key(listen, proto, &key);
	return err ? err : lb_service_set(fix->lb, &key, &value);
}

int local_lookup(struct local_fixture *fix, const char *remote, const char *to, __u8 proto)
{
	struct bpf_sk_lookup ctx = { .protocol = proto };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .ctx_out = &ctx, .ctx_size_out = sizeof(ctx));
	struct sockaddr_storage from, dest;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&from;
	struct sockaddr_in *in = (struct sockaddr_in *)&from;
	int err;

	to_sockaddr(remote, &from);
	to_sockaddr(to, &dest);
	ctx.family = from.ss_family;
	if (ctx.family == AF_INET6) {
		memcpy(ctx.remote_ip6, &in6->sin6_addr, 16);
		ctx.remote_port = in6->sin6_port;
		in6 = (struct sockaddr_in6 *)&dest;
		memcpy(ctx.local_ip6, &in6->sin6_addr, 16);
		ctx.local_port = ntohs(in6->sin6_port);
	} else {
		ctx.remote_ip4 = in->sin_addr.s_addr;
		ctx.remote_port = in->sin_port;
		in = (struct sockaddr_in *)&dest;
		ctx.local_ip4 = in->sin_addr.s_addr;
		ctx.local_port = ntohs(in->sin_port);
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(fix->local->skel->progs.poise_local), &opts);
	if (err || opts.retval != SK_PASS)
		return err ? err : -EPROTO;
	for (int i = 1; i < LOCAL_SOCKETS; i++)
		if (ctx.cookie && ctx.cookie == fix->cookies[i])
			return i;
	return ctx.cookie ? -ENOKEY : 0;
}

struct harness_counter local_counted(const struct local_fixture *fix, __u32 target)
{
	struct counter counters[LOCAL_SOCKETS];

	if (counters_read(lb_maps(fix->lb), counters, LOCAL_SOCKETS))
		return (struct harness_counter){ .bytes = ~0ULL };
	return (struct harness_counter){ .packets = counters[target].packets,
					 .bytes = counters[target].bytes,
					 .new_flows = counters[target].new_flows };
}
