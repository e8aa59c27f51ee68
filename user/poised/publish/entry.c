// SPDX-License-Identifier: BSD-2-Clause
/* A service's entry in `services`: what leads packets to its rows. */
#include <string.h>

#include "base/log.h"
#include "publish/publish.h"

/*
 * A packet that meets an entry by nat and a target that is not, or the other way round, is dropped:
 * the service's targets change with its entry, not before rows of a thousand services are built.
 * Entries of targets are followed while they name the number that packets are led to.
 */
void service_entry_publish(struct live_service *service)
{
	const struct service value = { .number = service->number,
				       .row_count = service->row_count,
				       .flags = service->flags };
	bool delivery_changed =
		!target_delivery_equal(&service->delivery, &service->published_delivery);
	int err = lb_service_set(service->model->deps.lb, &service->key, &value);
	char text[ENDPOINT_TEXT_SIZE];

	if (err)
		log_err("%s: not published at %s: %s", service->name,
			listen_format(&service->conf->addr, service->conf->port,
				      service->conf->proto, text),
			strerror(-err));
	/* The next change tries again. */
	service->entry_old = err;
	if (service->published_number == service->number && !delivery_changed)
		return;
	service->published_number = service->number;
	service->published_delivery = service->delivery;
	for (size_t i = 0; i < service_members(service); i++) {
		if (delivery_changed)
			backend_hop_update(service_member(service, i), false);
		target_flow_times_update(service_member(service, i));
	}
}
