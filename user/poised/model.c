// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"
#include "sweeper.h"

int service_compare(const void *a, const void *b)
{
	const struct run_service *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

int backend_compare(const void *a, const void *b)
{
	const struct run_backend *first = *(struct run_backend *const *)a;
	const struct run_backend *second = *(struct run_backend *const *)b;
	int order = memcmp(first->addr.b, second->addr.b, sizeof(first->addr.b));

	return order ? order : first->port - second->port;
}

struct run_service *service_find(const struct reconcile *rec, const char *name)
{
	for (size_t i = 0; i < rec->service_count; i++)
		if (!strcmp(rec->services[i]->name, name))
			return rec->services[i];
	return NULL;
}

struct run_backend *backend_find(const struct run_service *service, const struct addr *addr,
				 __u16 port)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		struct run_backend *backend = service->backends[i];

		if (backend->port == port && addr_equal(&backend->addr, addr))
			return backend;
	}
	return NULL;
}

struct run_backend *backend_new(const struct addr *addr, __u16 port, __u16 weight)
{
	struct run_backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return NULL;
	backend->addr = *addr;
	backend->port = port;
	backend->weight = weight;
	backend->health = HEALTH_CHECKING;
	backend->since = time(NULL);
	return backend;
}

void backend_free(struct run_backend *backend)
{
	if (!backend)
		return;
	check_stop(backend->check);
	nexthop_unwatch(backend->watch);
	free(backend);
}

void service_free(struct run_service *service)
{
	if (!service)
		return;
	if (service->rec->sweeper)
		sweeper_forget(service->rec->sweeper, service);
	for (size_t i = 0; i < service_members(service); i++)
		backend_free(service_member(service, i));
	free(service->backends);
	free(service->leaving);
	free(service->ages);
	lb_rows_close(service->rows);
	free(service);
}

int service_append(struct run_service *service, struct run_backend *backend)
{
	struct run_backend ***list = backend->leaving ? &service->leaving : &service->backends;
	size_t *count = backend->leaving ? &service->leaving_count : &service->backend_count;
	struct run_backend **grown = realloc(*list, (*count + 1) * sizeof(struct run_backend *));

	if (!grown)
		return -ENOMEM;
	grown[(*count)++] = backend;
	*list = grown;
	backend->service = service;
	return 0;
}

size_t service_members(const struct run_service *service)
{
	return service->backend_count + service->leaving_count;
}

struct run_backend *service_member(const struct run_service *service, size_t i)
{
	return i < service->backend_count ? service->backends[i]
					  : service->leaving[i - service->backend_count];
}

void target_name_write(const struct run_backend *backend)
{
	struct target_name value = { .port = htons(backend->port),
				     .weight = backend->weight,
				     .health = backend->health,
				     .admin = backend->admin };
	int err;

	if (backend->leaving)
		value.flags |= TARGET_NAME_LEAVING;
	if (backend->sorry)
		value.flags |= TARGET_NAME_SORRY;
	memcpy(value.service, backend->service->name, sizeof(value.service));
	memcpy(value.addr, backend->addr.b, sizeof(value.addr));
	err = lb_target_name_set(backend->service->rec->deps.lb, backend->target, &value);
	if (err)
		log_err("target_names: entry %u: %s", backend->target, strerror(-err));
}

void service_name_write(const struct run_service *service)
{
	struct service_name value = { .key = service->key,
				      .row_count = service->row_count,
				      .mode = service->way.mode,
				      .flags = service->flags };
	int err;

	memcpy(value.name, service->name, sizeof(value.name));
	err = lb_service_name_set(service->rec->deps.lb, service->number, &value);
	if (err)
		log_err("service_names: entry %u: %s", service->number, strerror(-err));
}
