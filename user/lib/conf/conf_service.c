// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode of one service. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "conf/conf_decode.h"

#define MIN_INTERVAL_MS 100
#define MIN_TIMEOUT_MS  10

/* ---- check */

/* Names the two in the order of the table. */
static int refuse_both(struct decode *d, const struct check_kind *a, const struct check_kind *b)
{
	for (size_t i = 0; i < CHECK_KIND_COUNT && check_kinds[i] != a; i++) {
		if (check_kinds[i] == b)
			return refuse_both(d, b, a);
	}
	return decode_refuse(d, "expected either %s or %s, found both", a->word, b->word);
}

/* The key of a kind of checks. */
static int decode_kind(struct decode *d, const struct field *field, const json_t *value,
		       void *member)
{
	const struct check_kind *kind = check_kind_find(field->name);
	struct conf_check *check = member;
	const char *text;
	int err = 0;

	if (kind->argument)
		err = decode_text(d, field->expected, value, &text);
	if (!err && !kind->valid(value))
		err = decode_expected(d, field->expected, value);
	if (err)
		return err;
	if (check->kind)
		return refuse_both(d, check->kind, kind);
	check->kind = kind;
	check->value = json_deep_copy(value);
	return check->value ? 0 : conf_no_memory(d->error);
}

static const struct field check_fields[] = {
	{ "port", decode_u16, offsetof(struct conf_check, port), NULL, 1, 65535 },
	{ "interval", decode_duration, offsetof(struct conf_check, interval_ms), NULL,
	  MIN_INTERVAL_MS, CONF_HOUR_MS },
	{ "timeout", decode_duration, offsetof(struct conf_check, timeout_ms), NULL, MIN_TIMEOUT_MS,
	  CONF_HOUR_MS },
	{ "rise", decode_u32, offsetof(struct conf_check, rise), NULL, 1, 1000 },
	{ "fall", decode_u32, offsetof(struct conf_check, fall), NULL, 1, 1000 },
};

/* The mapping's keys: the kinds, then what all kinds have. */
static int decode_check_keys(struct decode *d, const json_t *value, struct conf_check *check)
{
	struct field fields[CHECK_KIND_COUNT + ARRAY_SIZE(check_fields)] = { 0 };

	for (size_t i = 0; i < CHECK_KIND_COUNT; i++)
		fields[i] = (struct field){ .name = check_kinds[i]->word,
					    .decode = decode_kind,
					    .expected = check_kinds[i]->expected };
	memcpy(fields + CHECK_KIND_COUNT, check_fields, sizeof(check_fields));
	return decode_mapping(d, value, fields, ARRAY_SIZE(fields), check);
}

static int decode_check(struct decode *d, const struct field *field, const json_t *value,
			void *member)
{
	char kinds[CHECK_LIST_SIZE], expected[CHECK_LIST_SIZE + 32], interval[16], timeout[16];
	struct conf_check *check = member;
	int err;

	(void)field;
	check_kinds_in_yaml(kinds);
	snprintf(expected, sizeof(expected), "a mapping with %s", kinds);
	if (!json_is_object(value))
		return decode_expected(d, expected, value);
	check->interval_ms = CONF_DEFAULT_INTERVAL_MS;
	check->rise = CONF_DEFAULT_RISE;
	check->fall = CONF_DEFAULT_FALL;
	err = decode_check_keys(d, value, check);
	if (err)
		return err;
	if (!check->kind)
		return decode_refuse(d, "expected %s, found neither", kinds);
	if (!check->timeout_ms)
		check->timeout_ms = conf_default_timeout_ms(check->interval_ms);
	if (check->timeout_ms > check->interval_ms) {
		conf_path_key(&d->path, "timeout");
		return decode_refuse(d, "expected at most the interval (%s), found %s",
				     conf_duration_format(check->interval_ms, interval),
				     conf_duration_format(check->timeout_ms, timeout));
	}
	return 0;
}

bool conf_check_equal(const struct conf_check *a, const struct conf_check *b)
{
	return a->kind == b->kind && (!a->kind || json_equal(a->value, b->value)) &&
	       a->port == b->port && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall;
}

/* ---- backends */

static int decode_address(struct decode *d, const struct field *field, const json_t *value,
			  void *member)
{
	struct conf_backend *backend = member;
	const char *text;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (endpoint_parse(text, &backend->addr, &backend->port))
		return decode_expected(d, field->expected, value);
	return 0;
}

