// SPDX-License-Identifier: BSD-2-Clause
#include "show/show.h"

/* A number, null or nothing. */
static void put_number(json_t *object, const char *key, long long number)
{
	if (number != SHOW_ABSENT)
		json_object_set_new(object, key,
				    number == SHOW_UNKNOWN ? json_null() : json_integer(number));
}

static void put_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, text ? json_string(text) : json_null());
}

/* The duration is written as in the configuration; null stands for none. */
static void put_duration(json_t *object, const char *key, __u32 duration_ms)
{
	char buf[16];

	put_text(object, key, duration_ms ? conf_duration_format(duration_ms, buf) : NULL);
}

json_t *show_backend(const struct show_backend *backend)
{
	json_t *object = json_object();
	char id[ENDPOINT_TEXT_SIZE];

	put_text(object, "id", endpoint_format(&backend->addr, backend->port, id));
	put_number(object, "weight", backend->weight);
	put_text(object, "state", admin_name(backend->admin));
	put_text(object, "health", health_name(backend->health));
	put_text(object, "reason", backend->reason);
	put_number(object, "since_s", backend->since_s);
	put_text(object, "next_hop", backend->next_hop);
	json_object_set_new(object, "usable",
			    backend->lives ? json_boolean(backend->usable) : json_null());
	json_object_set_new(object, "serves",
			    backend->lives ? json_boolean(backend->serves) : json_null());
	put_number(object, "target", backend->target);
	put_number(object, "rows", backend->rows);
	json_object_set_new(
		object, "share",
		json_real(backend->row_count ? (double)backend->rows / backend->row_count : 0));
	put_number(object, "previous_rows", backend->previous_rows);
	put_number(object, "flows", backend->flows);
	put_number(object, "closing", backend->closing);
	if (backend->sorry)
		json_object_set_new(object, "sorry", json_true());
	return object;
}

static void put_times(json_t *object, const struct show_settings *settings)
{
	put_duration(object, "idle_timeout", settings->idle_timeout_ms);
	if (settings->settles)
		put_duration(object, "settle", settings->settle_ms);
	put_duration(object, "slow_start", settings->slow_start_ms);
	json_object_set_new(object, "panic",
			    settings->panic_percent ? json_sprintf("%u%%", settings->panic_percent)
						    : json_null());
}

static json_t *tracking_object(const struct show_service *service)
{
	json_t *object = json_object();

	put_number(object, "stable", service->stable_rows);
	put_number(object, "moving", service->moving_rows);
	put_number(object, "tracked", service->tracked_rows);
	put_number(object, "sweep_age_ms", service->sweep_age_ms);
	return object;
}

json_t *show_service(const struct show_service *service, json_t *backends, json_t *leaving)
{
	const struct show_settings *settings = service->settings;
	json_t *object = json_object();
	char listen[ENDPOINT_TEXT_SIZE];

	put_text(object, "name", service->name);
	put_text(object, "listen",
		 listen_format(&service->addr, service->port, service->proto, listen));
	put_text(object, "mode", mode_name(service->mode));
	put_number(object, "rows", service->rows);
	put_text(object, "scheduler", scheduler_name(service->scheduler));
	put_text(object, "hash", service->hash_source ? "source" : "5-tuple");
	put_text(object, "track", service->tracks_always ? "always" : "auto");
	if (mode_takes(service->mode, "unavailable"))
		put_text(object, "unavailable", service->rejects ? "reject" : "drop");
	if (settings)
		put_times(object, settings);
	json_object_set_new(object, "tracking", tracking_object(service));
	if (mode_source(service->mode))
		put_text(object, "source", mode_source(service->mode));
	if (settings && mode_takes(service->mode, "gue_port"))
		put_number(object, "gue_port", settings->gue_port);
	if (settings && settings->outer_sources)
		put_text(object, "outer_sources", settings->outer_sources);
	if (settings && settings->check)
		json_object_set_new(object, "check", settings->check);
	json_object_set_new(object, "backends", backends);
	json_object_set_new(object, "leaving", leaving);
	return object;
}

json_t *show_interface(const char *name, __u32 ifindex, bool generic, __u32 program_id)
{
	return json_pack("{s:s, s:i, s:s, s:i}", "name", name, "ifindex", ifindex, "xdp",
			 generic ? "generic" : "native", "program", program_id);
}

json_t *show_flow_table(const struct show_flow_table *table)
{
	json_t *object = json_object();

	put_number(object, "size", table->size);
	put_number(object, "occupied", table->occupied);
	put_number(object, "new", table->new_flows);
	put_number(object, "tracked", table->counter.tracked);
	put_number(object, "evicted", table->counter.evicted);
	put_number(object, "lost", table->counter.lost);
	put_number(object, "sweep_us", table->sweep_us);
	put_number(object, "sweep_age_ms", table->sweep_age_ms);
	return object;
}

json_t *show_nat_table(const struct show_nat_table *table)
{
	json_t *object = json_object();

	put_number(object, "size", table->size);
	put_number(object, "flows", table->flows);
	put_number(object, "new", table->new_flows);
	put_number(object, "closing", table->closing);
	put_number(object, "made", table->counter.made);
	put_number(object, "evicted", table->counter.evicted);
	put_number(object, "broken", table->counter.broken);
	put_number(object, "reused", table->counter.reused);
	json_object_set_new(object, "ports",
			    table->port_first
				    ? json_sprintf("%u-%u", table->port_first, table->port_last)
				    : json_null());
	json_object_set_new(object, "sources", table->sources);
	return object;
}

json_t *show_status(const struct show_status *status)
{
	json_t *object = json_object(), *maps = json_object();
	__u64 total = 0;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		put_number(maps, maps_name(i), status->map_bytes[i]);
		total += status->map_bytes[i];
	}
	put_text(object, "version", status->version);
	put_number(object, "abi", POISE_ABI_VERSION);
	put_text(object, "instance", status->instance);
	put_number(object, "pid", status->pid);
	put_number(object, "uptime_s", status->uptime_s);
	json_object_set_new(object, "interfaces", status->interfaces);
	put_number(object, "services", status->services);
	put_number(object, "local_services", status->local_services);
	put_number(object, "backends", status->backends);
	put_number(object, "up", status->up);
	put_number(object, "map_memory_bytes", total);
	json_object_set_new(object, "maps", maps);
	put_number(object, "last_publish_us", status->last_publish_us);
	json_object_set_new(object, "flows", status->flow_table);
	if (status->nat_table)
		json_object_set_new(object, "nat", status->nat_table);
	return object;
}
