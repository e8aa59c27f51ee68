// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locals.h"
#include "log.h"
#include "model.h"

#define LOOK_MS 1000

struct locals {
	struct reconcile *rec;
	struct local *local; /* NULL: no service in mode local, or none yet */
	bool attached;
	int complained; /* of looking for sockets: the error that was logged */
	uv_timer_t timer;
	void (*closed)(struct reconcile *rec);
};

bool locals_has(const struct run_service *service)
{
	return service->way.mode == MODE_LOCAL;
}

const char *locals_trouble(const struct run_backend *backend)
{
	switch (backend->found) {
	case LOCAL_FOUND:
		return NULL;
	case LOCAL_REFUSED:
		return "its server listens with Multipath TCP, which the kernel leads no"
		       " connections to: make it listen with TCP (Go: GODEBUG=multipathtcp=0)";
	default:
		return "nothing listens there";
	}
}

void locals_look(struct run_backend *backend)
{
	const struct run_service *service = backend->service;
	struct locals *locals = service->rec->locals;
	enum local_found before = backend->found;
	bool news = !backend->hop_told;
	int found;

	if (!locals->local)
		return;
	found = local_find(locals->local, backend->target, &backend->addr, backend->port,
			   service->key.proto);
	if (found < 0 && found != locals->complained)
		log_err("mode local: sockets cannot be looked for: %s", strerror(-found));
	locals->complained = found < 0 ? found : 0;
	/* What was found goes on while the kernel does not tell. */
	if (found < 0)
		return;
	backend->found = found;
	backend->hop = (struct nexthop){ .state = NEXTHOP_LOCAL };
	backend->hop_told = true;
	if (news || backend->found != before)
		backend_hop_update(backend, true);
}

static void look_at_all(struct reconcile *rec)
{
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *service = rec->services[i];

		for (size_t j = 0; locals_has(service) && j < service_members(service); j++)
			locals_look(service_member(service, j));
	}
}

static void due(uv_timer_t *timer)
{
	struct locals *locals = timer->data;

	look_at_all(locals->rec);
}

int locals_open(struct reconcile *rec, struct locals **out)
{
	struct locals *locals = calloc(1, sizeof(*locals));
	int err = locals ? uv_timer_init(rec->deps.loop, &locals->timer) : -ENOMEM;

	if (err) {
		free(locals);
		return err;
	}
	locals->rec = rec;
	locals->timer.data = locals;
	*out = locals;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct locals *locals = handle->data;

	locals->closed(locals->rec);
	free(locals);
}

void locals_close(struct locals *locals, void (*closed)(struct reconcile *rec))
{
	if (!locals)
		return;
	locals->closed = closed;
	local_close(locals->local);
	locals->local = NULL;
	uv_close((uv_handle_t *)&locals->timer, timer_closed);
}

static const struct conf_service *first_local(const struct conf *conf)
{
	for (size_t i = 0; conf && i < conf->service_count; i++)
		if (conf->services[i].mode == MODE_LOCAL)
			return &conf->services[i];
	return NULL;
}

int locals_plan(struct reconcile *rec, const struct conf *conf, struct conf_error *error)
{
	const struct conf_service *first = first_local(conf);
	struct locals *locals = rec->locals;
	struct lb_error why = { "" };
	int err = 0;

	if (!first)
		return 0;
	if (!locals->local)
		err = local_open(rec->deps.lb, &locals->local, &why);
	if (!err && !locals->attached)
		err = local_attach(locals->local, &why);
	if (!err) {
		locals->attached = true;
		return 0;
	}
	snprintf(error->path, sizeof(error->path), "services[%zu].mode",
		 (size_t)(first - conf->services));
	snprintf(error->text, sizeof(error->text), "%s", why.text);
	return err;
}

/* Nobody needs it: neither this poised nor one before it leaves anything. */
static void take_off(struct reconcile *rec)
{
	struct locals *locals = rec->locals;
	int err = local_remove(rec->deps.lb);

	if (err)
		log_err("mode local: cannot be taken off: %s", strerror(-err));
	uv_timer_stop(&locals->timer);
	local_close(locals->local);
	locals->local = NULL;
	locals->attached = false;
}

void locals_undo(struct reconcile *rec)
{
	/* Before the first configuration what is there may be in use. */
	if (rec->conf && !first_local(rec->conf) && rec->locals->local)
		take_off(rec);
}

/* A datagram has its sender's port: the kernel knows of no connection that it would be part of. */
static void warn_of_port(const struct run_backend *backend)
{
	const struct run_service *service = backend->service;
	char id[ENDPOINT_TEXT_SIZE];

	if (service->key.proto != IPPROTO_UDP || backend->port == service->conf->port)
		return;
	log_warn("%s: backend %s answers from port %u, where clients of port %u expect nothing: a"
		 " server that answers has to listen on port %u, at an address of its own as"
		 " 127.0.0.2, and to answer from the address that was asked",
		 service->name, endpoint_format(&backend->addr, backend->port, id), backend->port,
		 service->conf->port, service->conf->port);
}

