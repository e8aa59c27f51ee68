// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

int service_compare(const void *a, const void *b)
{
	const struct live_service *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

int backend_compare(const void *a, const void *b)
{
	const struct live_backend *first = *(struct live_backend *const *)a;
	const struct live_backend *second = *(struct live_backend *const *)b;
	int order = memcmp(first->addr.b, second->addr.b, sizeof(first->addr.b));

	return order ? order : first->port - second->port;
}

struct live_service *service_find(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->service_count; i++)
		if (!strcmp(model->services[i]->name, name))
			return model->services[i];
	return NULL;
}

struct live_backend *backend_find(const struct live_service *service, const struct addr *addr,
				  __u16 port)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		struct live_backend *backend = service->backends[i];

		if (backend->port == port && addr_equal(&backend->addr, addr))
			return backend;
	}
	return NULL;
}

struct live_backend *backend_new(const struct addr *addr, __u16 port, __u16 weight)
{
	struct live_backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return NULL;
	backend->addr = *addr;
	backend->port = port;
	backend->weight = weight;
	backend->health = HEALTH_CHECKING;
	backend->since = time(NULL);
	return backend;
}

void backend_free(struct live_backend *backend)
{
	if (!backend)
		return;
	check_stop(backend->check);
	nexthop_unwatch(backend->watch);
	free(backend);
}

void service_free(struct live_service *service)
{
	if (!service)
		return;
	for (size_t i = 0; i < service_members(service); i++)
		backend_free(service_member(service, i));
	free(service->backends);
	free(service->leaving);
	free(service->ages);
	lb_rows_close(service->rows);
	free(service);
}

int service_append(struct live_service *service, struct live_backend *backend)
{
	struct live_backend ***list = backend->leaving ? &service->leaving : &service->backends;
	size_t *count = backend->leaving ? &service->leaving_count : &service->backend_count;
	struct live_backend **grown = realloc(*list, (*count + 1) * sizeof(struct live_backend *));

	if (!grown)
		return -ENOMEM;
	grown[(*count)++] = backend;
	*list = grown;
	backend->service = service;
	return 0;
}

size_t service_members(const struct live_service *service)
{
	return service->backend_count + service->leaving_count;
}

struct live_backend *service_member(const struct live_service *service, size_t i)
{
	return i < service->backend_count ? service->backends[i]
					  : service->leaving[i - service->backend_count];
}

struct service_key service_key_of(const struct conf_service *conf)
{
	struct service_key key = { .port = htons(conf->port),
				   .proto = conf->proto,
				   .kind = mode_has_sockets(conf->mode) ? KEY_LOCAL : KEY_SERVICE };

	memcpy(key.addr, conf->addr.b, sizeof(key.addr));
	return key;
}

bool interface_balanced(const struct model *model, const char *name)
{
	for (size_t i = 0; model->conf && i < model->conf->interface_count; i++)
		if (!strcmp(model->conf->interfaces[i].name, name))
			return true;
	return false;
}
