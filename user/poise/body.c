// SPDX-License-Identifier: BSD-2-Clause
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "body.h"
#include "format.h"
#include "words.h"

const struct option_row body_service_options[] = {
	{ "listen", "ADDR:PORT/PROTO", "what clients connect to: 192.0.2.10:80/tcp" },
	{ "mode", "l2|ipip|gue|nat|local", "how packets reach the backends" },
	{ "source", "nat|keep", "mode nat: whose address backends see, ours or clients' (nat)" },
	{ "scheduler", "maglev|roundrobin|leastconn|random", "how a backend is chosen (maglev)" },
	{ "hash", "5-tuple|source", "what stays together: a flow, or all of a client (5-tuple)" },
	{ "track", "auto|always", "flows to remember: where rows change, or all (auto)" },
	{ "idle-timeout", "TIME|default", "how long a silent flow is remembered (15m, UDP 2m)" },
	{ "settle", "TIME", "how long a change waits for silent flows (15m)" },
	{ "slow-start", "TIME|none",
	  "in which a backend that comes up gets its whole weight (none)" },
	{ "panic", "PERCENT|never", "with fewer backends up all count as up (never)" },
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
	{ "state", "ready|drain|maint", "drain: no new flows; maint: none at all (ready)" },
	{ "sorry", "yes|no", "serves only while no other backend does (no)" },
	{ 0 },
};

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_TIME, VALUE_PERCENT };

/* What an option becomes; ranges that need more than the option itself are poised's to check. */
static const struct value_row {
	const char *option, *key;
	enum value_kind kind;
	bool of_check;
	__u64 min, max;
	const char *absent; /* the word that takes the key away */
} values[] = {
	{ "listen", "listen", VALUE_TEXT },
	{ "mode", "mode", VALUE_TEXT },
	{ "source", "source", VALUE_TEXT, .absent = "nat" },
	{ "scheduler", "scheduler", VALUE_TEXT },
	{ "hash", "hash", VALUE_TEXT },
	{ "track", "track", VALUE_TEXT },
	{ "idle-timeout", "idle_timeout", VALUE_TIME, .absent = "default" },
	{ "settle", "settle", VALUE_TIME },
	{ "slow-start", "slow_start", VALUE_TIME, .absent = "none" },
	{ "panic", "panic", VALUE_PERCENT, .min = 1, .max = 100, .absent = "never" },
	{ "rows", "rows", VALUE_NUMBER, .min = 1, .max = UINT32_MAX },
	{ "gue-port", "gue_port", VALUE_NUMBER, .min = 1, .max = 65535 },
	{ "check-port", "port", VALUE_NUMBER, true, 1, 65535 },
	{ "interval", "interval", VALUE_TIME, true },
	{ "timeout", "timeout", VALUE_TIME, true },
	{ "rise", "rise", VALUE_NUMBER, true, 1, UINT32_MAX },
	{ "fall", "fall", VALUE_NUMBER, true, 1, UINT32_MAX },
};

static int number_make(const struct value_row *row, const char *text, json_t **out)
{
	__u64 number;

	if (number_parse(text, row->min, row->max, &number))
		return command_misuse("--%s: expected a whole number from %llu to %llu, found "
				      "\"%s\"",
				      row->option, (unsigned long long)row->min,
				      (unsigned long long)row->max, text);
	*out = json_integer(number);
	return EXIT_DONE;
}

/* With or without its sign. */
static int percent_make(const struct value_row *row, const char *text, json_t **out)
{
	size_t length = strcspn(text, "%");
	char digits[8];
	__u64 number;

	snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
	if (length >= sizeof(digits) || (text[length] && text[length + 1]) ||
	    number_parse(digits, row->min, row->max, &number))
		return command_misuse("--%s: expected %s or a percentage from %llu%% to %llu%%, "
				      "found \"%s\"",
				      row->option, row->absent, (unsigned long long)row->min,
				      (unsigned long long)row->max, text);
	*out = json_sprintf("%llu%%", (unsigned long long)number);
	return EXIT_DONE;
}

static int value_make(const struct value_row *row, const char *text, json_t **out)
{
	__u64 number;

	if (row->absent && !strcmp(text, row->absent)) {
		*out = json_null();
		return EXIT_DONE;
	}
	switch (row->kind) {
	case VALUE_NUMBER:
		return number_make(row, text, out);
	case VALUE_PERCENT:
		return percent_make(row, text, out);
	case VALUE_TIME:
		if (duration_parse(text, &number))
			return command_misuse("--%s: expected %s%sa time like 500ms, 2s or 5m, "
					      "found \"%s\"",
					      row->option, row->absent ? row->absent : "",
					      row->absent ? " or " : "", text);
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

/* One of a few words, which may be cut short; *out is its index. */
static int word_take(const char *option, const char *text, const char *const *words, size_t count,
		     int *out)
{
	*out = word_find(text, words, count);
	return *out < 0 ? word_misuse(option, text, words, count) : EXIT_DONE;
}

int body_backend_put(const struct command *cmd, json_t *body)
{
	static const char *const states[] = { "ready", "drain", "maint" };
	static const char *const answers[] = { "yes", "no" };
	const char *state = command_option(cmd, "state"), *sorry = command_option(cmd, "sorry");
	int status = EXIT_DONE, at = 0;

	if (state)
		status = word_take("--state", state, states, ARRAY_SIZE(states), &at);
	if (state && status == EXIT_DONE)
		json_object_set_new(body, "state", json_string(states[at]));
	if (sorry && status == EXIT_DONE)
		status = word_take("--sorry", sorry, answers, ARRAY_SIZE(answers), &at);
	if (sorry && status == EXIT_DONE)
		json_object_set_new(body, "sorry", json_boolean(!at));
	return status;
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
