// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/local_backends.h"
#include "base/log.h"
#include "publish/publish.h"

#define LOOK_MS 1000

struct local_backends {
	struct model *model;
	struct local *local; /* NULL: no service in mode local, or none yet */
	bool attached;
	int complained; /* of looking for sockets: the error that was logged */
	uv_timer_t timer;
	void (*closed)(struct model *model);
};

void local_backends_look(struct live_backend *backend)
{
	const struct live_service *service = backend->service;
	struct local_backends *all = service->model->local_backends;
	enum local_found before = backend->found;
	bool news = !backend->hop_told;
	int found;

	if (!all->local)
		return;
	found = local_find(all->local, backend->target, &backend->addr, backend->port,
			   service->key.proto);
	if (found < 0 && found != all->complained)
		log_err("mode local: sockets cannot be looked for: %s", strerror(-found));
	all->complained = found < 0 ? found : 0;
	/* The last answer holds while the kernel does not tell. */
	if (found < 0)
		return;
	backend->found = found;
	backend->hop = (struct nexthop){ .state = NEXTHOP_LOCAL };
	backend->hop_told = true;
	if (news || backend->found != before)
		backend_hop_update(backend, true);
}

static void look_at_all(struct model *model)
{
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		for (size_t j = 0;
		     mode_has_sockets(service->delivery.mode) && j < service_members(service); j++)
			local_backends_look(service_member(service, j));
	}
}

static void due(uv_timer_t *timer)
{
	struct local_backends *all = timer->data;

	look_at_all(all->model);
}

int local_backends_open(struct model *model, struct local_backends **out)
{
	struct local_backends *all = calloc(1, sizeof(*all));
	int err = all ? uv_timer_init(model->deps.loop, &all->timer) : -ENOMEM;

	if (err) {
		free(all);
		return err;
	}
	all->model = model;
	all->timer.data = all;
	*out = all;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct local_backends *all = handle->data;

	all->closed(all->model);
	free(all);
}

void local_backends_close(struct local_backends *all, void (*closed)(struct model *model))
{
	if (!all)
		return;
	all->closed = closed;
	local_close(all->local);
	all->local = NULL;
	uv_close((uv_handle_t *)&all->timer, timer_closed);
}

static const struct conf_service *first_local(const struct conf *conf)
{
	for (size_t i = 0; conf && i < conf->service_count; i++)
		if (mode_has_sockets(conf->services[i].mode))
			return &conf->services[i];
	return NULL;
}

int local_backends_plan(struct model *model, const struct conf *conf, struct conf_error *error)
{
	const struct conf_service *first = first_local(conf);
	struct local_backends *all = model->local_backends;
	struct lb_error why = { "" };
	int err = 0;

	if (!first)
		return 0;
	if (!all->local)
		err = local_open(model->deps.lb, &all->local, &why);
	if (!err && !all->attached)
		err = local_attach(all->local, &why);
	if (!err) {
		all->attached = true;
		return 0;
	}
	snprintf(error->path, sizeof(error->path), "services[%zu].mode",
		 (size_t)(first - conf->services));
	snprintf(error->text, sizeof(error->text), "%s", why.text);
	return err;
}

/* Nobody needs it: neither this poised nor one before it leaves anything. */
static void take_off(struct model *model)
{
	struct local_backends *all = model->local_backends;
	int err = local_remove(model->deps.lb);

	if (err)
		log_err("mode local: cannot be taken off: %s", strerror(-err));
	uv_timer_stop(&all->timer);
	local_close(all->local);
	all->local = NULL;
	all->attached = false;
}

void local_backends_undo(struct model *model)
{
	/* Before the first configuration what is there may be in use. */
	if (model->conf && !first_local(model->conf) && model->local_backends->local)
		take_off(model);
}

/* A datagram has its sender's port: the kernel knows of no connection that it would be part of. */
static void warn_of_port(const struct live_backend *backend)
{
	const struct live_service *service = backend->service;
	char id[ENDPOINT_TEXT_SIZE];

	if (service->key.proto != IPPROTO_UDP || backend->port == service->conf->port)
		return;
	log_warn("%s: backend %s answers from port %u, where clients of port %u expect nothing: a"
		 " server that answers has to listen on port %u, at an address of its own as"
		 " 127.0.0.2, and to answer from the address that was asked",
		 service->name, endpoint_format(&backend->addr, backend->port, id), backend->port,
		 service->conf->port, service->conf->port);
}

