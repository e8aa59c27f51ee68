// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "bpffs.h"
#include "conf.h"
#include "explain.h"
#include "links.h"
#include "offline.h"

/* path: of their directory, once it is known. */
static int open_quietly(const struct command *cmd, char path[PATH_MAX], struct maps *maps)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir));

	if (!err)
		err = maps_dir(dir, path, PATH_MAX);
	return err ? err : maps_open(path, maps);
}

int offline_open_silent(const struct command *cmd, struct maps *maps)
{
	char path[PATH_MAX];

	return open_quietly(cmd, path, maps);
}

int offline_open_maps(const struct command *cmd, struct maps *maps)
{
	char path[PATH_MAX];
	int err = open_quietly(cmd, path, maps);

	switch (err) {
	case 0:
		return EXIT_DONE;
	case -ENOENT:
		command_refuse("instance %s does not run: poised does not answer and nothing is "
			       "pinned",
			       cmd->instance);
		return EXIT_NO_DAEMON;
	case -EPROTO:
		return command_refuse("%s: the maps pinned there are not this version's", path);
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

/* What is read once for all services. */
struct offline {
	const struct maps *maps;
	struct names names;
	struct tracking tracking; /* flows NULL: not readable */
	struct target_rows *rows; /* of each target */
};

/* Shown as unknown where no table tells of them, or it cannot be read. */
static json_t *flows_tree(const struct offline *offline, const struct service_name *service,
			  __u32 target, bool closing)
{
	const struct sweep_flows *flows = offline->tracking.flows;
	/* The kernel has the connections, poised counts the sockets. */
	bool sockets = service->mode == MODE_LOCAL && service->key.proto == IPPROTO_TCP;

	if (!flows || sockets)
		return json_null();
	return json_integer(closing ? flows[target].closing : flows[target].live);
}

static json_t *backend_object(const struct offline *offline, const struct service_name *service,
			      __u32 target)
{
	const struct target_name *name = &offline->names.targets[target];
	const struct target_rows *rows = &offline->rows[target];
	char id[ENDPOINT_TEXT_SIZE];
	__u32 row_count = service->row_count;
	struct addr addr;
	json_t *tree;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	endpoint_format(&addr, ntohs(name->port), id);
	tree = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:n, s:n, s:n, s:n, s:i, s:I, s:f, s:I, s:o, "
		"s:o}",
		"id", id, "weight", name->weight, "state", admin_name(name->admin), "health",
		health_name(name->health), "reason", "", "since_s", "next_hop", "usable", "serves",
		"target", (int)target, "rows", (json_int_t)rows->current, "share",
		row_count ? (double)rows->current / row_count : 0.0, "previous_rows",
		(json_int_t)rows->previous, "flows", flows_tree(offline, service, target, false),
		"closing", flows_tree(offline, service, target, true));
	if (name->flags & TARGET_NAME_SORRY)
		json_object_set_new(tree, "sorry", json_true());
	return tree;
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
	const struct service_name *service = &offline->names.services[number];
	char listen[ENDPOINT_TEXT_SIZE];
	struct row_kinds kinds;
	struct addr addr;
	json_t *tree;

	memcpy(addr.b, service->key.addr, sizeof(addr.b));
	listen_format(&addr, ntohs(service->key.port), service->key.proto, listen);
	if (tracking_rows(offline->maps, number, service->row_count, &kinds, offline->rows,
			  offline->names.target_count))
		return NULL;
	tree = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:I, s:I, s:I}, s:o, s:o}", "name",
		service->name, "listen", listen, "mode", mode_name(service->mode), "scheduler",
		scheduler_name(explain_scheduler(service->flags)), "hash",
		service->flags & SERVICE_HASH_SOURCE ? "source" : "5-tuple", "track",
		service->flags & SERVICE_TRACK || service->mode == MODE_NAT ? "always" : "auto",
		"rows", (int)service->row_count, "tracking", "stable", (json_int_t)kinds.stable,
		"moving", (json_int_t)kinds.moving, "tracked", (json_int_t)kinds.tracked,
		"backends", backend_array(offline, service, false), "leaving",
		backend_array(offline, service, true));
	if (service->mode == MODE_NAT_KEEP)
		json_object_set_new(tree, "source", json_string("keep"));
	return tree;
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