static const struct field backend_fields[] = {
	{ "address", decode_address, 0,
	  "an address or an address and a port from 1 to 65535, like 10.0.0.11, 10.0.0.11:8080 or "
	  "\"[2001:db8::11]:8080\"",
	  .required = true },
	{ "weight", decode_u16, offsetof(struct conf_backend, weight), NULL, 0, 65535 },
	{ "state", decode_word, offsetof(struct conf_backend, state), NULL, ADMIN_READY,
	  ADMIN_MAINT, .words = conf_admin_names },
	{ "sorry", decode_bool, offsetof(struct conf_backend, sorry), "true or false" },
};

static int decode_backend(struct decode *d, const json_t *value, void *item)
{
	struct conf_backend *backend = item;

	backend->weight = CONF_DEFAULT_WEIGHT;
	if (json_is_string(value))
		return decode_address(d, &backend_fields[0], value, backend);
	if (!json_is_object(value))
		return decode_expected(d, "an address or a mapping with address and weight", value);
	return decode_mapping(d, value, backend_fields, ARRAY_SIZE(backend_fields), backend);
}

static int decode_backends(struct decode *d, const struct field *field, const json_t *value,
			   void *member)
{
	struct conf_service *service = member;

	return decode_list(d, field, value, sizeof(*service->backends), decode_backend,
			   (void **)&service->backends, &service->backend_count);
}

/* ---- the service */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int decode_name(struct decode *d, const struct field *field, const json_t *value,
		       void *member)
{
	struct conf_service *service = member;
	const char *text;
	size_t i;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (!is_alnum(text[0]) || strlen(text) >= sizeof(service->name))
		return decode_expected(d, field->expected, value);
	for (i = 1; text[i]; i++) {
		if (!is_alnum(text[i]) && !strchr("._-", text[i]))
			return decode_expected(d, field->expected, value);
	}
	strcpy(service->name, text);
	return 0;
}

static int decode_listen(struct decode *d, const struct field *field, const json_t *value,
			 void *member)
{
	struct conf_service *service = member;
	const char *text;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (listen_parse(text, &service->addr, &service->port, &service->proto))
		return decode_expected(d, field->expected, value);
	return 0;
}

static const struct field service_fields[] = {
	{ "name", decode_name, 0,
	  "1 to 63 letters, digits, dots, underscores and hyphens, a letter or digit first",
	  .required = true },
	{ "listen", decode_listen, 0,
	  "address, port from 1 to 65535 and protocol, like 192.0.2.10:80/tcp or "
	  "\"[2001:db8::10]:53/udp\"",
	  .required = true },
	{ "mode", decode_mode },
	{ "source", decode_later },
	{ "scheduler", decode_word, offsetof(struct conf_service, scheduler), NULL,
	  SCHEDULER_MAGLEV, SCHEDULER_RANDOM, .words = conf_scheduler_names },
	{ "hash", decode_choice, offsetof(struct conf_service, hash_source), NULL, 0, 1,
	  .words = conf_hash_names },
	{ "track", decode_choice, offsetof(struct conf_service, track_always), NULL, 0, 1,
	  .words = conf_track_names },
	{ "unavailable", decode_later },
	{ "rows", decode_prime, offsetof(struct conf_service, rows), NULL, CONF_MIN_ROWS,
	  POISE_MAX_ROWS },
	{ "gue_port", decode_u16, offsetof(struct conf_service, gue_port), NULL, 1, 65535 },
	{ "outer_sources", decode_outer_sources, 0,
	  "a network like 10.9.0.0/16 or fd00:9::/64, or one of each IP version with a comma "
	  "between them" },
	{ "idle_timeout", decode_later },
	{ "settle", decode_duration, offsetof(struct conf_service, settle_ms), NULL,
	  CONF_MIN_FLOW_MS, CONF_MAX_FLOW_MS },
	{ "slow_start", decode_duration, offsetof(struct conf_service, slow_start_ms), NULL,
	  CONF_SECOND_MS, CONF_HOUR_MS },
	{ "panic", decode_percent, offsetof(struct conf_service, panic_percent), NULL, 1, 100 },
	{ "check", decode_check, offsetof(struct conf_service, check) },
	{ "backends", decode_backends, 0, "a list of backends", 0, POISE_MAX_BACKENDS - 1 },
};

int decode_service(struct decode *d, const json_t *value, void *item)
{
	struct conf_service *service = item;
	int err;

	if (!json_is_object(value))
		return decode_expected(d, "a mapping with name, listen, mode and backends", value);
	service->rows = POISE_DEFAULT_ROWS;
	service->gue_port = POISE_GUE_PORT;
	service->settle_ms = CONF_DEFAULT_SETTLE_MS;
	err = decode_mapping(d, value, service_fields, ARRAY_SIZE(service_fields), service);
	if (err)
		return err;
	return decode_by_mode(d, value, service);
}
