// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode's last part: what no single value shows. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_decode.h"

struct checker {
	struct decode *d;
	const json_t *tree;
	const struct conf *conf;
};

/* ---- duplicates: keys of fixed length, sorted; of all pairs the one that ends first is told */

static int compare_keys(const void *a, const void *b, void *length)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	int order = memcmp(left, right, *(const size_t *)length);

	/* Equal ones stay in the order of the file, which is that of their addresses. */
	return order ? order : (left > right) - (left < right);
}

/* 1: items *first and *second have the same key, which begins each item. 0: none. -ENOMEM. */
static int find_duplicate(const void *items, size_t item_size, size_t count, size_t key_length,
			  size_t *first, size_t *second)
{
	const char **sorted;
	size_t start = 0, i, at;

	if (count < 2)
		return 0;
	sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		sorted[i] = (const char *)items + i * item_size;
	qsort_r(sorted, count, sizeof(*sorted), compare_keys, &key_length);
	*second = count;
	for (i = 1; i < count; i++) {
		if (memcmp(sorted[start], sorted[i], key_length)) {
			start = i;
			continue;
		}
		at = (sorted[i] - (const char *)items) / item_size;
		if (at < *second) {
			*second = at;
			*first = (sorted[start] - (const char *)items) / item_size;
		}
	}
	free(sorted);
	return *second < count;
}

/* ---- where things are in the tree */

/* An item of a list that may be written in short: its key is only part of the path if it is there.
 */
static void go_item(struct checker *c, const json_t *list, const char *name, size_t index,
		    const char *key)
{
	conf_path_key(&c->d->path, name);
	conf_path_item(&c->d->path, index);
	if (json_is_object(json_array_get(list, index)))
		conf_path_key(&c->d->path, key);
}

static void go_service(struct checker *c, size_t service, const char *key)
{
	conf_path_cut(&c->d->path, 0);
	go_item(c, json_object_get(c->tree, "services"), "services", service, key);
}

static void go_backend(struct checker *c, size_t service, size_t backend)
{
	const json_t *services = json_object_get(c->tree, "services");
	const json_t *backends = json_object_get(json_array_get(services, service), "backends");

	conf_path_cut(&c->d->path, 0);
	conf_path_key(&c->d->path, "services");
	conf_path_item(&c->d->path, service);
	go_item(c, backends, "backends", backend, "address");
}

static void go_interface(struct checker *c, size_t interface)
{
	conf_path_cut(&c->d->path, 0);
	go_item(c, json_object_get(c->tree, "interfaces"), "interfaces", interface, "name");
}

/* " (line 12)" for the current path, empty where the tree has no lines. */
static const char *line_here(const struct checker *c, char buf[32])
{
	int line, column;

	buf[0] = '\0';
	if (c->d->marks && conf_mark_get(c->d->marks, &c->d->path, CONF_MARK_VALUE, &line, &column))
		snprintf(buf, 32, " (line %d)", line);
	return buf;
}

/* ---- the checks */

static int check_interfaces(struct checker *c)
{
	const struct conf_interface *interfaces = c->conf->interfaces;
	size_t first, second;
	char line[32];
	int found;

	found = find_duplicate(interfaces, sizeof(*interfaces), c->conf->interface_count,
			       sizeof(interfaces->name), &first, &second);
	if (found <= 0)
		return found;
	go_interface(c, first);
	line_here(c, line);
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

	found = find_duplicate(services, sizeof(*services), c->conf->service_count,
			       sizeof(services->name), &first, &second);
	if (found <= 0)
		return found;
	go_service(c, first, "name");
	line_here(c, line);
	go_service(c, second, "name");
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
	for (i = 0; i < c->conf->service_count; i++) {
		memcpy(keys[i].addr, services[i].addr.b, sizeof(keys[i].addr));
		keys[i].port = htons(services[i].port);
		keys[i].proto = services[i].proto;
	}
	found = find_duplicate(keys, sizeof(*keys), c->conf->service_count, sizeof(*keys), &first,
			       &second);
	free(keys);
	if (found <= 0)
		return found;
	go_service(c, first, "listen");
	line_here(c, line);
	go_service(c, second, "listen");
	return decode_refuse(c->d,
			     "expected an endpoint of its own, found %s: service \"%s\"%s has it",
			     listen_format(&services[second].addr, services[second].port,
					   services[second].proto, listen),
			     services[first].name, line);
}

static int check_duplicate_backends(struct checker *c, size_t index)
{
	const struct conf_service *service = &c->conf->services[index];
	const struct conf_backend *backends = service->backends;
	char text[ADDR_TEXT_SIZE], line[32];
	size_t first, second;
	bool same_port;
	int found;

	found = find_duplicate(backends, sizeof(*backends), service->backend_count,
			       sizeof(backends->addr), &first, &second);
	if (found <= 0)
		return found;
	go_backend(c, index, first);
	line_here(c, line);
	go_backend(c, index, second);
	same_port = backends[first].port == backends[second].port;
	return decode_refuse(c->d, "expected each address once, found %s again: backends[%zu]%s%s",
			     addr_format(&backends[second].addr, text), first, line,
			     same_port ? " has it"
				       : " has it, and a port only says where checks go");
}

static int check_backends(struct checker *c, size_t index)
{
	const struct conf_service *service = &c->conf->services[index];
	bool v4 = addr_is_v4(&service->addr);
	char text[ADDR_TEXT_SIZE];
	size_t i;

	if (service->backend_count >= service->rows) {
		go_service(c, index, "rows");
		return decode_refuse(c->d, "expected more rows than backends (%zu), found %u",
				     service->backend_count, service->rows);
	}
	for (i = 0; service->mode == MODE_L2 && i < service->backend_count; i++) {
		if (addr_is_v4(&service->backends[i].addr) == v4)
			continue;
		go_backend(c, index, i);
		return decode_refuse(c->d,
				     "expected %s address like the service's (mode l2 carries no "
				     "other family; ipip and gue do), found %s",
				     v4 ? "an IPv4" : "an IPv6",
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
	go_backend(c, i, room);
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

	go_service(c, other - c->conf->services, "listen");
	line_here(c, line);
	go_backend(c, service, backend);
	return decode_refuse(c->d,
			     "expected an address that no service listens on, found %s: service "
			     "\"%s\"%s does",
			     addr_format(&other->addr, text), other->name, line);
}

/* Packets for such a backend would come back to the balancer that sent them. */
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
		err = check_total(&c);
	return err == -ENOMEM ? conf_no_memory(d->error) : err;
}
