// SPDX-License-Identifier: BSD-2-Clause
/* Maps hold the names of services and backends, for the command and for the next poised. */
#include <arpa/inet.h>
#include <string.h>

#include "base/log.h"
#include "publish/publish.h"

void target_name_write(const struct live_backend *backend)
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
	err = lb_target_name_set(backend->service->model->deps.lb, backend->target, &value);
	if (err)
		log_err("target_names: entry %u: %s", backend->target, strerror(-err));
}

void service_name_write(const struct live_service *service)
{
	struct service_name value = { .key = service->key,
				      .row_count = service->row_count,
				      .mode = service->delivery.mode,
				      .flags = service->flags };
	int err;

	memcpy(value.name, service->name, sizeof(value.name));
	err = lb_service_name_set(service->model->deps.lb, service->number, &value);
	if (err)
		log_err("service_names: entry %u: %s", service->number, strerror(-err));
}
