// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode's last part: what no single value shows, whatever the modes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"

static void go_interface(struct checker *c, size_t interface)
{
	conf_path_cut(&c->d->path, 0);
	check_go_item(c, json_object_get(c->tree, "interfaces"), "interfaces", interface, "name");
}

static int check_interfaces(struct checker *c)
{
	const struct conf_interface *interfaces = c->conf->interfaces;
	size_t first, second;
	char line[32];
	int found;

	found = check_duplicate(interfaces, sizeof(*interfaces), c->conf->interface_count,
				sizeof(interfaces->name), &first, &second);
	if (found <= 0)
		return found;
	go_interface(c, first);
	check_line(c, line);
	go_interface(c, second);
	return decode_refuse(c->d, "expected each interface once, found %s again%s%s",
			     interfaces[second].name, line[0] ? ", first" : "", line);
}

static int check_names(struct checker *c)
{
	const struct conf_service *services = c->conf->services;
	size_t first, second;
	char line[32];
	int found;

	found = check_duplicate(services, sizeof(*services), c->conf->service_count,
				sizeof(services->name), &first, &second);
	if (found <= 0)
		return found;
	check_go_service(c, first, "name");
	check_line(c, line);
	check_go_service(c, second, "name");
	return decode_refuse(c->d,
			     "expected a name of its own, found \"%s\": services[%zu]%s has it",
			     services[second].name, first, line);
}

static int check_listens(struct checker *c)
{
	const struct conf_service *services = c->conf->services;
	char line[32], listen[ENDPOINT_TEXT_SIZE];
	size_t first, second, i;
	struct service_key *keys;
	int found;

	keys = calloc(c->conf->service_count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < c->conf->service_count; i++)
		check_key(&keys[i], &services[i].addr, services[i].port, services[i].proto);
	found = check_duplicate(keys, sizeof(*keys), c->conf->service_count, sizeof(*keys), &first,
				&second);
	free(keys);
	if (found <= 0)
		return found;
	check_go_service(c, first, "listen");
	check_line(c, line);
	check_go_service(c, second, "listen");
	return decode_refuse(c->d,
			     "expected an endpoint of its own, found %s: service \"%s\"%s has it",
			     listen_format(&services[second].addr, services[second].port,
					   services[second].proto, listen),
			     services[first].name, line);
}

/* In which modes a backend is a socket's address: it may stand more than once, with other ports. */
static bool has_ports(const struct conf_service *service)
{
	return service->mode == MODE_NAT || service->mode == MODE_NAT_KEEP ||
	       service->mode == MODE_LOCAL;
}

static int refuse_again(struct checker *c, size_t index, size_t first, size_t second)
{
	const struct conf_service *service = &c->conf->services[index];
	const struct conf_backend *backend = &service->backends[second];
	char text[ENDPOINT_TEXT_SIZE], line[32];
	const char *why = "";

	check_go_backend(c, index, first);
	check_line(c, line);
	check_go_backend(c, index, second);
	if (has_ports(service))
		endpoint_format(&backend->addr, conf_backend_port(service, backend), text);
	else
		endpoint_format(&backend->addr, 0, text);
	if (service->backends[first].port != backend->port)
		why = has_ports(service) ? " (without a port it is the service's)"
					 : ", and a port only says where checks go";
	return decode_refuse(c->d,
			     "expected each address%s once, found %s again: backends[%zu]%s "
			     "has it%s",
			     has_ports(service) ? " and port" : "", text, first, line, why);
}

static int check_duplicate_backends(struct checker *c, size_t index)
{
	const struct conf_service *service = &c->conf->services[index];
	bool ports = has_ports(service);
	size_t first, second, i;
	struct service_key *keys;
	int found;

	keys = calloc(service->backend_count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < service->backend_count; i++) {
		const struct conf_backend *backend = &service->backends[i];

		check_key(&keys[i], &backend->addr, ports ? conf_backend_port(service, backend) : 0,
			  service->proto);
	}
	found = check_duplicate(keys, sizeof(*keys), service->backend_count, sizeof(*keys), &first,
				&second);
	free(keys);
	return found <= 0 ? found : refuse_again(c, index, first, second);
}

static bool carries_one_family(enum poise_mode mode)
{
	return mode == MODE_L2 || mode == MODE_NAT || mode == MODE_NAT_KEEP;
}

