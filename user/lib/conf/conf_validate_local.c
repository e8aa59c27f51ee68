// SPDX-License-Identifier: BSD-2-Clause
/* Faults of services in mode local that no host makes good: families and circles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "conf/conf_validate.h"

/* A service of mode local, and what it listens on. */
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

		if (!mode_has_sockets(service->mode))
			continue;
		endpoint_key(&listens[count].key, &service->addr, service->port, service->proto);
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

	for (i = 0; !found && i < ARRAY_SIZE(covers); i++) {
		endpoint_key(&key, covers[i], port, proto);
		found = bsearch(&key, listens, count, sizeof(*listens), compare_listens);
	}
	return found;
}

static int refuse_circle(struct validation *v, size_t index, size_t backend,
			 const struct listen *listen)
{
	const struct conf_service *service = &v->conf->services[index];
	const struct conf_service *other = &v->conf->services[listen->service];
	char text[ENDPOINT_TEXT_SIZE], taken[ENDPOINT_TEXT_SIZE], line[32];

	validate_go_service(v, listen->service, "listen");
	validate_line_text(v, line);
	validate_go_backend(v, index, backend);
	return decode_refuse(v->d,
			     "expected an endpoint that no service of mode local listens on, found "
			     "%s: service \"%s\"%s does, on %s: let the server listen on another "
			     "port",
			     endpoint_format(&service->backends[backend].addr,
					     service->backends[backend].port, text),
			     other->name, line,
			     listen_format(&other->addr, other->port, other->proto, taken));
}

static int validate_service(struct validation *v, size_t index, const struct listen *listens,
			    size_t count)
{
	const struct conf_service *service = &v->conf->services[index];
	/* Wildcard :: is for clients of both families. */
	bool v6 = !addr_is_v4(&service->addr) && !addr_equal(&service->addr, &v6_any);
	const struct listen *listen;
	char text[ADDR_TEXT_SIZE];
	size_t i;

	for (i = 0; i < service->backend_count; i++) {
		const struct conf_backend *backend = &service->backends[i];

		if (v6 && addr_is_v4(&backend->addr)) {
			validate_go_backend(v, index, i);
			return decode_refuse(v->d,
					     "expected an IPv6 address like the service's (an "
					     "IPv4 socket takes no IPv6 connections), found %s",
					     addr_format(&backend->addr, text));
		}
		listen = find_listen(listens, count, &backend->addr, backend->port, service->proto);
		if (listen)
			return refuse_circle(v, index, i, listen);
	}
	return 0;
}

int validate_local(struct validation *v)
{
	const struct conf *conf = v->conf;
	struct listen *listens;
	size_t count, i;
	int err = 0;

	listens = calloc(conf->service_count + 1, sizeof(*listens));
	if (!listens)
		return -ENOMEM;
	count = fill_listens(conf, listens);
	for (i = 0; !err && count && i < conf->service_count; i++) {
		if (mode_has_sockets(conf->services[i].mode))
			err = validate_service(v, i, listens, count);
	}
	free(listens);
	return err;
}
