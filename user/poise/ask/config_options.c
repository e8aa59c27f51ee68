// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/numbers.h"
#include "base/addr.h"
#include "check/check_kind.h"
#include "mode/mode.h"
#include "ask/config_options.h"
#include "cli/value.h"
#include "conf/conf.h"

const struct option_row service_options[] = {
	{ "listen", "ADDR:PORT/PROTO", "what clients connect to: 192.0.2.10:80/tcp",
	  .key = "listen" },
	{ "mode", MODE_WORDS, "how packets reach the backends", .key = "mode" },
	{ "source", "nat|keep", "mode nat: whose address backends see, ours or clients' (nat)",
	  .key = "source", .absent = "nat" },
	{ "scheduler", "maglev|roundrobin|leastconn|random", "how a backend is chosen (maglev)",
	  .key = "scheduler" },
	{ "hash", "5-tuple|source", "what stays together: a flow, or all of a client (5-tuple)",
	  .key = "hash" },
	{ "track", "auto|always", "flows to remember: where rows change, or all (auto)",
	  .key = "track" },
	{ "unavailable", "drop|reject",
	  "without a backend: silence or a refusal (UDP drop, TCP reject)", .key = "unavailable" },
	{ "idle-timeout", "TIME|default", "how long a silent flow is remembered (15m, UDP 2m)",
	  .key = "idle_timeout", .check = value_time, .absent = "default" },
	{ "settle", "TIME", "how long a change waits for silent flows (15m)", .key = "settle",
	  .check = value_time },
	{ "slow-start", "TIME|none",
	  "in which a backend that comes up gets its whole weight (none)", .key = "slow_start",
	  .check = value_time, .absent = "none" },
	{ "panic", "PERCENT|never", "with fewer backends up all count as up (never)",
	  .key = "panic", .check = value_percent, .min = 1, .max = 100, .absent = "never" },
	{ "rows", "N", "size of the look-up table, a prime (65537)", .key = "rows",
	  .check = value_number, .min = 1, .max = UINT32_MAX },
	{ "gue-port", "N", "UDP port that backends take GUE on (6080)", .key = "gue_port",
	  .check = value_number, .min = 1, .max = UINT16_MAX },
	{ "outer-sources", "NET[,NET]|none",
	  "mode ipip: outer sources, by the flow (none: this host's address)",
	  .key = "outer_sources", .absent = "none" },
	{ "check", CHECK_OPTION, "how to tell whether a backend is up" },
	{ "check-port", "N", "port that checks go to (the backend's, else the service's)",
	  .key = "check.port", .check = value_number, .min = 1, .max = UINT16_MAX },
	{ "interval", "TIME", "between checks: 500ms, 2s, 5m (2s)", .key = "check.interval",
	  .check = value_time },
	{ "timeout", "TIME", "of one check (1s)", .key = "check.timeout", .check = value_time },
	{ "rise", "N", "checks passed in a row that make a backend up (2)", .key = "check.rise",
	  .check = value_number, .min = 1, .max = UINT32_MAX },
	{ "fall", "N", "checks failed in a row that make it down (3)", .key = "check.fall",
	  .check = value_number, .min = 1, .max = UINT32_MAX },
	{ "backend", "ADDR[:PORT][,WEIGHT]", "a backend; with set, these replace all",
	  .many = true },
	{ 0 },
};

static const char *const answers[] = { "yes", "no" };

const struct option_row backend_options[] = {
	{ "weight", "N", "share of traffic relative to the others', 0 to 65535 (100)" },
	{ "state", NULL, "drain: no new flows; maint: none at all (ready)", .key = "state",
	  .words = conf_admin_names, .word_count = ADMIN_MAX },
	{ "sorry", NULL, "serves only while no other backend does (no)", .words = answers,
	  .word_count = ARRAY_SIZE(answers) },
	{ 0 },
};

/* The value of a row that has been checked, as the configuration has it. NULL: it is not UTF-8. */
static json_t *value_make(const struct option_row *row, const char *text)
{
	__u64 number;

	if (row->absent && !strcmp(text, row->absent))
		return json_null();
	if (row->check == value_number && !number_parse(text, row->min, row->max, &number))
		return json_integer((json_int_t)number);
	if (row->check == value_percent && !percent_parse(text, row->min, row->max, &number))
		return json_sprintf("%llu%%", (unsigned long long)number);
	return json_string(text);
}

/* Puts each option whose key begins so into an object, under the rest of the key. prefix: "" for
 * keys of the object itself, which have no dot. */
static int values_put(const struct command *cmd, const char *prefix, json_t *object)
{
	size_t length = strlen(prefix);

	for (size_t i = 0; i < cmd->given.count; i++) {
		const struct option_given *given = &cmd->given.list[i];
		const char *key = given->row->key;
		json_t *value;

		if (!key || strncmp(key, prefix, length) != 0 || strchr(key + length, '.'))
			continue;
		value = value_make(given->row, given->value);
		if (!value)
			return command_misuse("--%s: \"%s\" is not UTF-8", given->row->name,
					      given->value);
		json_object_set_new(object, key + length, value);
	}
	return EXIT_DONE;
}

