// SPDX-License-Identifier: BSD-2-Clause
/* What the daemon knows, as JSON. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_call.h"
#include "control.h"
#include "edit.h"
#include "interfaces.h"
#include "model.h"

static json_t *backend_tree(const struct run_backend *backend)
{
	const struct run_service *service = backend->service;
	char id[ENDPOINT_TEXT_SIZE], buf[160];
	const char *hop = "resolving";
	time_t now = time(NULL);
	json_t *tree;

	if (backend->hop_told)
		hop = backend_way_format(backend, buf, sizeof(buf));
	tree = json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:s, s:b, s:b, s:i, s:I, s:f, s:I, s:I, "
			 "s:I}",
			 "id", endpoint_format(&backend->addr, backend->port, id), "weight",
			 backend->weight, "state", admin_name(backend->admin), "health",
			 health_name(backend->health), "reason", backend->reason, "since_s",
			 (json_int_t)(now > backend->since ? now - backend->since : 0), "next_hop",
			 hop, "usable", backend_usable(backend), "serves", backend->serves,
			 "target", backend->target, "rows", (json_int_t)backend->rows, "share",
			 (double)backend->rows / service->row_count, "previous_rows",
			 (json_int_t)backend->older_rows, "flows", (json_int_t)backend->flows,
			 "closing", (json_int_t)backend->closing);
	if (backend->sorry)
		json_object_set_new(tree, "sorry", json_true());
	return tree;
}

static json_t *backends_tree(struct run_backend *const *backends, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, backend_tree(backends[i]));
	return all;
}

/* A duration as in the configuration; null for none. */
static json_t *duration_tree(__u32 duration_ms)
{
	char buf[16];

	return duration_ms ? json_string(conf_duration_format(duration_ms, buf)) : json_null();
}

static json_t *percent_tree(__u8 percent)
{
	return percent ? json_sprintf("%u%%", percent) : json_null();
}

/* Since the last sweep began: what counts of flows tell of. null: there was none. */
static json_t *sweep_age_tree(const struct sweep_health *sweep)
{
	if (!sweep->swept_ns)
		return json_null();
	return json_integer((now_ns() - sweep->swept_ns) / 1000000 + sweep->sweep_us / 1000);
}

/* How flows are given to backends, and how long they are theirs. */
static void flows_put(const struct run_service *service, json_t *tree)
{
	const struct conf_service *conf = service->conf;
	const struct conf *all = service->rec->conf;

	json_object_set_new(tree, "scheduler", json_string(scheduler_name(conf->scheduler)));
	json_object_set_new(tree, "hash", json_string(conf->hash_source ? "source" : "5-tuple"));
	json_object_set_new(tree, "track",
			    json_string(conf_tracks_always(conf) || conf->mode == MODE_NAT
						? "always"
						: "auto"));
	json_object_set_new(tree, "idle_timeout",
			    duration_tree(conf->mode == MODE_NAT ? conf_nat_idle_ms(all, conf)
								 : conf_idle_ms(all, conf)));
	/* No flow of it is unknown that would have to be waited for. */
	if (conf->mode != MODE_NAT || conf->hash_source)
		json_object_set_new(tree, "settle", duration_tree(conf->settle_ms));
	json_object_set_new(tree, "slow_start", duration_tree(conf->slow_start_ms));
	json_object_set_new(tree, "panic", percent_tree(conf->panic_percent));
	json_object_set_new(tree, "tracking",
			    json_pack("{s:I, s:I, s:I, s:o}", "stable",
				      (json_int_t)service->stable_rows, "moving",
				      (json_int_t)service->moving_rows, "tracked",
				      (json_int_t)service->tracked_rows, "sweep_age_ms",
				      sweep_age_tree(&service->rec->sweep)));
}

static json_t *service_tree(const struct run_service *service)
{
	const struct conf_service *conf = service->conf;
	json_t *tree, *configured;
	char listen[ENDPOINT_TEXT_SIZE];

	tree = json_pack("{s:s, s:s, s:s, s:I}", "name", conf->name, "listen",
			 listen_format(&conf->addr, conf->port, conf->proto, listen), "mode",
			 mode_name(conf->mode), "rows", (json_int_t)conf->rows);
	flows_put(service, tree);
	if (conf->mode == MODE_NAT_KEEP)
		json_object_set_new(tree, "source", json_string("keep"));
	if (conf->mode == MODE_GUE)
		json_object_set_new(tree, "gue_port", json_integer(conf->gue_port));
	if (conf->check.type != CHECK_NONE) {
		configured = conf_encode_service(conf);
		json_object_set(tree, "check", json_object_get(configured, "check"));
		json_decref(configured);
	}
	json_object_set_new(tree, "backends",
			    backends_tree(service->backends, service->backend_count));
	json_object_set_new(tree, "leaving",
			    backends_tree(service->leaving, service->leaving_count));
	return tree;
}

json_t *api_service_tree(const struct control *control, const char *name)
{
	const struct run_service *service = service_find(control_reconcile(control), name);

	return service ? service_tree(service) : NULL;
}

void api_service(struct api_call *call)
{
	struct refusal refusal;

	if (edit_service_find(control_running(call->control), call->names[0], &refusal))
		api_answer(call, 200, api_service_tree(call->control, call->names[0]));
	else
		api_refuse(call, &refusal);
}

