// SPDX-License-Identifier: BSD-2-Clause
/* The keys of a service that mean nothing, or another thing, before its mode is known. */
#include "conf_decode.h"

static int refuse_mode(struct decode *d, const struct conf_service *service, const char *key,
		       enum poise_mode only)
{
	conf_path_key(&d->path, key);
	return decode_refuse(d, "expected only with mode %s, found with mode %s", mode_name(only),
			     mode_name(service->mode));
}

static int decode_source(struct decode *d, const json_t *value, struct conf_service *service)
{
	static const struct field field = { "source", .min = 0, .max = 1,
					    .words = conf_source_names };
	bool keep = false;
	size_t before;
	int err;

	if (!value)
		return 0;
	if (service->mode != MODE_NAT)
		return refuse_mode(d, service, field.name, MODE_NAT);
	before = conf_path_key(&d->path, field.name);
	err = decode_choice(d, &field, value, &keep);
	if (err)
		return err;
	conf_path_cut(&d->path, before);
	if (keep)
		service->mode = MODE_NAT_KEEP;
	return 0;
}

/* Mode nat remembers flows in a table of its own, whose entries can tell longer times. */
static int decode_idle_timeout(struct decode *d, const json_t *value, struct conf_service *service)
{
	const struct field field = { "idle_timeout", .min = CONF_MIN_FLOW_MS,
				     .max = service->mode == MODE_NAT ? CONF_MAX_NAT_MS
								      : CONF_MAX_FLOW_MS };
	size_t before;
	int err;

	if (!value)
		return 0;
	before = conf_path_key(&d->path, field.name);
	err = decode_duration(d, &field, value, &service->idle_timeout_ms);
	conf_path_cut(&d->path, err ? d->path.length : before);
	return err;
}

static int check_listen(struct decode *d, const struct conf_service *service)
{
	const unsigned int local = ADDR_HOST | ADDR_ANY | ADDR_LOOPBACK;
	size_t before = conf_path_key(&d->path, "listen");
	int err;

	err = decode_check_addr(d, &service->addr, service->mode == MODE_LOCAL ? local : ADDR_HOST,
				local);
	if (!err)
		conf_path_cut(&d->path, before);
	return err;
}

/* At the backend's address. */
static int check_backend(struct decode *d, const struct conf_service *service,
			 const struct conf_backend *backend)
{
	const unsigned int local = ADDR_HOST | ADDR_LOOPBACK;
	char text[ADDR_TEXT_SIZE];
	int err;

	if (service->mode != MODE_LOCAL)
		return decode_check_addr(d, &backend->addr, ADDR_HOST, local);
	err = decode_check_addr(d, &backend->addr, local, 0);
	if (err || backend->port)
		return err;
	return decode_refuse(d,
			     "expected an address and the port that the server listens on, like "
			     "127.0.0.1:8001 or \"[::1]:8001\" (mode local), found %s",
			     addr_format(&backend->addr, text));
}

static int check_backends(struct decode *d, const json_t *list, const struct conf_service *service)
{
	size_t before = conf_path_key(&d->path, "backends"), at, i;
	int err;

	for (i = 0; i < service->backend_count; i++) {
		at = conf_path_item(&d->path, i);
		if (json_is_object(json_array_get(list, i)))
			conf_path_key(&d->path, "address");
		err = check_backend(d, service, &service->backends[i]);
		if (err)
			return err;
		conf_path_cut(&d->path, at);
	}
	conf_path_cut(&d->path, before);
	return 0;
}

int decode_by_mode(struct decode *d, const json_t *value, struct conf_service *service)
{
	int err;

	if (service->mode != MODE_GUE && json_object_get(value, "gue_port"))
		return refuse_mode(d, service, "gue_port", MODE_GUE);
	err = decode_source(d, json_object_get(value, "source"), service);
	if (!err)
		err = decode_idle_timeout(d, json_object_get(value, "idle_timeout"), service);
	if (!err)
		err = check_listen(d, service);
	if (!err)
		err = check_backends(d, json_object_get(value, "backends"), service);
	return err;
}
