// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "maps/bpffs.h"
#include "conf/conf.h"
#include "mode/mode.h"
#include "explain/explain.h"
#include "maps/pins.h"
#include "pinned/links.h"
#include "pinned/offline.h"
#include "show/show.h"

#define WHY_SIZE 512 /* every map may be named */

/* path: of their directory, once it is known. After -EPROTO `why` says what cannot be read. */
static int open_quietly(const struct command *cmd, char path[PATH_MAX], struct maps *maps,
			char *why, size_t size)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir)), other;

	if (!err)
		err = maps_dir(dir, path, PATH_MAX);
	if (err)
		return err;
	err = maps_open_why(path, maps, why, size);
	other = err == -ENOENT ? pins_other_abi(dir) : 0;
	if (!other)
		return err;
	snprintf(path, PATH_MAX, "%s", dir);
	snprintf(why, size, "they are of ABI version %d, expected %d", other, POISE_ABI_VERSION);
	return -EPROTO;
}

int offline_open_silent(const struct command *cmd, struct maps *maps)
{
	char path[PATH_MAX], why[WHY_SIZE];

	return open_quietly(cmd, path, maps, why, sizeof(why));
}

int offline_open_maps(const struct command *cmd, struct maps *maps)
{
	char path[PATH_MAX], why[WHY_SIZE];
	int err = open_quietly(cmd, path, maps, why, sizeof(why));

	switch (err) {
	case 0:
		return EXIT_DONE;
	case -ENOENT:
		command_refuse("instance %s does not run: poised does not answer and nothing is "
			       "pinned",
			       cmd->instance);
		return EXIT_NO_DAEMON;
	case -EPROTO:
		return command_refuse("%s: the maps pinned there cannot be read: %s: use the poise "
				      "that came with the poised that made them, or start poised",
				      path, why);
	default:
		return command_refuse("pinned maps of instance %s: %s%s", cmd->instance,
				      strerror(-err),
				      err == -EPERM || err == -EACCES ? " (are you root?)" : "");
	}
}

int offline_open(const struct command *cmd, struct maps *maps)
{
	int status = offline_open_maps(cmd, maps);

	if (status == EXIT_DONE)
		command_refuse("poised (instance %s) does not answer: this is what it last "
			       "published",
			       cmd->instance);
	return status;
}

int names_read(const struct maps *maps, struct names *out)
{
	struct names names = { .target_count = maps_max_targets(maps) };
	int err = -ENOMEM;
	size_t i;

	names.services = calloc(POISE_MAX_SERVICES, sizeof(*names.services));
	names.targets = calloc(names.target_count + 1, sizeof(*names.targets));
	if (names.services && names.targets)
		err = service_names_read(maps, names.services, POISE_MAX_SERVICES);
	if (!err)
		err = target_names_read(maps, names.targets, names.target_count);
	if (err) {
		names_free(&names);
	} else {
		/* Whoever wrote them: strings end within their fields. */
		for (i = 0; i < POISE_MAX_SERVICES; i++)
			names.services[i].name[POISE_NAME_SIZE - 1] = '\0';
		for (i = 0; i < names.target_count; i++)
			names.targets[i].service[POISE_NAME_SIZE - 1] = '\0';
	}
	*out = names;
	return err;
}

void names_free(struct names *names)
{
	free(names->services);
	free(names->targets);
	memset(names, 0, sizeof(*names));
}

/* Everything that is read once for all services. */
struct offline {
	const struct maps *maps;
	struct names names;
	struct tracking tracking; /* flows NULL: not readable */
	struct target_rows *rows; /* of each target */
};

/* Unknown where no table tells of flows, or it cannot be read. */
static void flows_fill(const struct offline *offline, const struct service_name *service,
		       struct show_backend *backend)
{
	const struct sweep_tally *flows = offline->tracking.flows;
	/* The kernel has the connections, and only poised counts the sockets. */
	bool sockets = mode_has_sockets(service->mode) && service->key.proto == IPPROTO_TCP;

	if (!flows || sockets)
		return;
	backend->flows = flows[backend->target].live;
	backend->closing = flows[backend->target].closing;
}