static int check_backends(struct checker *c, size_t index)
{
	const struct conf_service *service = &c->conf->services[index];
	bool v4 = addr_is_v4(&service->addr);
	char text[ADDR_TEXT_SIZE];
	size_t i;

	if (service->backend_count >= service->rows) {
		check_go_service(c, index, "rows");
		return decode_refuse(c->d, "expected more rows than backends (%zu), found %u",
				     service->backend_count, service->rows);
	}
	for (i = 0; carries_one_family(service->mode) && i < service->backend_count; i++) {
		if (addr_is_v4(&service->backends[i].addr) == v4)
			continue;
		check_go_backend(c, index, i);
		return decode_refuse(c->d,
				     "expected %s address like the service's (mode %s carries no "
				     "other family; ipip and gue do), found %s",
				     v4 ? "an IPv4" : "an IPv6", mode_name(service->mode),
				     addr_format(&service->backends[i].addr, text));
	}
	return check_duplicate_backends(c, index);
}

static int check_total(struct checker *c)
{
	const struct conf *conf = c->conf;
	size_t room = conf->max_backends - 1, total = 0, i;

	for (i = 0; i < conf->service_count; i++)
		total += conf->services[i].backend_count;
	if (total <= room)
		return 0;
	/* At the first backend that finds no room. */
	for (i = 0; conf->services[i].backend_count <= room; i++)
		room -= conf->services[i].backend_count;
	check_go_backend(c, i, room);
	if (total >= POISE_MAX_BACKENDS)
		return decode_refuse(c->d, "expected at most %d backends in all, found %zu",
				     POISE_MAX_BACKENDS - 1, total);
	return decode_refuse(c->d,
			     "expected at most %u backends in all (max_backends less one), found "
			     "%zu: set max_backends: %zu or more",
			     conf->max_backends - 1, total, total + 1);
}

static int compare_service_addrs(const void *a, const void *b)
{
	const struct conf_service *left = *(const struct conf_service *const *)a;
	const struct conf_service *right = *(const struct conf_service *const *)b;
	int order = memcmp(&left->addr, &right->addr, sizeof(left->addr));

	return order ? order : (left > right) - (left < right);
}

/* The first in the file of the services with this address, NULL if there is none. */
static const struct conf_service *find_service(const struct conf_service *const *sorted,
					       size_t count, const struct addr *addr)
{
	size_t low = 0, high = count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(&sorted[middle]->addr, addr, sizeof(*addr)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && addr_equal(&sorted[low]->addr, addr) ? sorted[low] : NULL;
}

static int refuse_vip(struct checker *c, size_t service, size_t backend,
		      const struct conf_service *other)
{
	char line[32], text[ADDR_TEXT_SIZE];

	check_go_service(c, other - c->conf->services, "listen");
	check_line(c, line);
	check_go_backend(c, service, backend);
	return decode_refuse(c->d,
			     "expected an address that no service listens on, found %s: service "
			     "\"%s\"%s does",
			     addr_format(&other->addr, text), other->name, line);
}

/* Packets for such a backend would come back to the balancer that sent them. Of mode local's
 * backends only the sockets matter: see check_local. */
static int check_vips(struct checker *c)
{
	const struct conf *conf = c->conf;
	const struct conf_service **sorted, *other;
	size_t i, j;
	int err = 0;

	sorted = calloc(conf->service_count + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < conf->service_count; i++)
		sorted[i] = &conf->services[i];
	qsort(sorted, conf->service_count, sizeof(*sorted), compare_service_addrs);
	for (i = 0; !err && i < conf->service_count; i++) {
		if (conf->services[i].mode == MODE_LOCAL)
			continue;
		for (j = 0; !err && j < conf->services[i].backend_count; j++) {
			other = find_service(sorted, conf->service_count,
					     &conf->services[i].backends[j].addr);
			if (other)
				err = refuse_vip(c, i, j, other);
		}
	}
	free(sorted);
	return err;
}

int conf_check_all(struct decode *d, const json_t *tree, const struct conf *conf)
{
	struct checker c = { .d = d, .tree = tree, .conf = conf };
	size_t i;
	int err;

	err = check_interfaces(&c);
	if (!err)
		err = check_names(&c);
	if (!err)
		err = check_listens(&c);
	for (i = 0; !err && i < conf->service_count; i++)
		err = check_backends(&c, i);
	if (!err)
		err = check_vips(&c);
	if (!err)
		err = check_nat(&c);
	if (!err)
		err = check_local(&c);
	if (!err)
		err = check_total(&c);
	return err == -ENOMEM ? conf_no_memory(d->error) : err;
}
