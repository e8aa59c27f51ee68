// SPDX-License-Identifier: BSD-2-Clause
/* What is wrong with mode local's services whatever the host: families and circles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"

/* What a service of mode local listens on. */
struct listen {
	struct service_key key;
	__u32 service; /* index */
};

static const struct addr v4_any = { { [10] = 0xff, [11] = 0xff } };
static const struct addr v6_any;

static int compare_listens(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct service_key));
}

static size_t fill_listens(const struct conf *conf, struct listen *listens)
{
	size_t count = 0, i;

	for (i = 0; i < conf->service_count; i++) {
		const struct conf_service *service = &conf->services[i];

		if (service->mode != MODE_LOCAL)
			continue;
		check_key(&listens[count].key, &service->addr, service->port, service->proto);
		listens[count++].service = i;
	}
	qsort(listens, count, sizeof(*listens), compare_listens);
	return count;
}

/* The service that takes connections to this address and port, NULL if there is none. */
static const struct listen *find_listen(const struct listen *listens, size_t count,
					const struct addr *addr, __u16 port, __u8 proto)
{
	const struct addr *covers[] = { addr, addr_is_v4(addr) ? &v4_any : &v6_any, &v6_any };
	const struct listen *found = NULL;
	struct service_key key;
	size_t i;

	for (i = 0; !found && i < sizeof(covers) / sizeof(*covers); i++) {
		check_key(&key, covers[i], port, proto);
		found = bsearch(&key, listens, count, sizeof(*listens), compare_listens);
	}
	return found;
}

static int refuse_circle(struct checker *c, size_t index, size_t backend,
			 const struct listen *listen)
{
	const struct conf_service *service = &c->conf->services[index];
	const struct conf_service *other = &c->conf->services[listen->service];
	char text[ENDPOINT_TEXT_SIZE], taken[ENDPOINT_TEXT_SIZE], line[32];

	check_go_service(c, listen->service, "listen");
	check_line(c, line);
	check_go_backend(c, index, backend);
	return decode_refuse(c->d,
			     "expected an endpoint that no service of mode local listens on, found "
			     "%s: service \"%s\"%s does, on %s: let the server listen on another "
			     "port",
			     endpoint_format(&service->backends[backend].addr,
					     service->backends[backend].port, text),
			     other->name, line,
			     listen_format(&other->addr, other->port, other->proto, taken));
}

static int check_service(struct checker *c, size_t index, const struct listen *listens,
			 size_t count)
{
	const struct conf_service *service = &c->conf->services[index];
	/* Wildcard :: is for clients of both families. */
	bool v6 = !addr_is_v4(&service->addr) && !addr_equal(&service->addr, &v6_any);
	const struct listen *listen;
	char text[ADDR_TEXT_SIZE];
	size_t i;

	for (i = 0; i < service->backend_count; i++) {
		const struct conf_backend *backend = &service->backends[i];

		if (v6 && addr_is_v4(&backend->addr)) {
			check_go_backend(c, index, i);
			return decode_refuse(c->d,
					     "expected an IPv6 address like the service's (an "
					     "IPv4 socket takes no IPv6 connections), found %s",
					     addr_format(&backend->addr, text));
		}
		listen = find_listen(listens, count, &backend->addr, backend->port, service->proto);
		if (listen)
			return refuse_circle(c, index, i, listen);
	}
	return 0;
}

int check_local(struct checker *c)
{
	const struct conf *conf = c->conf;
	struct listen *listens;
	size_t count, i;
	int err = 0;

	listens = calloc(conf->service_count + 1, sizeof(*listens));
	if (!listens)
		return -ENOMEM;
	count = fill_listens(conf, listens);
	for (i = 0; !err && count && i < conf->service_count; i++) {
		if (conf->services[i].mode == MODE_LOCAL)
			err = check_service(c, i, listens, count);
	}
	free(listens);
	return err;
}