static json_t *table_tree(const struct tracking *tracking)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I}", "size", (json_int_t)tracking->size, "occupied",
		(json_int_t)tracking->occupied, "new", (json_int_t)tracking->new_flows, "tracked",
		(json_int_t)tracking->counter.tracked, "evicted",
		(json_int_t)tracking->counter.evicted, "lost", (json_int_t)tracking->counter.lost);
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

/* With the one table in it. */
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

static json_t *memory_object(const struct maps *maps, const struct names *names, __u64 *total)
{
	const int *fds = (const int *)maps;
	json_t *object = json_object();
	size_t i;

	*total = 0;
	for (i = 0; i < MAPS_COUNT; i++) {
		__u64 bytes = memory_of(maps, names, fds[i]);

		*total += bytes;
		json_object_set_new(object, maps_names[i], json_integer(bytes));
	}
	return object;
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

/* The ports in use are poised's to know. */
static json_t *nat_tree(const struct maps *maps, const struct tracking_nat *nat)
{
	const struct nat_counter *counter = &nat->counter;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:n, s:o}", "size",
			 (json_int_t)nat->size, "flows", (json_int_t)nat->flows, "new",
			 (json_int_t)nat->new_flows, "closing", (json_int_t)nat->closing, "made",
			 (json_int_t)counter->made, "evicted", (json_int_t)counter->evicted,
			 "broken", (json_int_t)counter->broken, "reused",
			 (json_int_t)counter->reused, "ports", "sources", sources_tree(maps));
}

static void tables_put(const struct maps *maps, const struct tracking *tracking, json_t *status)
{
	json_object_set_new(status, "flows", tracking->flows ? table_tree(tracking) : json_null());
	if (tracking->nat.size)
		json_object_set_new(status, "nat", nat_tree(maps, &tracking->nat));
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
	if (!err && tables) {
		*tables = json_object();
		tables_put(maps, &offline.tracking, *tables);
	}
	offline_free(&offline);
	if (!err)
		return array;
	json_decref(array);
	return NULL;
}

/* Backends that are configured, and how many of these their health lets have traffic. */
static void backends_count(const struct names *names, size_t *backends, size_t *up)
{
	*backends = *up = 0;
	for (size_t i = 1; i < names->target_count; i++) {
		const struct target_name *name = &names->targets[i];

		if (!name->service[0] || name->flags & TARGET_NAME_LEAVING)
			continue;
		++*backends;
		*up += name->health == HEALTH_UP || name->health == HEALTH_UNCHECKED;
	}
}

json_t *offline_status(const struct command *cmd, const struct maps *maps)
{
	size_t services = 0, local = 0, backends, up, i;
	struct names names;
	struct tracking tracking;
	json_t *memory, *status;
	__u64 total;

	if (names_read(maps, &names))
		return NULL;
	for (i = 0; i < POISE_MAX_SERVICES; i++) {
		services += names.services[i].name[0] != '\0';
		local += names.services[i].name[0] && names.services[i].mode == MODE_LOCAL;
	}
	if (!links_local(cmd->instance))
		local = 0;
	backends_count(&names, &backends, &up);
	memory = memory_object(maps, &names, &total);
	names_free(&names);
	status = json_pack("{s:n, s:i, s:s, s:n, s:n, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:n}",
			   "version", "abi", POISE_ABI_VERSION, "instance", cmd->instance, "pid",
			   "uptime_s", "interfaces", links_list(cmd->instance), "services",
			   (json_int_t)services, "local_services", (json_int_t)local, "backends",
			   (json_int_t)backends, "up", (json_int_t)up, "map_memory_bytes",
			   (json_int_t)total, "maps", memory, "last_publish_us");
	tracking_read(maps, &tracking);
	tables_put(maps, &tracking, status);
	tracking_free(&tracking);
	return status;
}