static json_t *backend_object(const struct offline *offline, const struct service_name *service,
			      __u32 target)
{
	const struct target_name *name = &offline->names.targets[target];
	struct show_backend backend = {
		.port = ntohs(name->port),
		.weight = name->weight,
		.admin = name->admin,
		.health = name->health,
		.sorry = name->flags & TARGET_NAME_SORRY,
		.reason = "",
		.target = target,
		.row_count = service->row_count,
		.rows = offline->rows[target].current,
		.previous_rows = offline->rows[target].previous,
		.since_s = SHOW_UNKNOWN,
		.flows = SHOW_UNKNOWN,
		.closing = SHOW_UNKNOWN,
	};

	memcpy(backend.addr.b, name->addr, sizeof(backend.addr.b));
	flows_fill(offline, service, &backend);
	return show_backend(&backend);
}

static json_t *backend_array(const struct offline *offline, const struct service_name *service,
			     bool leaving)
{
	const struct names *names = &offline->names;
	json_t *array = json_array();
	size_t i;

	for (i = 1; i < names->target_count; i++) {
		const struct target_name *name = &names->targets[i];

		if (strcmp(name->service, service->name) ||
		    leaving != !!(name->flags & TARGET_NAME_LEAVING))
			continue;
		json_array_append_new(array, backend_object(offline, service, i));
	}
	return array;
}

static json_t *service_object(const struct offline *offline, __u32 number)
{
	const struct service_name *name = &offline->names.services[number];
	struct show_service service = {
		.name = name->name,
		.port = ntohs(name->key.port),
		.proto = name->key.proto,
		.mode = name->mode,
		.scheduler = explain_scheduler(name->flags),
		.hash_source = name->flags & SERVICE_HASH_SOURCE,
		.rejects = name->flags & SERVICE_REJECT,
		.tracks_always = name->flags & SERVICE_TRACK || mode_has_nat_table(name->mode),
		.rows = name->row_count,
		.sweep_age_ms = SHOW_ABSENT,
	};
	struct row_kinds kinds;

	if (tracking_rows(offline->maps, number, name->row_count, &kinds, offline->rows,
			  offline->names.target_count))
		return NULL;
	memcpy(service.addr.b, name->key.addr, sizeof(service.addr.b));
	service.stable_rows = kinds.stable;
	service.moving_rows = kinds.moving;
	service.tracked_rows = kinds.tracked;
	return show_service(&service, backend_array(offline, name, false),
			    backend_array(offline, name, true));
}

static void offline_free(struct offline *offline)
{
	names_free(&offline->names);
	tracking_free(&offline->tracking);
	free(offline->rows);
}

