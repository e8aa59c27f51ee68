// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode of one service. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf_decode.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_HTTP_PATH     1024
#define MIN_INTERVAL_MS   100
#define MIN_TIMEOUT_MS    10

/* ---- check */

static int set_check_type(struct decode *d, struct conf_check *check, enum check_type type)
{
	if (check->type != CHECK_NONE)
		return decode_refuse(d, "expected either tcp or http, found both");
	check->type = type;
	return 0;
}

static int decode_tcp(struct decode *d, const struct field *field, const json_t *value,
		      void *member)
{
	if (!json_is_true(value))
		return decode_expected(d, field->expected, value);
	return set_check_type(d, member, CHECK_TCP);
}

/* A request target as it goes over the wire: what would end or split the request line is refused,
 * and so is a fragment, which is never sent. */
static int decode_http(struct decode *d, const struct field *field, const json_t *value,
		       void *member)
{
	struct conf_check *check = member;
	const char *text;
	size_t i;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (text[0] != '/' || strlen(text) > MAX_HTTP_PATH)
		return decode_expected(d, field->expected, value);
	for (i = 0; text[i]; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
			return decode_expected(d, field->expected, value);
	}
	err = set_check_type(d, check, CHECK_HTTP);
	if (err)
		return err;
	check->path = strdup(text);
	return check->path ? 0 : conf_no_memory(d->error);
}

static const struct field check_fields[] = {
	{ "tcp", decode_tcp, 0, "true" },
	{ "http", decode_http, 0,
	  "a path that begins with / and has at most 1024 characters, all printable ASCII but "
	  "blank and #" },
	{ "port", decode_u16, offsetof(struct conf_check, port), NULL, 1, 65535 },
	{ "interval", decode_duration, offsetof(struct conf_check, interval_ms), NULL,
	  MIN_INTERVAL_MS, CONF_HOUR_MS },
	{ "timeout", decode_duration, offsetof(struct conf_check, timeout_ms), NULL, MIN_TIMEOUT_MS,
	  CONF_HOUR_MS },
	{ "rise", decode_u32, offsetof(struct conf_check, rise), NULL, 1, 1000 },
	{ "fall", decode_u32, offsetof(struct conf_check, fall), NULL, 1, 1000 },
};

static int decode_check(struct decode *d, const struct field *field, const json_t *value,
			void *member)
{
	struct conf_check *check = member;
	char interval[16], timeout[16];
	int err;

	if (!json_is_object(value))
		return decode_expected(d, field->expected, value);
	check->interval_ms = CONF_DEFAULT_INTERVAL_MS;
	check->rise = CONF_DEFAULT_RISE;
	check->fall = CONF_DEFAULT_FALL;
	err = decode_mapping(d, value, check_fields, ARRAY_SIZE(check_fields), check);
	if (err)
		return err;
	if (check->type == CHECK_NONE)
		return decode_refuse(d, "expected tcp: true or http: PATH, found neither");
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
	{ "mode", decode_word, offsetof(struct conf_service, mode), "l2, ipip, gue, nat or local",
	  MODE_L2, MODE_LOCAL, .required = true, .words = conf_mode_names },
	{ "source", decode_later },
	{ "scheduler", decode_word, offsetof(struct conf_service, scheduler), NULL,
	  SCHEDULER_MAGLEV, SCHEDULER_RANDOM, .words = conf_scheduler_names },
	{ "hash", decode_choice, offsetof(struct conf_service, hash_source), NULL, 0, 1,
	  .words = conf_hash_names },
	{ "track", decode_choice, offsetof(struct conf_service, track_always), NULL, 0, 1,
	  .words = conf_track_names },
	{ "rows", decode_prime, offsetof(struct conf_service, rows), NULL, CONF_MIN_ROWS,
	  POISE_MAX_ROWS },
	{ "gue_port", decode_u16, offsetof(struct conf_service, gue_port), NULL, 1, 65535 },
	{ "idle_timeout", decode_later },
	{ "settle", decode_duration, offsetof(struct conf_service, settle_ms), NULL,
	  CONF_MIN_FLOW_MS, CONF_MAX_FLOW_MS },
	{ "slow_start", decode_duration, offsetof(struct conf_service, slow_start_ms), NULL,
	  CONF_SECOND_MS, CONF_HOUR_MS },
	{ "panic", decode_percent, offsetof(struct conf_service, panic_percent), NULL, 1, 100 },
	{ "check", decode_check, offsetof(struct conf_service, check),
	  "a mapping with tcp: true or http: PATH" },
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
