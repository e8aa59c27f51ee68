// SPDX-License-Identifier: BSD-2-Clause
/* What happens to one backend: its checks, its next hop, its target entry. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "locals.h"
#include "log.h"
#include "model.h"

bool backend_usable(const struct run_backend *backend)
{
	return backend->weight_now;
}

static void log_health(const struct run_backend *backend, bool first_result)
{
	const struct run_service *service = backend->service;
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

static bool service_has_rows(const struct run_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++)
		if (service->backends[i]->rows)
			return true;
	return false;
}

/* Whether checks and neighbours have answered for all of its backends. */
static bool service_known(const struct run_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct run_backend *backend = service->backends[i];

		if (backend->health == HEALTH_CHECKING || !backend->hop_told ||
		    backend->hop.state == NEXTHOP_RESOLVING)
			return false;
	}
	return true;
}

/*
 * First news of backends come by the thousand: they wait for each other. So they do for a service
 * that begins, a moment: what the first backend would be given, the others would have to take from
 * it again, and its rows would be moving for as long as flows may be silent.
 */
static void service_follow(struct run_service *service, bool first_news)
{
	if (!first_news)
		service_dirty(service, true);
	else if (service_has_rows(service) || !service_known(service))
		service_dirty_later(service);
	else
		service_dirty(service, false);
}

static void health_told(void *arg, enum poise_health health, const char *reason)
{
	struct run_backend *backend = arg;
	struct reconcile *rec = backend->service->rec;
	bool first_result = backend->health == HEALTH_CHECKING;
	bool moved = health_usable(health) != health_usable(backend->health);

	if (locals_has(backend->service))
		locals_look(backend);

	snprintf(backend->reason, sizeof(backend->reason), "%s",
		 health == HEALTH_DOWN && reason ? reason : "");
	if (health == backend->health)
		return;
	backend->health = health;
	backend->since = time(NULL);
	if (moved)
		service_follow(backend->service, first_result);
	log_health(backend, first_result);
	target_name_write(backend);
	rec->deps.health_changed(rec->deps.arg);
}

bool interface_balanced(const struct reconcile *rec, const char *name)
{
	for (size_t i = 0; rec->conf && i < rec->conf->interface_count; i++)
		if (!strcmp(rec->conf->interfaces[i].name, name))
			return true;
	return false;
}

static void tx_port_enter(struct reconcile *rec, const struct nexthop *hop, enum poise_mode mode)
{
	int err;

	for (size_t i = 0; i < rec->tx_port_count; i++)
		if (rec->tx_ports[i] == hop->ifindex)
			return;
	err = lb_tx_port(rec->deps.lb, hop->ifindex);
	if (err) {
		log_err("%s: cannot be a way out: %s", hop->ifname, strerror(-err));
		return;
	}
	if (!interface_balanced(rec, hop->ifname) && !nat_translates(mode))
		log_warn("%s: backends are reached over it, but it is not one of `interfaces`: some"
			 " drivers send redirected packets only where an XDP program is attached",
			 hop->ifname);
	if (rec->tx_port_count < POISE_MAX_TX_PORTS)
		rec->tx_ports[rec->tx_port_count++] = hop->ifindex;
}

static void target_write(const struct run_backend *backend, const struct target_sources *sources)
{
	const struct target_way *way = &backend->service->live_way;
	const struct target_end end = { .addr = backend->addr,
					.port = backend->port,
					.sources = *sources };
	struct reconcile *rec = backend->service->rec;
	struct target_life life;
	struct target value;
	int err;

	if (!locals_has(backend->service))
		tx_port_enter(rec, &backend->hop, way->mode);
	if (nat_translates(way->mode))
		nat_hearing_tell(backend);
	target_life_of(backend, &life);
	target_build(way, &life, &end, &backend->hop, &value);
	err = lb_target_set(rec->deps.lb, backend->target, &value);
	if (err)
		log_err("targets: entry %u: %s", backend->target, strerror(-err));
}

