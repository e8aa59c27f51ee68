// SPDX-License-Identifier: BSD-2-Clause
/* Answers to GET: services, configuration, status. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_call.h"
#include "config/control.h"
#include "config/edit.h"
#include "config/interfaces.h"
#include "model/model.h"
#include "publish/publish.h"
#include "show/show.h"

static json_t *backend_tree(const struct live_backend *backend)
{
	char way[160];
	time_t now = time(NULL);
	struct show_backend show = {
		.addr = backend->addr,
		.port = backend->port,
		.weight = backend->weight,
		.admin = backend->admin,
		.health = backend->health,
		.sorry = backend->sorry,
		.reason = backend->reason,
		.next_hop = "resolving",
		.lives = true,
		.usable = backend_usable(backend),
		.serves = backend->serves,
		.target = backend->target,
		.row_count = backend->service->row_count,
		.rows = backend->rows,
		.previous_rows = backend->older_rows,
		.since_s = now > backend->since ? now - backend->since : 0,
		.flows = backend->flows,
		.closing = backend->closing,
	};

	if (backend->hop_told)
		show.next_hop = backend_way_format(backend, way, sizeof(way));
	return show_backend(&show);
}

static json_t *backends_tree(struct live_backend *const *backends, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, backend_tree(backends[i]));
	return all;
}

/* Milliseconds since the last sweep began, which counts of flows are of. Unknown: there was none.
 */
static long long sweep_age_ms(const struct flow_table_found *sweep)
{
	if (!sweep->swept_ns)
		return SHOW_UNKNOWN;
	return (now_ns() - sweep->swept_ns) / 1000000 + sweep->sweep_us / 1000;
}

static json_t *check_tree(const struct conf_service *conf)
{
	json_t *configured, *check;

	if (!conf->check.kind)
		return NULL;
	configured = conf_encode_service(conf);
	check = json_incref(json_object_get(configured, "check"));
	json_decref(configured);
	return check;
}

static json_t *service_tree(const struct live_service *service)
{
	const struct conf_service *conf = service->conf;
	const struct conf *all = service->model->conf;
	bool nat = mode_has_nat_table(conf->mode);
	char nets[CONF_OUTER_TEXT_SIZE];
	const struct show_settings settings = {
		.idle_timeout_ms = nat ? conf_nat_idle_ms(all, conf) : conf_idle_ms(all, conf),
		/* Each flow of mode nat is in its table: none has to be waited for. */
		.settles = !nat || conf->hash_source,
		.settle_ms = conf->settle_ms,
		.slow_start_ms = conf->slow_start_ms,
		.panic_percent = conf->panic_percent,
		.gue_port = conf->gue_port,
		.outer_sources = conf_outer_sources_format(conf, nets),
		.check = check_tree(conf),
	};
	const struct show_service show = {
		.name = conf->name,
		.addr = conf->addr,
		.port = conf->port,
		.proto = conf->proto,
		.mode = conf->mode,
		.scheduler = conf->scheduler,
		.hash_source = conf->hash_source,
		.rejects = conf->reject,
		.tracks_always = conf_tracks_always(conf) || nat,
		.rows = conf->rows,
		.stable_rows = service->stable_rows,
		.moving_rows = service->moving_rows,
		.tracked_rows = service->tracked_rows,
		.sweep_age_ms = sweep_age_ms(&service->model->flow_table),
		.settings = &settings,
	};

	return show_service(&show, backends_tree(service->backends, service->backend_count),
			    backends_tree(service->leaving, service->leaving_count));
}

json_t *api_service_tree(const struct control *control, const char *name)
{
	const struct live_service *service = service_find(control_reconcile(control), name);

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
	const struct model *model = control_reconcile(call->control);
	json_t *all = json_array();

	for (size_t i = 0; i < model->service_count; i++)
		json_array_append_new(all, service_tree(model->services[i]));
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
			json_array_append_new(all, show_interface(links[i].ifname, links[i].ifindex,
								  links[i].generic,
								  links[i].program_id));
	free(links);
	return all;
}

static json_t *flow_table_tree(const struct model *model, const struct lb *lb)
{
	const struct flow_table_found *sweep = &model->flow_table;
	struct show_flow_table table = {
		.size = sweep->size,
		.occupied = sweep->occupied,
		.new_flows = sweep->new_flows,
		.sweep_us = sweep->sweep_us,
		.sweep_age_ms = sweep_age_ms(sweep),
	};

	/* Counters that cannot be read say nothing against the rest. */
	flow_counters_read(lb_maps(lb), &table.counter);
	return show_flow_table(&table);
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

/* NULL: there is no NAT table. */
static json_t *nat_table_tree(const struct control *control)
{
	const struct model *model = control_reconcile(control);
	const struct control_nat *nat = control_nat(control);
	const struct nat_table_found *found = &model->nat_table;
	struct show_nat_table table = {
		.flows = found->flows,
		.new_flows = found->new_flows,
		.closing = found->closing,
		.port_first = nat->port_first,
		.port_last = nat->port_last,
	};
	__u32 sets;

	if (!lb_nat_table(control_lb(control), &sets))
		return NULL;
	table.size = (__u64)sets * (NAT_PER_SET / 2);
	nat_counters_read(lb_maps(control_lb(control)), &table.counter);
	table.sources = sources_tree(&model->nat.sources);
	return show_nat_table(&table);
}

/* A backend in maint counts as up, whether there is a way to it or not: it serves nothing. */
static bool is_up(const struct live_backend *backend)
{
	return health_usable(backend->health) && (backend->serves || backend->admin == ADMIN_MAINT);
}

void api_status(struct api_call *call)
{
	const struct model *model = control_reconcile(call->control);
	const struct lb *lb = control_lb(call->control);
	struct show_status status = {
		.version = POISE_VERSION,
		.instance = control_instance(call->control)->name,
		.pid = getpid(),
		.uptime_s = control_uptime_s(call->control),
		.last_publish_us = model->last_publish_us,
		.services = model->service_count,
	};

	for (size_t i = 0; i < model->service_count; i++) {
		const struct live_service *service = model->services[i];

		status.local_services += mode_has_sockets(service->conf->mode);
		status.backends += service->backend_count;
		for (size_t j = 0; j < service->backend_count; j++)
			status.up += is_up(service->backends[j]);
	}
	lb_memory_bytes(lb, status.map_bytes);
	status.interfaces = interfaces_tree(lb);
	status.flow_table = flow_table_tree(model, lb);
	status.nat_table = nat_table_tree(call->control);
	api_answer(call, 200, show_status(&status));
}
