// SPDX-License-Identifier: BSD-2-Clause
/* What is wrong with mode nat's services whatever the host: sources, ports, whose a reply is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"
#include "service_table.h"

/* ---- sources */

static void go_source(struct checker *c, size_t source)
{
	conf_path_cut(&c->d->path, 0);
	conf_path_key(&c->d->path, "nat_sources");
	conf_path_item(&c->d->path, source);
}

static int check_sources(struct checker *c)
{
	const struct addr *sources = c->conf->nat_sources;
	char text[ADDR_TEXT_SIZE], line[32];
	size_t first, second;
	int found;

	found = check_duplicate(sources, sizeof(*sources), c->conf->nat_source_count,
				sizeof(*sources), &first, &second);
	if (found <= 0)
		return found;
	go_source(c, first);
	check_line(c, line);
	go_source(c, second);
	return decode_refuse(c->d,
			     "expected each address once, found %s again: nat_sources[%zu]%s has "
			     "it",
			     addr_format(&sources[second], text), first, line);
}

static bool has_source(const struct conf *conf, bool v4)
{
	size_t i;

	for (i = 0; i < conf->nat_source_count; i++) {
		if (addr_is_v4(&conf->nat_sources[i]) == v4)
			return true;
	}
	return false;
}

/* Backends are of their service's family by now. */
static int check_families(struct checker *c)
{
	const struct conf *conf = c->conf;
	const bool has[2] = { has_source(conf, false), has_source(conf, true) };
	char line[32];
	size_t i;

	for (i = 0; conf->nat_source_count && i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];
		bool v4 = addr_is_v4(&service->addr);

		if (service->mode != MODE_NAT || !service->backend_count || has[v4])
			continue;
		check_go_backend(c, i, 0);
		check_line(c, line);
		conf_path_cut(&c->d->path, 0);
		conf_path_key(&c->d->path, "nat_sources");
		return decode_refuse(c->d,
				     "expected an %s address, too, for the backends of service "
				     "\"%s\"%s, found %s ones only: add one, or leave nat_sources "
				     "out for the address of the outgoing interface",
				     v4 ? "IPv4" : "IPv6", service->name, line,
				     v4 ? "IPv6" : "IPv4");
	}
	return 0;
}

/* ---- ports: what comes to a source at one of them is a backend's reply */

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* The larger part of the ports that leaves this one out, if it is large enough. */
static const char *ports_without(const struct conf *conf, __u16 port, char buf[48])
{
	int below = port - conf->nat_port_first, above = conf->nat_port_last - port;

	buf[0] = '\0';
	if (below > above && below >= CONF_MIN_NAT_PORTS)
		snprintf(buf, 48, " or e.g. `nat_ports: %u-%u`", conf->nat_port_first, port - 1);
	else if (above >= below && above >= CONF_MIN_NAT_PORTS)
		snprintf(buf, 48, " or e.g. `nat_ports: %u-%u`", port + 1, conf->nat_port_last);
	return buf;
}

static int refuse_port(struct checker *c, size_t index)
{
	const struct conf_service *service = &c->conf->services[index];
	char text[ADDR_TEXT_SIZE], other[48];

	check_go_service(c, index, "listen");
	return decode_refuse(c->d,
			     "expected a port outside nat_ports (%u-%u), %s being one of "
			     "nat_sources, found %u: use another port%s",
			     c->conf->nat_port_first, c->conf->nat_port_last,
			     addr_format(&service->addr, text), service->port,
			     ports_without(c->conf, service->port, other));
}

/* Mode local's packets are none of the packet path's, so they cannot be mixed up with replies. */
static int check_ports(struct checker *c)
{
	const struct conf *conf = c->conf;
	struct addr *sorted;
	int err = 0;
	size_t i;

	sorted = calloc(conf->nat_source_count + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < conf->nat_source_count; i++)
		sorted[i] = conf->nat_sources[i];
	qsort(sorted, conf->nat_source_count, sizeof(*sorted), compare_addrs);
	for (i = 0; !err && i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];

		if (service->mode != MODE_LOCAL && service->port >= conf->nat_port_first &&
		    service->port <= conf->nat_port_last &&
		    bsearch(&service->addr, sorted, conf->nat_source_count, sizeof(*sorted),
			    compare_addrs))
			err = refuse_port(c, i);
	}
	free(sorted);
	return err;
}

/* ---- `source: keep`: a reply is known by who sends it alone */

struct reply {
	struct service_key key;
	__u32 service, backend; /* indices */
};

