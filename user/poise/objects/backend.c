// SPDX-License-Identifier: BSD-2-Clause
/* poise backend: the servers of a service. */
#include "base/addr.h"
#include "cli/numbers.h"
#include "cli/value.h"
#include "drain/drain_judge.h"
#include "drain/drain_wait.h"
#include "objects/objects.h"
#include "ask/config_options.h"
#include "ask/client.h"
#include "lists/listing.h"
#include "print/json.h"
#include "lists/view.h"

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
		status = print_json(listing_backends(services));
	} else {
		status = view_backends(services);
	}
	json_decref(services);
	return status;
}

/* The backend that the second word names, in the one spelling that poised knows it by. EXIT_DONE or
 * EXIT_USAGE (said). */
static int backend_spelling(const struct command *cmd, char id[ENDPOINT_TEXT_SIZE])
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

/* "/v1/services/NAME/backends/ID" of the first two words; the same, and EXIT_REFUSED. */
static int backend_path(const struct command *cmd, char *buf, size_t size)
{
	char id[ENDPOINT_TEXT_SIZE];
	int status = backend_spelling(cmd, id);

	if (status == EXIT_DONE)
		status = backends_path(cmd, buf, size);
	if (status == EXIT_DONE && client_path_add(buf, size, id))
		status = command_refuse("no service \"%s\"", cmd->argv[0]);
	return status;
}

/* The backend that words and options describe: endpoint, weight and the rest. */
static int backend_body(const struct command *cmd, json_t **out)
{
	json_t *body = NULL;
	int status = backend_config(cmd->argv[1], command_option(cmd, "weight"), &body);

	if (status == EXIT_DONE)
		status = backend_config_put(cmd, body);
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

	if (!cmd->given.count)
		return command_misuse("backend set: nothing to change: --weight, --state or "
				      "--sorry is needed");
	status = backend_path(cmd, path, sizeof(path));
	if (status == EXIT_DONE)
		status = backend_body(cmd, &body);
	if (status != EXIT_DONE)
		return status;
	/* The path says already which backend it is. */
	json_object_del(body, "address");
	return client_change(cmd, "PATCH", path, body);
}

static int backend_del(struct command *cmd)
{
	char path[512];
	int status = backend_path(cmd, path, sizeof(path));

	return status == EXIT_DONE ? client_change(cmd, "DELETE", path, NULL) : status;
}

static int state_set(struct command *cmd, const char *state, json_t **answer)
{
	json_t *body = json_pack("{s:s}", "state", state);
	char path[512];
	int status = backend_path(cmd, path, sizeof(path));

	if (status == EXIT_DONE)
		status = client_call(cmd, "PATCH", path, body, answer);
	json_decref(body);
	return status;
}

static int state_run(struct command *cmd, const char *state)
{
	json_t *answer = NULL;
	int status = state_set(cmd, state, &answer);

	return status == EXIT_DONE ? client_done(cmd, answer) : status;
}

static int ready_run(struct command *cmd)
{
	return state_run(cmd, "ready");
}

static int maint_run(struct command *cmd)
{
	return state_run(cmd, "maint");
}

/* The time of an option that may be absent. EXIT_DONE or EXIT_USAGE. */
static int limit_take(const struct command *cmd, const char *option, __u64 *out)
{
	const char *text = command_option(cmd, option);

	*out = DRAIN_FOREVER;
	if (text && !command_option(cmd, "wait"))
		return command_misuse("backend drain: --%s is for --wait", option);
	if (text)
		duration_parse(text, out);
	return EXIT_DONE;
}

static int drain_run(struct command *cmd)
{
	struct drain_limits limits;
	char id[ENDPOINT_TEXT_SIZE];
	json_t *answer = NULL;
	int status = limit_take(cmd, "timeout", &limits.timeout_ms);

	if (status == EXIT_DONE)
		status = limit_take(cmd, "silent", &limits.silent_ms);
	if (status == EXIT_DONE)
		status = backend_spelling(cmd, id);
	if (status != EXIT_DONE)
		return status;
	if (!command_option(cmd, "wait"))
		return state_run(cmd, "drain");
	status = state_set(cmd, "drain", &answer);
	if (status == EXIT_DONE)
		drain_name(answer, id);
	json_decref(answer);
	return status == EXIT_DONE ? drain_wait(cmd, &limits, id) : status;
}

static const struct option_row drain_options[] = {
	{ "wait", NULL, "until its last connection has ended" },
	{ "timeout", "TIME", "with --wait: give up after that, with exit status 1 (never)",
	  .check = value_time },
	{ "silent", "TIME", "with --wait: not for connections silent for longer",
	  .check = value_time },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "[SERVICE]", "backends, of one service or of all", 0, 1, NULL, backend_list },
	{ "add", "SERVICE ADDR[:PORT] [OPTION]...", "a new backend", 2, 2, backend_options,
	  backend_add },
	{ "set", "SERVICE ADDR[:PORT] OPTION...", "change a backend", 2, 2, backend_options,
	  backend_set },
	{ "drain", "SERVICE ADDR[:PORT] [--wait [--timeout TIME] [--silent TIME]]",
	  "no new connections; those it has go on", 2, 2, drain_options, drain_run },
	{ "ready", "SERVICE ADDR[:PORT]", "new connections again: ends drain and maint", 2, 2, NULL,
	  ready_run },
	{ "maint", "SERVICE ADDR[:PORT]", "no connections at all: those it has are lost", 2, 2,
	  NULL, maint_run },
	{ "del", "SERVICE ADDR[:PORT]", "remove a backend once its connections have ended", 2, 2,
	  NULL, backend_del },
};

const struct object object_backend = {
	"backend",
	"the servers of a service: list, add, set, drain, ready, maint, del",
	verbs,
	ARRAY_SIZE(verbs),
};