void api_services(struct api_call *call)
{
	const struct reconcile *rec = control_reconcile(call->control);
	json_t *all = json_array();

	for (size_t i = 0; i < rec->service_count; i++)
		json_array_append_new(all, service_tree(rec->services[i]));
	api_answer(call, 200, all);
}

void api_config(struct api_call *call)
{
	api_answer(call, 200, json_incref((json_t *)control_running(call->control)));
}

static json_t *interfaces_tree(const struct lb *lb)
{
	json_t *all = json_array();
	size_t count;
	struct lb_link *links = interfaces_links(lb, &count);

	for (size_t i = 0; i < count; i++)
		if (interface_here(&links[i]))
			json_array_append_new(
				all, json_pack("{s:s, s:i, s:s, s:i}", "name", links[i].ifname,
					       "ifindex", links[i].ifindex, "xdp",
					       links[i].generic ? "generic" : "native", "program",
					       links[i].program_id));
	free(links);
	return all;
}

static json_t *memory_tree(const struct lb *lb, __u64 *total)
{
	json_t *maps = json_object();
	__u64 each[MAPS_COUNT];

	*total = lb_memory_bytes(lb, each);
	for (size_t i = 0; i < MAPS_COUNT; i++)
		json_object_set_new(maps, maps_names[i], json_integer(each[i]));
	return maps;
}

/* The flow table: as the last sweep found it, and what packets counted. */
static json_t *table_tree(const struct reconcile *rec, const struct lb *lb)
{
	const struct sweep_health *sweep = &rec->sweep;
	struct flow_counter counter = { 0 };

	/* Counters that cannot be read say nothing against the rest. */
	flow_counters_read(lb_maps(lb), &counter);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "size",
			 (json_int_t)sweep->size, "occupied", (json_int_t)sweep->occupied, "new",
			 (json_int_t)sweep->new_flows, "tracked", (json_int_t)counter.tracked,
			 "evicted", (json_int_t)counter.evicted, "lost", (json_int_t)counter.lost,
			 "sweep_us", (json_int_t)sweep->sweep_us, "sweep_age_ms",
			 sweep_age_tree(sweep));
}

static json_t *sources_tree(const struct nat_sources *sources)
{
	json_t *all = json_array();
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		if (sources->slots[i].used)
			json_array_append_new(
				all, json_string(addr_format(&sources->slots[i].addr, text)));
	return all;
}

/* The same of the NAT table; NULL: there is none. */
static json_t *nat_tree(const struct control *control)
{
	const struct reconcile *rec = control_reconcile(control);
	const struct control_nat *nat = control_nat(control);
	const struct nat_health *found = &rec->nat_sweep;
	struct nat_counter counter = { 0 };
	__u32 sets;

	if (!lb_nat_table(control_lb(control), &sets))
		return NULL;
	nat_counters_read(lb_maps(control_lb(control)), &counter);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "size",
			 (json_int_t)sets * (NAT_PER_SET / 2), "flows", (json_int_t)found->flows,
			 "new", (json_int_t)found->new_flows, "closing", (json_int_t)found->closing,
			 "made", (json_int_t)counter.made, "evicted", (json_int_t)counter.evicted,
			 "broken", (json_int_t)counter.broken, "reused", (json_int_t)counter.reused,
			 "ports", json_sprintf("%u-%u", nat->port_first, nat->port_last), "sources",
			 sources_tree(&rec->nat.sources));
}

/* Also in maint, where it serves nothing whether there is a way to it or not. */
static bool is_up(const struct run_backend *backend)
{
	return health_usable(backend->health) && (backend->serves || backend->admin == ADMIN_MAINT);
}

void api_status(struct api_call *call)
{
	const struct reconcile *rec = control_reconcile(call->control);
	const struct lb *lb = control_lb(call->control);
	size_t backends = 0, up = 0, local = 0;
	json_t *maps, *tree, *nat = nat_tree(call->control);
	__u64 total;

	for (size_t i = 0; i < rec->service_count; i++) {
		const struct run_service *service = rec->services[i];

		local += service->conf->mode == MODE_LOCAL;
		backends += service->backend_count;
		for (size_t j = 0; j < service->backend_count; j++)
			up += is_up(service->backends[j]);
	}
	maps = memory_tree(lb, &total);
	tree = json_pack("{s:s, s:i, s:s, s:i, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:I, "
			 "s:o}",
			 "version", POISE_VERSION, "abi", POISE_ABI_VERSION, "instance",
			 control_instance(call->control)->name, "pid", (int)getpid(), "uptime_s",
			 (json_int_t)control_uptime_s(call->control), "interfaces",
			 interfaces_tree(lb), "services", (json_int_t)rec->service_count,
			 "local_services", (json_int_t)local, "backends", (json_int_t)backends,
			 "up", (json_int_t)up, "map_memory_bytes", (json_int_t)total, "maps", maps,
			 "last_publish_us", (json_int_t)rec->last_publish_us, "flows",
			 table_tree(rec, lb));
	if (nat)
		json_object_set_new(tree, "nat", nat);
	api_answer(call, 200, tree);
}
