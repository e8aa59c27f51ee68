// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "nat/nat_fixture.h"
#include "nat/nat_net.h"
#include "maps/service_table.h"

#include "gen/lb.skel.h" /* needs the types above */

#define ELSEWHERE 7777 /* a key of tx_ports: its interface is lo, as is the one frames come by */
#define NO_WAY    7778

const __u8 nat_own_mac[6] = { 2, 0, 0, 0, 2, 0xff };
const __u8 nat_next_hop_mac[6] = { 2, 0, 0, 0, 2, 0 };
unsigned int nat_inside, nat_outside;

static struct row *service_rows[NAT_SERVICES];

/* ---- numbers and addresses */

__u32 nat_service_number(int version, __u8 proto, unsigned int port)
{
	return (port - BY_NAT) * 4 + (version == 6) * 2 + (proto == IPPROTO_UDP);
}

__u16 nat_target(int version, __u8 proto, unsigned int port, char backend)
{
	return 1 + nat_service_number(version, proto, port) * NAT_BACKENDS + (backend - 'A');
}

const char *nat_vip(int version, unsigned int port)
{
	if (port == BY_L2)
		return version == 4 ? L2_VIP4 : L2_VIP6;
	return version == 4 ? VIP4 : VIP6;
}

void nat_client_text(int version, unsigned int client, char *text)
{
	if (version == 4)
		snprintf(text, NAT_TEXT, NAT_CLIENT4, client);
	else
		snprintf(text, NAT_TEXT, NAT_CLIENT6, client);
}

void nat_source_text(int version, unsigned int source, char *text)
{
	if (version == 4)
		snprintf(text, NAT_TEXT, NAT_SOURCE4, 1 + source);
	else
		snprintf(text, NAT_TEXT, NAT_SOURCE6, 1 + source);
}

void nat_backend_text(int version, unsigned int target, char *text)
{
	if (version == 4)
		snprintf(text, NAT_TEXT, NAT_BACKEND4, target);
	else
		snprintf(text, NAT_TEXT, NAT_BACKEND6, target);
}

void nat_addr(const char *text, __u8 addr[16])
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, text, addr) == 1)
		return;
	memcpy(addr, mapped, sizeof(mapped));
	inet_pton(AF_INET, text, addr + sizeof(mapped));
}

/* ---- filling the maps */

static __u8 mode_of(unsigned int port)
{
	return port == BY_L2 ? MODE_L2 : nat_keeps(port) ? MODE_NAT_KEEP : MODE_NAT;
}

static __u16 flags_of(unsigned int port)
{
	if (port == BY_NAT_CLIENT)
		return SERVICE_NAT | SERVICE_HASH_SOURCE;
	if (port == BY_NAT_ROBIN)
		return SERVICE_NAT | SCHEDULER_ROUNDROBIN << SERVICE_SCHEDULER_SHIFT;
	return port == BY_L2 ? 0 : nat_keeps(port) ? SERVICE_NAT_KEEP : SERVICE_NAT;
}

static void set_target(struct lb_maps *lb, int version, __u8 proto, unsigned int port, char backend)
{
	__u16 number = nat_target(version, proto, port, backend);
	struct target target = {
		.mode = mode_of(port),
		.outer_version = port == BY_L2 ? 0 : version,
		.mtu = port == BY_NAT_SMALL || port == BY_KEEP_SMALL ? NAT_SMALL_MTU : NAT_MTU,
		.ifindex = port == BY_NAT_FAR      ? ELSEWHERE
			   : port == BY_NAT_NO_WAY ? NO_WAY
						   : HARNESS_LOOPBACK,
		.port = htons(NAT_BACKEND_PORT),
		.owner = nat_service_number(version, proto, port) | TARGET_SERVES,
		.new_ticks = NAT_NEW_TICKS,
		.idle_ticks = 7, /* of no meaning to nat */
		.closing_ticks = NAT_CLOSING_TICKS,
	};
	char text[NAT_TEXT];
	__u8 addr[16];

	if (target.mode == MODE_NAT)
		target.nat = (struct target_nat){
			.first_source = nat_source_index(version, 0),
			.source_count = port == BY_NAT_SOURCES ? NAT_SOURCES : 1,
			.idle_ticks = NAT_IDLE_TICKS,
			.replied_ticks = NAT_REPLIED_TICKS,
			.reset_ticks = NAT_RESET_TICKS,
		};
	memcpy(target.dst_mac, nat_next_hop_mac, sizeof(target.dst_mac));
	target.dst_mac[5] = number;
	memcpy(target.src_mac, nat_own_mac, sizeof(target.src_mac));
	nat_backend_text(version, number, text);
	nat_addr(text, addr);
	memcpy(target.dst, version == 4 ? addr + 12 : addr, version == 4 ? 4 : 16);
	lb->targets[number] = target;
}

/*
 * Enters the address and port that a backend with `source: keep` answers from: they lead to its
 * service.
 */
static int set_reply_key(struct lb_maps *lb, int version, __u8 proto, unsigned int port,
			 char backend)
{
	const struct service value = { .row_count = nat_target(version, proto, port, backend),
				       .number = nat_service_number(version, proto, port) };
	struct service_key key = { .port = htons(NAT_BACKEND_PORT),
				   .proto = proto,
				   .kind = KEY_REPLY };
	char text[NAT_TEXT];

	nat_backend_text(version, nat_target(version, proto, port, backend), text);
	nat_addr(text, key.addr);
	return service_table_set(lb->services, &key, &value);
}

