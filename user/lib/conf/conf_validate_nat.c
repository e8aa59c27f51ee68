// SPDX-License-Identifier: BSD-2-Clause
/* Faults of services in mode nat that no host makes good: sources, ports, and replies that could
 * belong to two services. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_validate.h"
#include "maps/service_table.h"

/* ---- sources */

static void go_source(struct validation *v, size_t source)
{
	conf_path_cut(&v->d->path, 0);
	conf_path_key(&v->d->path, "nat_sources");
	conf_path_item(&v->d->path, source);
}

static int validate_sources(struct validation *v)
{
	const struct addr *sources = v->conf->nat_sources;
	char text[ADDR_TEXT_SIZE], line[32];
	size_t first, second;
	int found;

	found = duplicate_find(sources, sizeof(*sources), v->conf->nat_source_count,
			       sizeof(*sources), &first, &second);
	if (found <= 0)
		return found;
	go_source(v, first);
	validate_line_text(v, line);
	go_source(v, second);
	return decode_refuse(v->d,
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
static int validate_families(struct validation *v)
{
	const struct conf *conf = v->conf;
	const bool has[2] = { has_source(conf, false), has_source(conf, true) };
	char line[32];
	size_t i;

	for (i = 0; conf->nat_source_count && i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];
		bool v4 = addr_is_v4(&service->addr);

		if (!mode_has_nat_table(service->mode) || !service->backend_count || has[v4])
			continue;
		validate_go_backend(v, i, 0);
		validate_line_text(v, line);
		conf_path_cut(&v->d->path, 0);
		conf_path_key(&v->d->path, "nat_sources");
		return decode_refuse(v->d,
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

static int refuse_port(struct validation *v, size_t index)
{
	const struct conf_service *service = &v->conf->services[index];
	char text[ADDR_TEXT_SIZE], other[48];

	validate_go_service(v, index, "listen");
	return decode_refuse(v->d,
			     "expected a port outside nat_ports (%u-%u), %s being one of "
			     "nat_sources, found %u: use another port%s",
			     v->conf->nat_port_first, v->conf->nat_port_last,
			     addr_format(&service->addr, text), service->port,
			     ports_without(v->conf, service->port, other));
}

/* Mode local's packets are none of the packet path's, so they cannot be mixed up with replies. */
static int validate_ports(struct validation *v)
{
	const struct conf *conf = v->conf;
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

		if (!mode_has_sockets(service->mode) && service->port >= conf->nat_port_first &&
		    service->port <= conf->nat_port_last &&
		    bsearch(&service->addr, sorted, conf->nat_source_count, sizeof(*sorted),
			    compare_addrs))
			err = refuse_port(v, i);
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
		if (mode_has_reply_keys(conf->services[i].mode))
			count += conf->services[i].backend_count;
	}
	return count;
}

static void fill_replies(const struct conf *conf, struct reply *reply)
{
	size_t i, j;

	for (i = 0; i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];

		if (!mode_has_reply_keys(service->mode))
			continue;
		for (j = 0; j < service->backend_count; j++) {
			const struct conf_backend *backend = &service->backends[j];

			endpoint_key(&reply->key, &backend->addr,
				     conf_backend_port(service, backend), service->proto);
			reply->service = i;
			reply->backend = j;
			reply++;
		}
	}
}

static int refuse_reply(struct validation *v, const struct reply *first, const struct reply *second)
{
	const struct conf_service *service = &v->conf->services[second->service];
	const struct conf_backend *backend = &service->backends[second->backend];
	char text[ENDPOINT_TEXT_SIZE], line[32];

	validate_go_backend(v, first->service, first->backend);
	validate_line_text(v, line);
	validate_go_backend(v, second->service, second->backend);
	return decode_refuse(v->d,
			     "expected a backend of no other service with source: keep, found %s: "
			     "service \"%s\"%s has it, and its replies would not tell whose they "
			     "are: use another port of the backend, or `source: nat`",
			     listen_format(&backend->addr, conf_backend_port(service, backend),
					   service->proto, text),
			     v->conf->services[first->service].name, line);
}

static int room_take(struct service_bucket *table, const struct addr *addr, __u16 port, __u8 proto,
		     __u8 kind)
{
	static const struct service value = { .row_count = 1 };
	struct service_key key;

	endpoint_key(&key, addr, port, proto);
	key.kind = kind;
	return service_table_set(table, &key, &value);
}

/* All but replies, for which the two buckets of a key are mostly far from full. */
static void rooms_take(const struct conf *conf, struct service_bucket *table)
{
	size_t i;

	for (i = 0; i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];
		bool local = mode_has_sockets(service->mode);

		room_take(table, &service->addr, service->port, service->proto,
			  local ? KEY_LOCAL : KEY_SERVICE);
		if (!local)
			room_take(table, &service->addr, 0, 0, KEY_SERVICE);
	}
	for (i = 0; i < conf->nat_source_count; i++)
		room_take(table, &conf->nat_sources[i], 0, 0, KEY_SERVICE);
}

static int refuse_room(struct validation *v, const struct reply *reply, size_t before, size_t count)
{
	validate_go_backend(v, reply->service, reply->backend);
	return decode_refuse(v->d,
			     "expected fewer backends of services with source: keep, found %zu: "
			     "what the first %zu answer from has filled this one's place in the "
			     "table of services: use `source: nat` for some of the services",
			     count, before);
}

/* The number of keys that find room depends on their addresses and ports, so this tries it. */
static int validate_room(struct validation *v, const struct reply *replies, size_t count)
{
	struct service_bucket *table;
	int err = 0;
	size_t i;

	if (!count)
		return 0;
	table = calloc(SERVICE_BUCKETS, sizeof(*table));
	if (!table)
		return -ENOMEM;
	rooms_take(v->conf, table);
	for (i = 0; i < count && !err; i++) {
		const struct conf_service *service = &v->conf->services[replies[i].service];
		const struct conf_backend *backend = &service->backends[replies[i].backend];

		if (room_take(table, &backend->addr, conf_backend_port(service, backend),
			      service->proto, KEY_REPLY))
			err = refuse_room(v, &replies[i], i, count);
	}
	free(table);
	return err;
}

static int validate_replies(struct validation *v)
{
	size_t count = count_replies(v->conf), first, second;
	struct reply *replies;
	int found;

	replies = calloc(count + 1, sizeof(*replies));
	if (!replies)
		return -ENOMEM;
	fill_replies(v->conf, replies);
	found = duplicate_find(replies, sizeof(*replies), count, sizeof(replies->key), &first,
			       &second);
	if (found > 0)
		found = refuse_reply(v, &replies[first], &replies[second]);
	else if (!found)
		found = validate_room(v, replies, count);
	free(replies);
	return found;
}

int validate_nat(struct validation *v)
{
	int err;

	err = validate_sources(v);
	if (!err)
		err = validate_families(v);
	if (!err)
		err = validate_ports(v);
	if (!err)
		err = validate_replies(v);
	return err;
}