void local_backends_commit(struct model *model)
{
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		for (size_t j = 0;
		     mode_has_sockets(service->delivery.mode) && j < service_members(service);
		     j++) {
			struct live_backend *backend = service_member(service, j);

			if (!backend->hop_told)
				warn_of_port(backend);
			/* The service may have had a mode with next hops before. */
			nexthop_unwatch(backend->watch);
			backend->watch = NULL;
			local_backends_look(backend);
		}
	}
}

void local_backends_committed(struct model *model)
{
	struct local_backends *all = model->local_backends;
	int err;

	if (!first_local(model->conf)) {
		take_off(model);
		return;
	}
	err = local_switch(all->local);
	if (err)
		log_err("mode local: the link's programs are an earlier poised's: %s",
			strerror(-err));
	if (!uv_is_active((uv_handle_t *)&all->timer))
		uv_timer_start(&all->timer, due, LOOK_MS, LOOK_MS);
}

static int number_compare(__u32 a, __u32 b)
{
	return a < b ? -1 : a > b;
}

/* Orders by service and port, then by address. */
static int place_compare(const void *a, const void *b)
{
	const struct local_place *one = a, *other = b;
	int order = number_compare(one->service, other->service);

	if (!order)
		order = number_compare(one->port, other->port);
	return order ? order : memcmp(&one->addr, &other->addr, sizeof(one->addr));
}

static void place_enter(struct local_sweep *sweep, const struct live_backend *backend)
{
	struct local_place *place = &sweep->places[sweep->count++];

	place->target = backend->target;
	place->service = backend->service->published_number;
	place->port = backend->port;
	place->addr = backend->addr;
}

int local_sweep_begin(struct model *model, struct local_sweep *sweep)
{
	size_t room = 0;

	memset(sweep, 0, sizeof(*sweep));
	if (!model->local_backends->local)
		return 0;
	for (size_t i = 0; i < model->service_count; i++)
		if (mode_has_sockets(model->services[i]->delivery.mode))
			room += service_members(model->services[i]);
	sweep->places = calloc(room + 1, sizeof(*sweep->places));
	if (!sweep->places)
		return -ENOMEM;
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		for (size_t j = 0;
		     mode_has_sockets(service->delivery.mode) && j < service_members(service); j++)
			place_enter(sweep, service_member(service, j));
	}
	qsort(sweep->places, sweep->count, sizeof(*sweep->places), place_compare);
	sweep->local = local_hold(model->local_backends->local);
	return 0;
}

/* The first that is not before it. */
static size_t place_search(const struct local_sweep *sweep, const struct local_place *key)
{
	size_t low = 0, high = sweep->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place_compare(&sweep->places[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The backend that a socket is; of several under addresses that it has the first. NULL: none's. */
static struct local_place *place_of(const struct local_sweep *sweep, const struct local_pair *pair)
{
	struct local_place key = { .service = pair->service, .port = ntohs(pair->bound.port) };
	struct addr bound;
	size_t at;

	memcpy(bound.b, pair->bound.addr, sizeof(bound.b));
	key.addr = bound;
	at = place_search(sweep, &key);
	if (at < sweep->count && !place_compare(&sweep->places[at], &key))
		return &sweep->places[at];
	memset(&key.addr, 0, sizeof(key.addr));
	for (at = place_search(sweep, &key); at < sweep->count; at++) {
		struct local_place *place = &sweep->places[at];

		if (place->service != key.service || place->port != key.port)
			break;
		if (addr_wildcard_covers(&bound, &place->addr))
			return place;
	}
	return NULL;
}

int local_sweep_run(struct local_sweep *sweep, struct sweep_tally *flows)
{
	struct local_tally *tallies;
	size_t count;
	int err;

	if (!sweep->local)
		return 0;
	err = local_count(sweep->local, &tallies, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		struct local_place *place = place_of(sweep, &tallies[i].pair);

		if (!place)
			continue;
		place->count.live += tallies[i].count.live;
		place->count.closing += tallies[i].count.closing;
	}
	for (size_t i = 0; i < sweep->count; i++) {
		const struct local_place *place = &sweep->places[i];
		struct sweep_tally *found = &flows[place->target];

		/* If the service has `hash: source`, the flow table knows clients, some of them
		 * without any connection now; a client may have several. */
		if (found->live < place->count.live)
			found->live = place->count.live;
		found->closing += place->count.closing;
	}
	free(tallies);
	return 0;
}

void local_sweep_free(struct local_sweep *sweep)
{
	local_close(sweep->local);
	free(sweep->places);
	memset(sweep, 0, sizeof(*sweep));
}
