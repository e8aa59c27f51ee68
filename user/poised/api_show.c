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

	if (backend->hop_told) {
		hop = target_trouble(&service->way, &backend->hop, buf, sizeof(buf));
		if (!hop)
			hop = nexthop_format(&backend->hop, buf, sizeof(buf));
	}
	return json_pack("{s:s, s:i, s:s, s:s, s:I, s:s, s:b, s:i, s:i, s:f}", "id",
			 endpoint_format(&backend->addr, backend->port, id), "weight",
			 backend->weight, "health", health_name(backend->health), "reason",
			 backend->reason, "since_s",
			 (json_int_t)(now > backend->since ? now - backend->since : 0), "next_hop",
			 hop, "usable", backend_usable(backend), "target", backend->target, "rows",
			 backend->rows, "share", (double)backend->rows / service->row_count);
}

static json_t *service_tree(const struct run_service *service)
{
	const struct conf_service *conf = service->conf;
	json_t *tree, *backends = json_array(), *configured;
	char listen[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < service->backend_count; i++)
		json_array_append_new(backends, backend_tree(service->backends[i]));
	tree = json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", conf->name, "listen",
			 listen_format(&conf->addr, conf->port, conf->proto, listen), "mode",
			 mode_name(conf->mode), "scheduler", "maglev", "rows", conf->rows);
	if (conf->mode == MODE_GUE)
		json_object_set_new(tree, "gue_port", json_integer(conf->gue_port));
	if (conf->check.type != CHECK_NONE) {
		configured = conf_encode_service(conf);
		json_object_set(tree, "check", json_object_get(configured, "check"));
		json_decref(configured);
	}
	json_object_set_new(tree, "backends", backends);
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

void api_status(struct api_call *call)
{
	const struct reconcile *rec = control_reconcile(call->control);
	const struct lb *lb = control_lb(call->control);
	size_t backends = 0, up = 0;
	json_t *maps, *tree;
	__u64 total;

	for (size_t i = 0; i < rec->service_count; i++) {
		const struct run_service *service = rec->services[i];

		backends += service->backend_count;
		for (size_t j = 0; j < service->backend_count; j++)
			up += health_usable(service->backends[j]->health);
	}
	maps = memory_tree(lb, &total);
	tree = json_pack("{s:s, s:i, s:s, s:i, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:I}", "version",
			 POISE_VERSION, "abi", POISE_ABI_VERSION, "instance",
			 control_instance(call->control)->name, "pid", (int)getpid(), "uptime_s",
			 (json_int_t)control_uptime_s(call->control), "interfaces",
			 interfaces_tree(lb), "services", (json_int_t)rec->service_count,
			 "backends", (json_int_t)backends, "up", (json_int_t)up, "map_memory_bytes",
			 (json_int_t)total, "maps", maps, "last_publish_us",
			 (json_int_t)rec->last_publish_us);
	api_answer(call, 200, tree);
}
