// SPDX-License-Identifier: BSD-2-Clause
/* poise backend: the servers of a service. */
#include "addr.h"
#include "body.h"
#include "client.h"
#include "listing.h"
#include "tree.h"
#include "view.h"

/* One flat array, each backend with its service's name first. */
static json_t *flatten(const json_t *services)
{
	const json_t *service;
	json_t *flat = json_array(), *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "backends"), k, backend) {
			json_t *entry = json_object();

			json_object_set(entry, "service", json_object_get(service, "name"));
			json_object_update(entry, backend);
			json_array_append_new(flat, entry);
		}
	}
	return flat;
}

static int backend_list(struct command *cmd)
{
	json_t *services, *service;
	int status;

	if (cmd->argc) {
		status = listing_service(cmd, cmd->argv[0], &service);
		services = status == EXIT_DONE ? json_pack("[o]", service) : NULL;
	} else {
		status = listing_services(cmd, &services);
	}
	if (status != EXIT_DONE)
		return status;
	if (cmd->json) {
		status = tree_print(flatten(services));
	} else {
		status = view_backends(services);
	}
	json_decref(services);
	return status;
}

/* "/v1/services/NAME/backends[/ID]" */
static int backend_path(const struct command *cmd, bool with_id, char *buf, size_t size)
{
	char id[ENDPOINT_TEXT_SIZE];
	struct addr addr;
	__u16 port;
	int err;

	snprintf(buf, size, "/v1/services");
	err = client_path_add(buf, size, cmd->argv[0]);
	if (!err)
		err = client_path_add(buf, size, "backends");
	if (with_id && endpoint_parse(cmd->argv[1], &addr, &port))
		return command_misuse("backend: expected ADDR, ADDR:PORT or [V6]:PORT, found "
				      "\"%s\"",
				      cmd->argv[1]);
	/* poised knows it by one spelling of its address. */
	if (!err && with_id)
		err = client_path_add(buf, size, endpoint_format(&addr, port, id));
	return err ? command_refuse("no service \"%s\"", cmd->argv[0]) : EXIT_DONE;
}

static int backend_add(struct command *cmd)
{
	char path[512];
	json_t *body;
	int status = body_backend(cmd->argv[1], command_option(cmd, "weight"), &body);

	if (status != EXIT_DONE)
		return status;
	status = backend_path(cmd, false, path, sizeof(path));
	if (status != EXIT_DONE) {
		json_decref(body);
		return status;
	}
	return client_change(cmd, "POST", path, body);
}

static int backend_set(struct command *cmd)
{
	const char *weight = command_option(cmd, "weight");
	char path[512];
	json_t *body;
	int status;

	if (!weight)
		return command_misuse("backend set: nothing to change: --weight N is needed");
	status = backend_path(cmd, true, path, sizeof(path));
	if (status == EXIT_DONE)
		status = body_backend(cmd->argv[1], weight, &body);
	if (status != EXIT_DONE)
		return status;
	/* Who it is stands in the path. */
	json_object_del(body, "address");
	return client_change(cmd, "PATCH", path, body);
}

static int backend_del(struct command *cmd)
{
	char path[512];
	int status = backend_path(cmd, true, path, sizeof(path));

	return status == EXIT_DONE ? client_change(cmd, "DELETE", path, NULL) : status;
}

static const struct verb verbs[] = {
	{ "list", "[SERVICE]", "backends, of one service or of all", 0, 1, NULL, backend_list },
	{ "add", "SERVICE ADDR[:PORT] [--weight N]", "a new backend", 2, 2, body_backend_options,
	  backend_add },
	{ "set", "SERVICE ADDR[:PORT] --weight N", "change a backend", 2, 2, body_backend_options,
	  backend_set },
	{ "del", "SERVICE ADDR[:PORT]", "remove a backend", 2, 2, NULL, backend_del },
};

int cmd_backend(struct command *cmd)
{
	return verbs_run(cmd, verbs, ARRAY_SIZE(verbs));
}
