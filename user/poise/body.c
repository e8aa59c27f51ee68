// SPDX-License-Identifier: BSD-2-Clause
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "body.h"
#include "format.h"

const struct option_row body_service_options[] = {
	{ "listen", "ADDR:PORT/PROTO", "what clients connect to: 192.0.2.10:80/tcp" },
	{ "mode", "l2|ipip|gue", "how packets reach the backends" },
	{ "scheduler", "maglev", "how a backend is chosen" },
	{ "rows", "N", "size of the look-up table, a prime (65537)" },
	{ "gue-port", "N", "UDP port that backends take GUE on (6080)" },
	{ "check", "tcp|http:/PATH|none", "how to tell whether a backend is up" },
	{ "check-port", "N", "port that checks go to (the backend's, else the service's)" },
	{ "interval", "TIME", "between checks: 500ms, 2s, 5m (2s)" },
	{ "timeout", "TIME", "of one check (1s)" },
	{ "rise", "N", "checks passed in a row that make a backend up (2)" },
	{ "fall", "N", "checks failed in a row that make it down (3)" },
	{ "backend", "ADDR[:PORT][,WEIGHT]", "a backend; with set, these replace all", true },
	{ 0 },
};

const struct option_row body_backend_options[] = {
	{ "weight", "N", "share of traffic relative to the others', 0 to 65535 (100)" },
	{ 0 },
};

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_TIME };

/* What an option becomes; ranges that need more than the option itself are poised's to check. */
static const struct value_row {
	const char *option, *key;
	enum value_kind kind;
	bool of_check;
	__u64 min, max;
} values[] = {
	{ "listen", "listen", VALUE_TEXT },
	{ "mode", "mode", VALUE_TEXT },
	{ "scheduler", "scheduler", VALUE_TEXT },
	{ "rows", "rows", VALUE_NUMBER, .min = 1, .max = UINT32_MAX },
	{ "gue-port", "gue_port", VALUE_NUMBER, .min = 1, .max = 65535 },
	{ "check-port", "port", VALUE_NUMBER, true, 1, 65535 },
	{ "interval", "interval", VALUE_TIME, true },
	{ "timeout", "timeout", VALUE_TIME, true },
	{ "rise", "rise", VALUE_NUMBER, true, 1, UINT32_MAX },
	{ "fall", "fall", VALUE_NUMBER, true, 1, UINT32_MAX },
};

static int value_make(const struct value_row *row, const char *text, json_t **out)
{
	__u64 number;

	switch (row->kind) {
	case VALUE_NUMBER:
		if (number_parse(text, row->min, row->max, &number))
			return command_misuse(
				"--%s: expected a whole number from %llu to %llu, found \"%s\"",
				row->option, (unsigned long long)row->min,
				(unsigned long long)row->max, text);
		*out = json_integer(number);
		return EXIT_DONE;
	case VALUE_TIME:
		if (duration_parse(text, &number))
			return command_misuse(
				"--%s: expected a time like 500ms, 2s or 5m, found \"%s\"",
				row->option, text);
		break;
	default:
		break;
	}
	*out = json_string(text);
	return *out ? EXIT_DONE : command_misuse("--%s: \"%s\" is not UTF-8", row->option, text);
}

/* Puts every option of one of the two objects into it. */
static int values_put(const struct command *cmd, bool of_check, json_t *object)
{
	int status = EXIT_DONE;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values) && status == EXIT_DONE; i++) {
		const char *text = command_option(cmd, values[i].option);
		json_t *value = NULL;

		if (!text || values[i].of_check != of_check)
			continue;
		status = value_make(&values[i], text, &value);
		if (status == EXIT_DONE)
			json_object_set_new(object, values[i].key, value);
	}
	return status;
}

static int check_kind_put(const char *kind, json_t *check)
{
	static const char http[] = "http:";
	const char *path = kind + strlen(http);
	json_t *value;

	if (!strcmp(kind, "tcp")) {
		json_object_set_new(check, "tcp", json_true());
		return EXIT_DONE;
	}
	if (strncmp(kind, http, strlen(http)) || *path != '/')
		return command_misuse("--check: expected tcp, http:/PATH or none, found \"%s\"",
				      kind);
	value = json_string(path);
	if (!value)
		return command_misuse("--check: \"%s\" is not UTF-8", kind);
	json_object_set_new(check, "http", value);
	return EXIT_DONE;
}

static int check_put(const struct command *cmd, json_t *body)
{
	const char *kind = command_option(cmd, "check");
	bool none = kind && !strcmp(kind, "none");
	json_t *check = json_object();
	int status = EXIT_DONE;

	if (kind && !none)
		status = check_kind_put(kind, check);
	if (status == EXIT_DONE)
		status = values_put(cmd, true, check);
	if (status == EXIT_DONE && none && json_object_size(check))
		status = command_misuse("--check none leaves nothing to tune");
	else if (status == EXIT_DONE && (none || json_object_size(check)))
		json_object_set_new(body, "check", none ? json_null() : json_incref(check));
	json_decref(check);
	return status;
}

int body_check_complete(json_t *body, const json_t *present)
{
	json_t *change = json_object_get(body, "check"), *whole;
	bool kind = json_object_get(change, "tcp") || json_object_get(change, "http");

	if (!json_is_object(change))
		return EXIT_DONE;
	if (!kind && !json_object_size(present))
		return command_refuse("there is no check to tune: --check tcp or --check "
				      "http:/PATH makes one");
	whole = json_is_object(present) ? json_copy((json_t *)present) : json_object();
	if (kind) {
		json_object_del(whole, "tcp");
		json_object_del(whole, "http");
	}
	json_object_update(whole, change);
	json_object_set_new(body, "check", whole);
	return EXIT_DONE;
}

int body_backend(const char *endpoint, const char *weight, json_t **out)
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
	status = body_backend(endpoint, comma ? comma + 1 : NULL, &backend);
	if (status == EXIT_DONE)
		json_array_append_new(array, backend);
	return status;
}

static int backends_put(const struct command *cmd, json_t *body)
{
	json_t *array = json_array();
	int status = EXIT_DONE;
	size_t i;

	for (i = 0; i < cmd->given_count && status == EXIT_DONE; i++) {
		if (!strcmp(cmd->given[i].row->name, "backend"))
			status = backend_put(cmd->given[i].value, array);
	}
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

int body_service(const struct command *cmd, json_t **out)
{
	int status = listen_check(command_option(cmd, "listen"));
	json_t *body = json_object();

	if (status == EXIT_DONE)
		status = values_put(cmd, false, body);
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
