// SPDX-License-Identifier: BSD-2-Clause
/* One backend is followed here: its checks, its next hop, its target entry. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "publish/mode_work.h"
#include "base/log.h"
#include "publish/publish.h"

static void log_health(const struct live_backend *backend, bool first_result)
{
	const struct live_service *service = backend->service;
	char id[ENDPOINT_TEXT_SIZE];
	size_t up = 0;
	__u32 checks;

	for (size_t i = 0; i < service->backend_count; i++)
		up += health_usable(service->backends[i]->health);
	endpoint_format(&backend->addr, backend->port, id);
	if (backend->health == HEALTH_DOWN) {
		checks = first_result ? 1 : service->conf->check.fall;
		log_warn("%s: backend %s is down: %s (%u check%s failed); %zu of %zu up",
			 service->name, id, backend->reason, checks, checks == 1 ? "" : "s", up,
			 service->backend_count);
	} else {
		checks = first_result ? 1 : service->conf->check.rise;
		log_info("%s: backend %s is up (%u check%s passed); %zu of %zu up", service->name,
			 id, checks, checks == 1 ? "" : "s", up, service->backend_count);
	}
}

static void health_told(void *arg, enum poise_health health, const char *reason)
{
	struct live_backend *backend = arg;
	struct model *model = backend->service->model;
	bool first_result = backend->health == HEALTH_CHECKING;
	bool moved = health_usable(health) != health_usable(backend->health);

	mode_work_look(backend);
	snprintf(backend->reason, sizeof(backend->reason), "%s",
		 health == HEALTH_DOWN && reason ? reason : "");
	if (health == backend->health)
		return;
	backend->health = health;
	backend->since = time(NULL);
	if (moved)
		service_dirty_news(backend->service, first_result);
	log_health(backend, first_result);
	target_name_write(backend);
	model->deps.health_changed(model->deps.arg);
}

static void hop_told(void *arg, const struct nexthop *hop)
{
	struct live_backend *backend = arg;
	bool news = !backend->hop_told || backend->hop.state != hop->state;

	backend->hop = *hop;
	backend->hop_told = true;
	backend_hop_update(backend, news);
}

int backend_watch(struct live_backend *backend)
{
	if (backend->watch)
		return 0;
	return nexthop_watch(backend->service->model->deps.nexthops, &backend->addr, hop_told,
			     backend, &backend->watch);
}

static void check_begin(struct live_backend *backend, const struct conf_service *conf)
{
	__u16 port = conf->check.port ? conf->check.port
		     : backend->port  ? backend->port
				      : conf->port;
	char id[ENDPOINT_TEXT_SIZE];
	int err;

	/* It served unchecked until now: its check has to find something to take it out. */
	if (backend->health == HEALTH_UNCHECKED)
		backend->health = HEALTH_UP;
	err = check_start(backend->service->model->deps.checker, &conf->check, &backend->addr, port,
			  backend->health, health_told, backend, &backend->check);
	if (err)
		log_err("%s: backend %s: cannot be checked: %s", backend->service->name,
			endpoint_format(&backend->addr, backend->port, id), strerror(-err));
}

void backend_check_update(struct live_backend *backend, const struct conf_service *conf,
			  bool changed)
{
	if (backend->check && !changed)
		return;
	check_stop(backend->check);
	backend->check = NULL;
	if (conf->check.kind) {
		check_begin(backend, conf);
	} else if (backend->health != HEALTH_UNCHECKED) {
		backend->health = HEALTH_UNCHECKED;
		backend->reason[0] = '\0';
		backend->since = time(NULL);
	}
}