static size_t count_replies(const struct conf *conf)
{
	size_t count = 0, i;

	for (i = 0; i < conf->service_count; i++) {
		if (conf->services[i].mode == MODE_NAT_KEEP)
			count += conf->services[i].backend_count;
	}
	return count;
}

static void fill_replies(const struct conf *conf, struct reply *reply)
{
	size_t i, j;

	for (i = 0; i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];

		for (j = 0; service->mode == MODE_NAT_KEEP && j < service->backend_count; j++) {
			const struct conf_backend *backend = &service->backends[j];

			check_key(&reply->key, &backend->addr, conf_backend_port(service, backend),
				  service->proto);
			reply->service = i;
			reply->backend = j;
			reply++;
		}
	}
}

static int refuse_reply(struct checker *c, const struct reply *first, const struct reply *second)
{
	const struct conf_service *service = &c->conf->services[second->service];
	const struct conf_backend *backend = &service->backends[second->backend];
	char text[ENDPOINT_TEXT_SIZE], line[32];

	check_go_backend(c, first->service, first->backend);
	check_line(c, line);
	check_go_backend(c, second->service, second->backend);
	return decode_refuse(c->d,
			     "expected a backend of no other service with source: keep, found %s: "
			     "service \"%s\"%s has it, and its replies would not tell whose they "
			     "are: use another port of the backend, or `source: nat`",
			     listen_format(&backend->addr, conf_backend_port(service, backend),
					   service->proto, text),
			     c->conf->services[first->service].name, line);
}

static int room_take(struct service_bucket *table, const struct addr *addr, __u16 port, __u8 proto,
		     __u8 kind)
{
	static const struct service value = { .row_count = 1 };
	struct service_key key;

	check_key(&key, addr, port, proto);
	key.kind = kind;
	return service_table_set(table, &key, &value);
}

/* All but replies, for which the two buckets of a key are mostly far from full. */
static void rooms_take(const struct conf *conf, struct service_bucket *table)
{
	size_t i;

	for (i = 0; i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];
		bool local = service->mode == MODE_LOCAL;

		room_take(table, &service->addr, service->port, service->proto,
			  local ? KEY_LOCAL : KEY_SERVICE);
		if (!local)
			room_take(table, &service->addr, 0, 0, KEY_SERVICE);
	}
	for (i = 0; i < conf->nat_source_count; i++)
		room_take(table, &conf->nat_sources[i], 0, 0, KEY_SERVICE);
}

static int refuse_room(struct checker *c, const struct reply *reply, size_t before, size_t count)
{
	check_go_backend(c, reply->service, reply->backend);
	return decode_refuse(c->d,
			     "expected fewer backends of services with source: keep, found %zu: "
			     "what the first %zu answer from has filled this one's place in the "
			     "table of services: use `source: nat` for some of the services",
			     count, before);
}

/* How many find room depends on their addresses and ports: it is tried. */
static int check_room(struct checker *c, const struct reply *replies, size_t count)
{
	struct service_bucket *table;
	int err = 0;
	size_t i;

	if (!count)
		return 0;
	table = calloc(SERVICE_BUCKETS, sizeof(*table));
	if (!table)
		return -ENOMEM;
	rooms_take(c->conf, table);
	for (i = 0; i < count && !err; i++) {
		const struct conf_service *service = &c->conf->services[replies[i].service];
		const struct conf_backend *backend = &service->backends[replies[i].backend];

		if (room_take(table, &backend->addr, conf_backend_port(service, backend),
			      service->proto, KEY_REPLY))
			err = refuse_room(c, &replies[i], i, count);
	}
	free(table);
	return err;
}

static int check_replies(struct checker *c)
{
	size_t count = count_replies(c->conf), first, second;
	struct reply *replies;
	int found;

	replies = calloc(count + 1, sizeof(*replies));
	if (!replies)
		return -ENOMEM;
	fill_replies(c->conf, replies);
	found = check_duplicate(replies, sizeof(*replies), count, sizeof(replies->key), &first,
				&second);
	if (found > 0)
		found = refuse_reply(c, &replies[first], &replies[second]);
	else if (!found)
		found = check_room(c, replies, count);
	free(replies);
	return found;
}

int check_nat(struct checker *c)
{
	int err;

	err = check_sources(c);
	if (!err)
		err = check_families(c);
	if (!err)
		err = check_ports(c);
	if (!err)
		err = check_replies(c);
	return err;
}