static const char *trouble_of(const struct run_backend *backend, char *buf, unsigned int size)
{
	if (locals_has(backend->service))
		return locals_trouble(backend);
	return target_trouble(&backend->service->way, &backend->hop, buf, size);
}

const char *backend_way_format(const struct run_backend *backend, char *buf, unsigned int size)
{
	const char *trouble = trouble_of(backend, buf, size);

	if (!trouble)
		trouble = backend->sourceless;
	if (trouble)
		return trouble;
	return locals_has(backend->service) ? "a socket of this host"
					    : nexthop_format(&backend->hop, buf, size);
}

/* One line when it becomes unreachable or so for another reason, one when that is over. */
static void log_hop(struct run_backend *backend, const char *trouble, bool news)
{
	char id[ENDPOINT_TEXT_SIZE], text[160];

	endpoint_format(&backend->addr, backend->port, id);
	if (trouble && (news || !backend->troubled))
		log_warn("%s: backend %s cannot be reached: %s", backend->service->name, id,
			 trouble);
	else if (!trouble && backend->troubled)
		log_info("%s: backend %s can be reached again: %s", backend->service->name, id,
			 backend_way_format(backend, text, sizeof(text)));
	backend->troubled = trouble;
}

void backend_hop_update(struct run_backend *backend, bool news)
{
	const struct run_service *service = backend->service;
	bool was_reachable = backend->reachable;
	struct target_sources sources = { 0 };
	const char *trouble;
	char text[160];

	/* While it is looked for anew, what worked so far goes on. */
	if (!backend->hop_told || backend->hop.state == NEXTHOP_RESOLVING)
		return;
	trouble = trouble_of(backend, text, sizeof(text));
	backend->sourceless = NULL;
	if (!trouble && service->way.mode == MODE_NAT)
		trouble = backend->sourceless = nat_sources_of(backend, &sources);
	backend->reachable = !trouble;
	if (!trouble && target_way_equal(&service->live_way, &service->way))
		target_write(backend, &sources);
	if (backend->reachable != was_reachable)
		service_follow(backend->service, !was_reachable && !backend->troubled);
	log_hop(backend, trouble, news);
}

static void hop_told(void *arg, const struct nexthop *hop)
{
	struct run_backend *backend = arg;
	bool news = !backend->hop_told || backend->hop.state != hop->state;

	backend->hop = *hop;
	backend->hop_told = true;
	backend_hop_update(backend, news);
}

int backend_watch(struct run_backend *backend)
{
	if (backend->watch)
		return 0;
	return nexthop_watch(backend->service->rec->deps.nexthops, &backend->addr, hop_told,
			     backend, &backend->watch);
}

static void check_begin(struct run_backend *backend, const struct conf_service *conf)
{
	__u16 port = conf->check.port ? conf->check.port
		     : backend->port  ? backend->port
				      : conf->port;
	char id[ENDPOINT_TEXT_SIZE];
	int err;

	/* It served unchecked until now: its check has to find something to take it out. */
	if (backend->health == HEALTH_UNCHECKED)
		backend->health = HEALTH_UP;
	err = check_start(backend->service->rec->deps.checker, &conf->check, &backend->addr, port,
			  backend->health, health_told, backend, &backend->check);
	if (err)
		log_err("%s: backend %s: cannot be checked: %s", backend->service->name,
			endpoint_format(&backend->addr, backend->port, id), strerror(-err));
}

void backend_check_update(struct run_backend *backend, const struct conf_service *conf,
			  bool changed)
{
	if (backend->check && !changed)
		return;
	check_stop(backend->check);
	backend->check = NULL;
	if (conf->check.type != CHECK_NONE) {
		check_begin(backend, conf);
	} else if (backend->health != HEALTH_UNCHECKED) {
		backend->health = HEALTH_UNCHECKED;
		backend->reason[0] = '\0';
		backend->since = time(NULL);
	}
}