void locals_commit(struct reconcile *rec)
{
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *service = rec->services[i];

		for (size_t j = 0; locals_has(service) && j < service_members(service); j++) {
			struct run_backend *backend = service_member(service, j);

			if (!backend->hop_told)
				warn_of_port(backend);
			/* Of a mode before this one. */
			nexthop_unwatch(backend->watch);
			backend->watch = NULL;
			locals_look(backend);
		}
	}
}

void locals_committed(struct reconcile *rec)
{
	struct locals *locals = rec->locals;
	int err;

	if (!first_local(rec->conf)) {
		take_off(rec);
		return;
	}
	err = local_switch(locals->local);
	if (err)
		log_err("mode local: the link's programs are an earlier poised's: %s",
			strerror(-err));
	if (!uv_is_active((uv_handle_t *)&locals->timer))
		uv_timer_start(&locals->timer, due, LOOK_MS, LOOK_MS);
}

static int number_compare(__u32 a, __u32 b)
{
	return a < b ? -1 : a > b;
}

/* By service and port, then by address. */
static int place_compare(const void *a, const void *b)
{
	const struct locals_place *one = a, *other = b;
	int order = number_compare(one->service, other->service);

	if (!order)
		order = number_compare(one->port, other->port);
	return order ? order : memcmp(&one->addr, &other->addr, sizeof(one->addr));
}

static void place_enter(struct locals_pass *pass, const struct run_backend *backend)
{
	struct locals_place *place = &pass->places[pass->count++];

	place->target = backend->target;
	place->service = backend->service->live_number;
	place->port = backend->port;
	place->addr = backend->addr;
}

int locals_pass_begin(struct reconcile *rec, struct locals_pass *pass)
{
	size_t room = 0;

	memset(pass, 0, sizeof(*pass));
	if (!rec->locals->local)
		return 0;
	for (size_t i = 0; i < rec->service_count; i++)
		if (locals_has(rec->services[i]))
			room += service_members(rec->services[i]);
	pass->places = calloc(room + 1, sizeof(*pass->places));
	if (!pass->places)
		return -ENOMEM;
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *service = rec->services[i];

		for (size_t j = 0; locals_has(service) && j < service_members(service); j++)
			place_enter(pass, service_member(service, j));
	}
	qsort(pass->places, pass->count, sizeof(*pass->places), place_compare);
	pass->local = local_hold(rec->locals->local);
	return 0;
}

/* The first that is not before it. */
static size_t place_search(const struct locals_pass *pass, const struct locals_place *key)
{
	size_t low = 0, high = pass->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place_compare(&pass->places[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The backend that a socket is; of several under addresses that it has the first. NULL: none's. */
static struct locals_place *place_of(const struct locals_pass *pass, const struct local_pair *pair)
{
	struct locals_place key = { .service = pair->service, .port = ntohs(pair->bound.port) };
	struct addr bound;
	size_t at;

	memcpy(bound.b, pair->bound.addr, sizeof(bound.b));
	key.addr = bound;
	at = place_search(pass, &key);
	if (at < pass->count && !place_compare(&pass->places[at], &key))
		return &pass->places[at];
	memset(&key.addr, 0, sizeof(key.addr));
	for (at = place_search(pass, &key); at < pass->count; at++) {
		struct locals_place *place = &pass->places[at];

		if (place->service != key.service || place->port != key.port)
			break;
		if (addr_wildcard_covers(&bound, &place->addr))
			return place;
	}
	return NULL;
}

int locals_pass_run(struct locals_pass *pass, struct sweep_flows *flows)
{
	struct local_tally *tallies;
	size_t count;
	int err;

	if (!pass->local)
		return 0;
	err = local_count(pass->local, &tallies, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		struct locals_place *place = place_of(pass, &tallies[i].pair);

		if (!place)
			continue;
		place->count.live += tallies[i].count.live;
		place->count.closing += tallies[i].count.closing;
	}
	for (size_t i = 0; i < pass->count; i++) {
		const struct locals_place *place = &pass->places[i];
		struct sweep_flows *found = &flows[place->target];

		/* With `hash: source` the flow table knows clients, some of them without any
		 * connection now; a client may have several. */
		if (found->live < place->count.live)
			found->live = place->count.live;
		found->closing += place->count.closing;
	}
	free(tallies);
	return 0;
}

void locals_pass_free(struct locals_pass *pass)
{
	local_close(pass->local);
	free(pass->places);
	memset(pass, 0, sizeof(*pass));
}