static int add_service(struct lb_maps *lb, int version, __u8 proto, unsigned int port)
{
	struct service service = {
		.number = nat_service_number(version, proto, port),
		.row_count = NAT_ROWS,
		.flags = flags_of(port),
	};
	struct service_name name = {
		.name = "nat",
		.key = { .port = htons(port), .proto = proto },
		.row_count = NAT_ROWS,
		.mode = mode_of(port),
		.flags = service.flags,
	};
	const __u32 number = service.number;
	int err;

	service_rows[number] = lb_maps_rows(lb, number, NAT_ROWS);
	if (!service_rows[number])
		return -errno;
	nat_addr(nat_vip(version, port), name.key.addr);
	err = bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.service_names), &number, &name,
				  BPF_ANY);
	for (int backend = 'A'; backend < 'A' + NAT_BACKENDS && !err; backend++) {
		set_target(lb, version, proto, port, backend);
		if (nat_keeps(port))
			err = set_reply_key(lb, version, proto, port, backend);
	}
	return err ? err : service_table_set(lb->services, &name.key, &service);
}

static int add_address(struct lb_maps *lb, const char *text, __u16 number, __u16 flags)
{
	const struct service address = { .row_count = 1, .number = number, .flags = flags };
	struct service_key key = { .port = 0 };

	nat_addr(text, key.addr);
	lb_maps_suspect(lb, key.addr);
	return service_table_set(lb->services, &key, &address);
}

static int add_sources(struct lb_maps *lb, int version)
{
	struct nat_source source;
	char text[NAT_TEXT];
	int err = 0;

	for (unsigned int i = 0; i < NAT_SOURCES && !err; i++) {
		__u32 index = nat_source_index(version, i);

		nat_source_text(version, i, text);
		nat_addr(text, source.addr);
		err = bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.nat_sources), &index,
					  &source, BPF_ANY);
		if (!err)
			err = add_address(lb, text, index, SERVICE_NAT_SOURCE);
		if (!err)
			err = lb_maps_own(lb, text);
	}
	return err;
}

static int fill(struct lb_maps *lb)
{
	int err = lb_maps_tx_port(lb, ELSEWHERE, HARNESS_LOOPBACK);

	for (int version = 4; version <= 6 && !err; version += 2) {
		err = add_sources(lb, version);
		if (!err)
			err = add_address(lb, nat_vip(version, BY_NAT), 0,
					  SERVICE_ADDRESS | SERVICE_NAT | SERVICE_NAT_KEEP);
		if (!err)
			err = add_address(lb, nat_vip(version, BY_L2), 0, SERVICE_ADDRESS);
		for (unsigned int port = BY_NAT; port < BY_END && !err; port++) {
			err = add_service(lb, version, IPPROTO_TCP, port);
			if (!err)
				err = add_service(lb, version, IPPROTO_UDP, port);
		}
	}
	for (unsigned int port = BY_NAT; port < BY_END && !err; port++)
		nat_set_rows(port, port == BY_NAT_NOBODY ? "00" : "A0");
	return err;
}

int nat_fixture_open(struct lb_maps *lb, const struct lb_maps_size *size)
{
	struct lb_maps_size with = *size;
	int err;

	with.flows = size->flows ? size->flows : POISE_MIN_FLOWS;
	with.counters = NAT_TARGETS;
	with.nat_flows = size->nat_flows ? size->nat_flows : NAT_FLOWS;
	if (!size->nat_port_count) {
		with.nat_port_first = NAT_PORT_FIRST;
		with.nat_port_count = NAT_PORT_COUNT;
	}
	err = nat_net_open(&nat_inside, &nat_outside);
	if (err)
		return err;
	err = lb_maps_open(lb, &with);
	if (err)
		return err;
	err = fill(lb);
	if (err) {
		fprintf(stderr, "maps of poise_lb: %s\n", strerror(-err));
		lb_maps_close(lb);
	}
	return err;
}

/* ---- rows and targets */

static __u16 row_half(int variant, unsigned int port, char backend)
{
	return backend == '0' ? 0
	       : backend == '*'
		       ? ROW_TRACKED
		       : nat_target(variant / 2 ? 6 : 4, variant % 2 ? IPPROTO_UDP : IPPROTO_TCP,
				    port, backend);
}

void nat_set_row(unsigned int port, unsigned int index, const char *row)
{
	for (int i = 0; i < 4; i++)
		service_rows[(port - BY_NAT) * 4 + i][index] =
			(struct row){ row_half(i, port, row[0]), row_half(i, port, row[1]) };
}

void nat_set_rows(unsigned int port, const char *row)
{
	for (unsigned int i = 0; i < NAT_ROWS; i++)
		nat_set_row(port, i, row);
}

void nat_lose(struct lb_maps *lb, unsigned int port, const char *backends)
{
	for (int i = 0; i < 4; i++) {
		__u32 service = (port - BY_NAT) * 4 + i;

		for (int k = 0; k < NAT_BACKENDS; k++)
			lb->targets[1 + service * NAT_BACKENDS + k].owner =
				service | (strchr(backends, 'A' + k) ? 0 : TARGET_SERVES);
	}
}
