// SPDX-License-Identifier: BSD-2-Clause
/* The last step of decoding finds faults that no single value shows, whatever the modes are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_validate.h"

static void go_interface(struct validation *v, size_t interface)
{
	conf_path_cut(&v->d->path, 0);
	validate_go_item(v, json_object_get(v->tree, "interfaces"), "interfaces", interface,
			 "name");
}

static int validate_interfaces(struct validation *v)
{
	const struct conf_interface *interfaces = v->conf->interfaces;
	size_t first, second;
	char line[32];
	int found;

	found = duplicate_find(interfaces, sizeof(*interfaces), v->conf->interface_count,
			       sizeof(interfaces->name), &first, &second);
	if (found <= 0)
		return found;
	go_interface(v, first);
	validate_line_text(v, line);
	go_interface(v, second);
	return decode_refuse(v->d, "expected each interface once, found %s again%s%s",
			     interfaces[second].name, line[0] ? ", first" : "", line);
}

static int validate_names(struct validation *v)
{
	const struct conf_service *services = v->conf->services;
	size_t first, second;
	char line[32];
	int found;

	found = duplicate_find(services, sizeof(*services), v->conf->service_count,
			       sizeof(services->name), &first, &second);
	if (found <= 0)
		return found;
	validate_go_service(v, first, "name");
	validate_line_text(v, line);
	validate_go_service(v, second, "name");
	return decode_refuse(v->d,
			     "expected a name of its own, found \"%s\": services[%zu]%s has it",
			     services[second].name, first, line);
}

static int validate_listens(struct validation *v)
{
	const struct conf_service *services = v->conf->services;
	char line[32], listen[ENDPOINT_TEXT_SIZE];
	size_t first, second, i;
	struct service_key *keys;
	int found;

	keys = calloc(v->conf->service_count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < v->conf->service_count; i++)
		endpoint_key(&keys[i], &services[i].addr, services[i].port, services[i].proto);
	found = duplicate_find(keys, sizeof(*keys), v->conf->service_count, sizeof(*keys), &first,
			       &second);
	free(keys);
	if (found <= 0)
		return found;
	validate_go_service(v, first, "listen");
	validate_line_text(v, line);
	validate_go_service(v, second, "listen");
	return decode_refuse(v->d,
			     "expected an endpoint of its own, found %s: service \"%s\"%s has it",
			     listen_format(&services[second].addr, services[second].port,
					   services[second].proto, listen),
			     services[first].name, line);
}

static int refuse_again(struct validation *v, size_t index, size_t first, size_t second)
{
	const struct conf_service *service = &v->conf->services[index];
	const struct conf_backend *backend = &service->backends[second];
	char text[ENDPOINT_TEXT_SIZE], line[32];
	bool ports = mode_has_ports(service->mode);
	const char *why = "";

	validate_go_backend(v, index, first);
	validate_line_text(v, line);
	validate_go_backend(v, index, second);
	if (ports)
		endpoint_format(&backend->addr, conf_backend_port(service, backend), text);
	else
		endpoint_format(&backend->addr, 0, text);
	if (service->backends[first].port != backend->port)
		why = ports ? " (without a port it is the service's)"
			    : ", and a port only says where checks go";
	return decode_refuse(v->d,
			     "expected each address%s once, found %s again: backends[%zu]%s "
			     "has it%s",
			     ports ? " and port" : "", text, first, line, why);
}

static int validate_duplicate_backends(struct validation *v, size_t index)
{
	const struct conf_service *service = &v->conf->services[index];
	bool ports = mode_has_ports(service->mode);
	size_t first, second, i;
	struct service_key *keys;
	int found;

	keys = calloc(service->backend_count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < service->backend_count; i++) {
		const struct conf_backend *backend = &service->backends[i];

		endpoint_key(&keys[i], &backend->addr,
			     ports ? conf_backend_port(service, backend) : 0, service->proto);
	}
	found = duplicate_find(keys, sizeof(*keys), service->backend_count, sizeof(*keys), &first,
			       &second);
	free(keys);
	return found <= 0 ? found : refuse_again(v, index, first, second);
}

static bool carries_both_families(const struct mode_ops *ops, const void *arg)
{
	(void)arg;
	return !ops->one_family && !ops->sockets;
}

static int validate_backends(struct validation *v, size_t index)
{
	const struct conf_service *service = &v->conf->services[index];
	bool v4 = addr_is_v4(&service->addr);
	char text[ADDR_TEXT_SIZE], others[MODE_WORDS_SIZE];
	size_t i;

	if (service->backend_count >= service->rows) {
		validate_go_service(v, index, "rows");
		return decode_refuse(v->d, "expected more rows than backends (%zu), found %u",
				     service->backend_count, service->rows);
	}
	for (i = 0; mode_of(service->mode)->one_family && i < service->backend_count; i++) {
		if (addr_is_v4(&service->backends[i].addr) == v4)
			continue;
		validate_go_backend(v, index, i);
		return decode_refuse(v->d,
				     "expected %s address like the service's (mode %s carries no "
				     "other family; %s do), found %s",
				     v4 ? "an IPv4" : "an IPv6", mode_name(service->mode),
				     mode_words_join(carries_both_families, NULL, " and ", others),
				     addr_format(&service->backends[i].addr, text));
	}
	return validate_duplicate_backends(v, index);
}

static int validate_total(struct validation *v)
{
	const struct conf *conf = v->conf;
	size_t room = conf->max_backends - 1, total = 0, i;

	for (i = 0; i < conf->service_count; i++)
		total += conf->services[i].backend_count;
	if (total <= room)
		return 0;
	/* At the first backend that finds no room. */
	for (i = 0; conf->services[i].backend_count <= room; i++)
		room -= conf->services[i].backend_count;
	validate_go_backend(v, i, room);
	if (total >= POISE_MAX_BACKENDS)
		return decode_refuse(v->d, "expected at most %d backends in all, found %zu",
				     POISE_MAX_BACKENDS - 1, total);
	return decode_refuse(v->d,
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

static int refuse_vip(struct validation *v, size_t service, size_t backend,
		      const struct conf_service *other)
{
	char line[32], text[ADDR_TEXT_SIZE];

	validate_go_service(v, other - v->conf->services, "listen");
	validate_line_text(v, line);
	validate_go_backend(v, service, backend);
	return decode_refuse(v->d,
			     "expected an address that no service listens on, found %s: service "
			     "\"%s\"%s does",
			     addr_format(&other->addr, text), other->name, line);
}

/* Packets for such a backend would come back to the balancer that sent them. For sockets of this
 * host validate_local() has the rules. */
static int validate_vips(struct validation *v)
{
	const struct conf *conf = v->conf;
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
		if (mode_has_sockets(conf->services[i].mode))
			continue;
		for (j = 0; !err && j < conf->services[i].backend_count; j++) {
			other = find_service(sorted, conf->service_count,
					     &conf->services[i].backends[j].addr);
			if (other)
				err = refuse_vip(v, i, j, other);
		}
	}
	free(sorted);
	return err;
}

int conf_validate(struct decode *d, const json_t *tree, const struct conf *conf)
{
	struct validation v = { .d = d, .tree = tree, .conf = conf };
	size_t i;
	int err;

	err = validate_interfaces(&v);
	if (!err)
		err = validate_names(&v);
	if (!err)
		err = validate_listens(&v);
	for (i = 0; !err && i < conf->service_count; i++)
		err = validate_backends(&v, i);
	if (!err)
		err = validate_vips(&v);
	if (!err)
		err = validate_nat(&v);
	if (!err)
		err = validate_local(&v);
	if (!err)
		err = validate_total(&v);
	return err == -ENOMEM ? conf_no_memory(d->error) : err;
}
