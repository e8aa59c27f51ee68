// SPDX-License-Identifier: BSD-2-Clause
/* poise service: what clients connect to. */
#include <string.h>

#include "ask/config_options.h"
#include "ask/client.h"
#include "lists/listing.h"
#include "lists/view.h"
#include "objects/objects.h"
#include "print/json.h"

static int service_list(struct command *cmd)
{
	json_t *services;
	int status = listing_services(cmd, &services);

	if (status != EXIT_DONE)
		return status;
	if (cmd->json)
		return print_json(services);
	status = view_services(services);
	view_hint(services);
	json_decref(services);
	return status;
}

static int service_show(struct command *cmd)
{
	json_t *service;
	int status = listing_service(cmd, cmd->argv[0], &service);

	if (status != EXIT_DONE)
		return status;
	if (cmd->json)
		return print_json(service);
	status = view_service(service);
	json_decref(service);
	return status;
}

static int service_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "/v1/services");
	if (client_path_add(buf, size, name))
		return command_refuse("\"%s\" is longer than any service's name", name);
	return EXIT_DONE;
}

/* Takes away again what options want absent: nothing is there yet. */
static void nulls_drop(json_t *body)
{
	json_t *value;
	const char *key;
	void *next;

	json_object_foreach_safe (body, next, key, value) {
		if (json_is_null(value))
			json_object_del(body, key);
	}
}

static int service_add(struct command *cmd)
{
	json_t *options = NULL, *body;
	int status;

	if (!command_option(cmd, "listen") || !command_option(cmd, "mode"))
		return command_misuse("service add: --listen ADDR:PORT/PROTO and --mode MODE are "
				      "needed");
	status = service_config(cmd, &options);
	if (status == EXIT_DONE && check_config_complete(options, NULL) != EXIT_DONE)
		status = EXIT_USAGE;
	if (status != EXIT_DONE) {
		json_decref(options);
		return status;
	}
	body = json_pack("{s:s}", "name", cmd->argv[0]);
	if (!body) {
		json_decref(options);
		return command_misuse("service add: the name is not UTF-8");
	}
	json_object_update(body, options);
	json_decref(options);
	nulls_drop(body);
	return client_change(cmd, "POST", "/v1/services", body);
}

static int service_set(struct command *cmd)
{
	json_t *service = NULL, *body = NULL;
	char path[512];
	int status;

	if (!cmd->given.count)
		return command_misuse("service set: nothing to change");
	status = service_path(cmd->argv[0], path, sizeof(path));
	if (status == EXIT_DONE)
		status = service_config(cmd, &body);
	if (status == EXIT_DONE && json_is_object(json_object_get(body, "check")))
		status = client_call(cmd, "GET", path, NULL, &service);
	if (status == EXIT_DONE)
		status = check_config_complete(body, json_object_get(service, "check"));
	json_decref(service);
	if (status == EXIT_DONE)
		return client_change(cmd, "PATCH", path, body);
	json_decref(body);
	return status;
}

static int service_del(struct command *cmd)
{
	char path[512];
	int status = service_path(cmd->argv[0], path, sizeof(path));

	return status == EXIT_DONE ? client_change(cmd, "DELETE", path, NULL) : status;
}

static const struct verb verbs[] = {
	{ "list", "", "all services", 0, 0, NULL, service_list },
	{ "show", "NAME", "one service with its backends", 1, 1, NULL, service_show },
	{ "add", "NAME --listen ADDR:PORT/PROTO --mode MODE [OPTION]...", "a new service", 1, 1,
	  service_options, service_add },
	{ "set", "NAME OPTION...", "change a service", 1, 1, service_options, service_set },
	{ "del", "NAME", "remove a service", 1, 1, NULL, service_del },
};

const struct object object_service = {
	"service",
	"what clients connect to: list, show, add, set, del",
	verbs,
	ARRAY_SIZE(verbs),
};
