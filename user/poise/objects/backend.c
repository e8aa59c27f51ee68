// SPDX-License-Identifier: BSD-2-Clause
/* poise backend: the servers of a service. */
#include "addr.h"
#include "backend.h"
#include "body.h"
#include "client.h"
#include "listing.h"
#include "tree.h"
#include "view.h"

static void flat_add(json_t *flat, const json_t *service, json_t *backend, bool leaving)
{
	json_t *entry = json_object();

	json_object_set(entry, "service", json_object_get(service, "name"));
	json_object_update(entry, backend);
	if (leaving)
		json_object_set_new(entry, "leaving", json_true());
	json_array_append_new(flat, entry);
}

/* One flat array, each backend with its service's name first. */
static json_t *flatten(const json_t *services)
{
	const json_t *service;
	json_t *flat = json_array(), *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "backends"), k, backend)
			flat_add(flat, service, backend, false);
		json_array_foreach (json_object_get(service, "leaving"), k, backend)
			flat_add(flat, service, backend, true);
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

int backend_spelling(const struct command *cmd, char id[ENDPOINT_TEXT_SIZE])
{
	struct addr addr;
	__u16 port;

	if (endpoint_parse(cmd->argv[1], &addr, &port))
		return command_misuse("backend: expected ADDR, ADDR:PORT or [V6]:PORT, found "
				      "\"%s\"",
				      cmd->argv[1]);
	endpoint_format(&addr, port, id);
	return EXIT_DONE;
}

/* "/v1/services/NAME/backends" */
static int backends_path(const struct command *cmd, char *buf, size_t size)
{
	snprintf(buf, size, "/v1/services");
	if (client_path_add(buf, size, cmd->argv[0]) || client_path_add(buf, size, "backends"))
		return command_refuse("no service \"%s\"", cmd->argv[0]);
	return EXIT_DONE;
}

int backend_path(const struct command *cmd, char *buf, size_t size)
{
	char id[ENDPOINT_TEXT_SIZE];
	int status = backend_spelling(cmd, id);

	if (status == EXIT_DONE)
		status = backends_path(cmd, buf, size);
	if (status == EXIT_DONE && client_path_add(buf, size, id))
		status = command_refuse("no service \"%s\"", cmd->argv[0]);
	return status;
}

/* What the words and options say: endpoint, weight and the rest. */
static int backend_body(const struct command *cmd, json_t **out)
{
	json_t *body = NULL;
	int status = body_backend(cmd->argv[1], command_option(cmd, "weight"), &body);

	if (status == EXIT_DONE)
		status = body_backend_put(cmd, body);
	if (status == EXIT_DONE)
		*out = body;
	else
		json_decref(body);
	return status;
}

static int backend_add(struct command *cmd)
{
	char path[512];
	json_t *body;
	int status = backends_path(cmd, path, sizeof(path));

	if (status == EXIT_DONE)
		status = backend_body(cmd, &body);
	return status == EXIT_DONE ? client_change(cmd, "POST", path, body) : status;
}

static int backend_set(struct command *cmd)
{
	char path[512];
	json_t *body;
	int status;

	if (!cmd->given_count)
		return command_misuse("backend set: nothing to change: --weight, --state or "
				      "--sorry is needed");
	status = backend_path(cmd, path, sizeof(path));
	if (status == EXIT_DONE)
		status = backend_body(cmd, &body);
	if (status != EXIT_DONE)
		return status;
	/* Who it is stands in the path. */
	json_object_del(body, "address");
	return client_change(cmd, "PATCH", path, body);
}

static int backend_del(struct command *cmd)
{
	char path[512];
	int status = backend_path(cmd, path, sizeof(path));

	return status == EXIT_DONE ? client_change(cmd, "DELETE", path, NULL) : status;
}

static const struct verb verbs[] = {
	{ "list", "[SERVICE]", "backends, of one service or of all", 0, 1, NULL, backend_list },
	{ "add", "SERVICE ADDR[:PORT] [OPTION]...", "a new backend", 2, 2, body_backend_options,
	  backend_add },
	{ "set", "SERVICE ADDR[:PORT] OPTION...", "change a backend", 2, 2, body_backend_options,
	  backend_set },
	{ "drain", "SERVICE ADDR[:PORT] [--wait]", "no new connections; those it has go on", 2, 2,
	  drain_options, drain_run },
	{ "ready", "SERVICE ADDR[:PORT]", "new connections again: ends drain and maint", 2, 2, NULL,
	  ready_run },
	{ "maint", "SERVICE ADDR[:PORT]", "no connections at all: those it has are lost", 2, 2,
	  NULL, maint_run },
	{ "del", "SERVICE ADDR[:PORT]", "remove a backend once its connections have ended", 2, 2,
	  NULL, backend_del },
};

int cmd_backend(struct command *cmd)
{
	return verbs_run(cmd, verbs, ARRAY_SIZE(verbs));
}