static int offline_read(const struct maps *maps, struct offline *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->maps = maps;
	err = names_read(maps, &out->names);
	if (err)
		return err;
	out->rows = calloc(out->names.target_count + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	/* Without it there is still something to tell. */
	tracking_read(maps, &out->tracking);
	return 0;
}

static json_t *flow_table_object(const struct tracking *tracking)
{
	const struct show_flow_table table = {
		.size = tracking->size,
		.occupied = tracking->occupied,
		.new_flows = tracking->new_flows,
		.counter = tracking->counter,
		.sweep_us = SHOW_ABSENT,
		.sweep_age_ms = SHOW_ABSENT,
	};

	return tracking->flows ? show_flow_table(&table) : json_null();
}

/* Bytes of the rows map and of all tables in it. */
static __u64 rows_memory(const struct maps *maps, const struct names *names)
{
	__u64 bytes = map_memory_bytes(maps->rows);
	__u32 i;

	for (i = 0; i < POISE_MAX_SERVICES; i++) {
		const struct service_name *service = &names->services[i];
		size_t size;
		int fd;

		fd = service->name[0] ? rows_map_open(maps, i, service->row_count, &size) : -1;
		if (fd < 0)
			continue;
		bytes += map_memory_bytes(fd);
		close(fd);
	}
	return bytes;
}

/* The memory of the outer map and of the one NAT table in it. */
static __u64 nat_memory(const struct maps *maps)
{
	__u64 bytes = map_memory_bytes(maps->nat_table);
	__u32 sets;
	int fd = nat_map_open(maps, &sets);

	if (fd < 0)
		return bytes;
	bytes += map_memory_bytes(fd);
	close(fd);
	return bytes;
}

static __u64 memory_of(const struct maps *maps, const struct names *names, int fd)
{
	if (fd == maps->rows)
		return rows_memory(maps, names);
	return fd == maps->nat_table ? nat_memory(maps) : map_memory_bytes(fd);
}

static void memory_fill(const struct maps *maps, const struct names *names, __u64 bytes[MAPS_COUNT])
{
	const int *fds = (const int *)maps;

	for (size_t i = 0; i < MAPS_COUNT; i++)
		bytes[i] = memory_of(maps, names, fds[i]);
}

static json_t *sources_tree(const struct maps *maps)
{
	struct nat_source *sources = calloc(POISE_MAX_NAT_SOURCES, sizeof(*sources));
	static const struct nat_source unused;
	char text[ADDR_TEXT_SIZE];
	json_t *list = json_array();
	struct addr addr;

	if (!sources || nat_sources_read(maps, sources)) {
		json_decref(list);
		list = json_null();
	}
	for (size_t i = 0; json_is_array(list) && i < POISE_MAX_NAT_SOURCES; i++) {
		if (!memcmp(&sources[i], &unused, sizeof(unused)))
			continue;
		memcpy(addr.b, sources[i].addr, sizeof(addr.b));
		json_array_append_new(list, json_string(addr_format(&addr, text)));
	}
	free(sources);
	return list;
}

/* NULL: there is no NAT table. Only poised knows the ports in use. */
static json_t *nat_table_object(const struct maps *maps, const struct tracking_nat *nat)
{
	const struct show_nat_table table = {
		.size = nat->size,
		.flows = nat->flows,
		.new_flows = nat->new_flows,
		.closing = nat->closing,
		.counter = nat->counter,
		.sources = nat->size ? sources_tree(maps) : NULL,
	};

	return nat->size ? show_nat_table(&table) : NULL;
}

static json_t *tables_object(const struct maps *maps, const struct tracking *tracking)
{
	json_t *tables = json_pack("{s:o}", "flows", flow_table_object(tracking));
	json_t *nat = nat_table_object(maps, &tracking->nat);

	if (nat)
		json_object_set_new(tables, "nat", nat);
	return tables;
}

json_t *offline_services(const struct maps *maps, json_t **tables)
{
	json_t *array = json_array();
	struct offline offline;
	int err = offline_read(maps, &offline);
	size_t i;

	for (i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		if (offline.names.services[i].name[0])
			err = json_array_append_new(array, service_object(&offline, i));
	}
	if (!err && tables)
		*tables = tables_object(maps, &offline.tracking);
	offline_free(&offline);
	if (!err)
		return array;
	json_decref(array);
	return NULL;
}

/* Services; backends that are configured, and how many of these their health lets have traffic. */
static void counts_fill(const struct names *names, bool local, struct show_status *status)
{
	for (size_t i = 0; i < POISE_MAX_SERVICES; i++) {
		const struct service_name *name = &names->services[i];

		status->services += name->name[0] != '\0';
		status->local_services += local && name->name[0] && mode_has_sockets(name->mode);
	}
	for (size_t i = 1; i < names->target_count; i++) {
		const struct target_name *name = &names->targets[i];

		if (!name->service[0] || name->flags & TARGET_NAME_LEAVING)
			continue;
		status->backends++;
		status->up += name->health == HEALTH_UP || name->health == HEALTH_UNCHECKED;
	}
}

json_t *offline_status(const struct command *cmd, const struct maps *maps)
{
	struct show_status status = {
		.instance = cmd->instance,
		.pid = SHOW_UNKNOWN,
		.uptime_s = SHOW_UNKNOWN,
		.last_publish_us = SHOW_UNKNOWN,
	};
	struct tracking tracking;
	struct names names;

	if (names_read(maps, &names))
		return NULL;
	counts_fill(&names, links_local(cmd->instance), &status);
	memory_fill(maps, &names, status.map_bytes);
	names_free(&names);
	tracking_read(maps, &tracking);
	status.interfaces = links_list(cmd->instance);
	status.flow_table = flow_table_object(&tracking);
	status.nat_table = nat_table_object(maps, &tracking.nat);
	tracking_free(&tracking);
	return show_status(&status);
}
