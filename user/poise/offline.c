// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "bpffs.h"
#include "conf.h"
#include "links.h"
#include "offline.h"

int offline_open_maps(const struct command *cmd, struct maps *maps)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir));

	if (!err)
		err = maps_dir(dir, path, sizeof(path));
	if (!err)
		err = maps_open(path, maps);
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

/* Counts each target's rows in one service's table. 0 or -errno. */
static int rows_count(const struct maps *maps, __u32 number, __u32 row_count, __u32 *of_target,
		      size_t target_count)
{
	struct row *rows = calloc(row_count + 1, sizeof(*rows));
	int err = rows ? rows_read(maps, number, rows, row_count) : -ENOMEM;
	__u32 i;

	for (i = 0; i < row_count && !err; i++) {
		if (rows[i].current_target < target_count)
			of_target[rows[i].current_target]++;
	}
	free(rows);
	return err;
}

static json_t *backend_object(const struct target_name *name, __u32 target, __u32 rows,
			      __u32 row_count)
{
	char id[ENDPOINT_TEXT_SIZE];
	struct addr addr;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	endpoint_format(&addr, ntohs(name->port), id);
	return json_pack("{s:s, s:i, s:s, s:s, s:n, s:n, s:n, s:i, s:i, s:f}", "id", id, "weight",
			 name->weight, "health", health_name(name->health), "reason", "", "since_s",
			 "next_hop", "usable", "target", target, "rows", rows, "share",
			 row_count ? (double)rows / row_count : 0.0);
}

static json_t *backend_array(const struct names *names, const struct service_name *service,
			     const __u32 *rows)
{
	json_t *array = json_array();
	size_t i;

	for (i = 1; i < names->target_count; i++) {
		const struct target_name *name = &names->targets[i];

		if (strcmp(name->service, service->name))
			continue;
		if (json_array_append_new(array,
					  backend_object(name, i, rows[i], service->row_count))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *service_object(const struct maps *maps, const struct names *names, __u32 number)
{
	const struct service_name *service = &names->services[number];
	__u32 *rows = calloc(names->target_count + 1, sizeof(*rows));
	char listen[ENDPOINT_TEXT_SIZE];
	json_t *backends = NULL;
	struct addr addr;

	memcpy(addr.b, service->key.addr, sizeof(addr.b));
	listen_format(&addr, ntohs(service->key.port), service->key.proto, listen);
	if (rows && !rows_count(maps, number, service->row_count, rows, names->target_count))
		backends = backend_array(names, service, rows);
	free(rows);
	if (!backends)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "name", service->name, "listen", listen,
			 "mode", mode_name(service->mode), "scheduler", "maglev", "rows",
			 service->row_count, "backends", backends);
}

json_t *offline_services(const struct maps *maps)
{
	json_t *array = json_array();
	struct names names;
	size_t i;

	if (names_read(maps, &names))
		goto fail;
	for (i = 0; i < POISE_MAX_SERVICES; i++) {
		if (!names.services[i].name[0])
			continue;
		if (json_array_append_new(array, service_object(maps, &names, i)))
			goto fail;
	}
	names_free(&names);
	return array;
fail:
	names_free(&names);
	json_decref(array);
	return NULL;
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

static json_t *memory_object(const struct maps *maps, const struct names *names, __u64 *total)
{
	const int *fds = (const int *)maps;
	json_t *object = json_object();
	size_t i;

	*total = 0;
	for (i = 0; i < MAPS_COUNT; i++) {
		__u64 bytes =
			fds[i] == maps->rows ? rows_memory(maps, names) : map_memory_bytes(fds[i]);

		*total += bytes;
		json_object_set_new(object, maps_names[i], json_integer(bytes));
	}
	return object;
}

json_t *offline_status(const struct command *cmd, const struct maps *maps)
{
	size_t services = 0, backends = 0, up = 0, i;
	struct names names;
	json_t *memory;
	__u64 total;

	if (names_read(maps, &names))
		return NULL;
	for (i = 0; i < POISE_MAX_SERVICES; i++)
		services += names.services[i].name[0] != '\0';
	for (i = 1; i < names.target_count; i++) {
		const struct target_name *name = &names.targets[i];

		backends += name->service[0] != '\0';
		up += name->service[0] &&
		      (name->health == HEALTH_UP || name->health == HEALTH_UNCHECKED);
	}
	memory = memory_object(maps, &names, &total);
	names_free(&names);
	return json_pack("{s:n, s:i, s:s, s:n, s:n, s:o, s:I, s:I, s:I, s:I, s:o, s:n}", "version",
			 "abi", POISE_ABI_VERSION, "instance", cmd->instance, "pid", "uptime_s",
			 "interfaces", links_list(cmd->instance), "services", (json_int_t)services,
			 "backends", (json_int_t)backends, "up", (json_int_t)up, "map_memory_bytes",
			 (json_int_t)total, "maps", memory, "last_publish_us");
}