int check_option_put(const char *text, json_t *check)
{
	char kinds[CHECK_LIST_SIZE];

	switch (check_kind_parse(text, check)) {
	case 0:
		return EXIT_DONE;
	case -EILSEQ:
		return command_misuse("--check: \"%s\" is not UTF-8", text);
	default:
		return command_misuse("--check: expected %s or none, found \"%s\"",
				      check_kinds_on_command_line("", ", ", kinds), text);
	}
}

static int check_put(const struct command *cmd, json_t *body)
{
	const char *kind = command_option(cmd, "check");
	bool none = kind && !strcmp(kind, "none");
	json_t *check = json_object();
	int status = EXIT_DONE;

	if (kind && !none)
		status = check_option_put(kind, check);
	if (status == EXIT_DONE)
		status = values_put(cmd, "check.", check);
	if (status == EXIT_DONE && none && json_object_size(check))
		status = command_misuse("--check none leaves nothing to tune");
	else if (status == EXIT_DONE && (none || json_object_size(check)))
		json_object_set_new(body, "check", none ? json_null() : json_incref(check));
	json_decref(check);
	return status;
}

int check_config_complete(json_t *body, const json_t *present)
{
	json_t *change = json_object_get(body, "check"), *whole;
	const struct check_kind *kind = check_kind_of(present);
	char kinds[CHECK_LIST_SIZE];

	if (!json_is_object(change))
		return EXIT_DONE;
	if (!check_kind_of(change) && !json_object_size(present))
		return command_refuse("there is no check to tune: %s makes one",
				      check_kinds_on_command_line("--check ", " or ", kinds));
	whole = json_is_object(present) ? json_copy((json_t *)present) : json_object();
	if (kind && check_kind_of(change))
		json_object_del(whole, kind->word);
	json_object_update(whole, change);
	json_object_set_new(body, "check", whole);
	return EXIT_DONE;
}

int backend_config(const char *endpoint, const char *weight, json_t **out)
{
	struct addr addr;
	__u64 number;
	__u16 port;
	json_t *body;

	if (endpoint_parse(endpoint, &addr, &port))
		return command_misuse("backend: expected ADDR, ADDR:PORT or [V6]:PORT, found "
				      "\"%s\"",
				      endpoint);
	if (weight && number_parse(weight, 0, 65535, &number))
		return command_misuse(
			"weight: expected a whole number from 0 to 65535, found \"%s\"", weight);
	body = json_pack("{s:s}", "address", endpoint);
	if (weight)
		json_object_set_new(body, "weight", json_integer(number));
	*out = body;
	return EXIT_DONE;
}

int backend_config_put(const struct command *cmd, json_t *body)
{
	const char *sorry = command_option(cmd, "sorry");

	if (sorry)
		json_object_set_new(body, "sorry", json_boolean(!strcmp(sorry, "yes")));
	return values_put(cmd, "", body);
}

/* "ADDR[:PORT][,WEIGHT]" */
static int backend_put(const char *text, json_t *array)
{
	const char *comma = strchr(text, ',');
	char endpoint[ENDPOINT_TEXT_SIZE];
	size_t length = comma ? (size_t)(comma - text) : strlen(text);
	json_t *backend = NULL;
	int status;

	if (length >= sizeof(endpoint))
		return command_misuse("--backend: \"%s\" is longer than any address", text);
	memcpy(endpoint, text, length);
	endpoint[length] = '\0';
	status = backend_config(endpoint, comma ? comma + 1 : NULL, &backend);
	if (status == EXIT_DONE)
		json_array_append_new(array, backend);
	return status;
}

static int backends_put(const struct command *cmd, json_t *body)
{
	json_t *array = json_array();
	int status = EXIT_DONE;
	const char *backend;
	size_t at = 0;

	while (status == EXIT_DONE && (backend = command_option_next(cmd, "backend", &at)))
		status = backend_put(backend, array);
	if (status == EXIT_DONE && json_array_size(array))
		json_object_set(body, "backends", array);
	json_decref(array);
	return status;
}

static int listen_check(const char *text)
{
	struct addr addr;
	__u16 port;
	__u8 proto;

	if (!text || !listen_parse(text, &addr, &port, &proto))
		return EXIT_DONE;
	return command_misuse("--listen: expected ADDR:PORT/tcp, [V6]:PORT/udp or so, found \"%s\"",
			      text);
}

int service_config(const struct command *cmd, json_t **out)
{
	int status = listen_check(command_option(cmd, "listen"));
	json_t *body = json_object();

	if (status == EXIT_DONE)
		status = values_put(cmd, "", body);
	if (status == EXIT_DONE)
		status = check_put(cmd, body);
	if (status == EXIT_DONE)
		status = backends_put(cmd, body);
	if (status != EXIT_DONE) {
		json_decref(body);
		return status;
	}
	*out = body;
	return EXIT_DONE;
}
