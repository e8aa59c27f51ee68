// SPDX-License-Identifier: BSD-2-Clause
/* The keys of a service whose meaning depends on its mode, as lib/mode describes modes. */
#include <netinet/in.h>
#include <stdio.h>

#include "conf/conf_decode.h"

int decode_mode(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	struct conf_service *service = member;
	const char *words[MODE_MAX];
	size_t count = mode_words(NULL, NULL, words);
	const struct field known = { field->name, .max = count - 1, .words = words };
	unsigned int word;
	int err;

	err = decode_word(d, &known, value, &word);
	if (!err)
		service->mode = mode_find(words[word], NULL);
	return err;
}

/* Refuses a key that other modes take and this one does not, the first in the tree. */
static int validate_keys(struct decode *d, const json_t *tree, const struct conf_service *service)
{
	char takers[MODE_WORDS_SIZE];
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)tree, key, value) {
		if (!mode_refuses(service->mode, key))
			continue;
		conf_path_key(&d->path, key);
		return decode_refuse(d, "expected only with mode %s, found with mode %s",
				     mode_takers(key, takers), mode_name(service->mode));
	}
	return 0;
}

static int decode_source(struct decode *d, const json_t *value, struct conf_service *service)
{
	const char *sources[MODE_MAX], *word = mode_name(service->mode);
	size_t count = mode_sources(word, sources), before;
	const struct field field = { "source", .max = count - 1, .words = sources };
	unsigned int source;
	int err;

	if (!value)
		return 0;
	before = conf_path_key(&d->path, field.name);
	err = decode_word(d, &field, value, &source);
	if (err)
		return err;
	conf_path_cut(&d->path, before);
	service->mode = mode_find(word, sources[source]);
	return 0;
}

/* The NAT table's entries can tell longer times than those of the flow table. */
static int decode_idle_timeout(struct decode *d, const json_t *value, struct conf_service *service)
{
	const struct field field = { "idle_timeout", .min = CONF_MIN_FLOW_MS,
				     .max = mode_has_nat_table(service->mode) ? CONF_MAX_NAT_MS
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

/* A client of TCP waits for an answer; one of UDP may ask somebody else by itself. */
bool conf_default_reject(const struct conf_service *service)
{
	return service->proto == IPPROTO_TCP && mode_takes(service->mode, "unavailable");
}

static int decode_unavailable(struct decode *d, const json_t *value, struct conf_service *service)
{
	const struct field field = { "unavailable", .max = 1, .words = conf_unavailable_names };
	size_t before;
	int err;

	service->reject = conf_default_reject(service);
	if (!value)
		return 0;
	before = conf_path_key(&d->path, field.name);
	err = decode_choice(d, &field, value, &service->reject);
	if (!err && service->reject && service->proto == IPPROTO_SCTP)
		err = decode_refuse(d, "expected drop, as nothing answers for SCTP, found reject");
	conf_path_cut(&d->path, err ? d->path.length : before);
	return err;
}

static bool takes_listen(const struct mode_ops *ops, const void *kind)
{
	return ops->listen_kinds & *(const enum addr_kind *)kind;
}

static bool takes_backend(const struct mode_ops *ops, const void *kind)
{
	return ops->backend_kinds & *(const enum addr_kind *)kind;
}

/* takes: whether another mode would allow the kind of address; the error says which. */
static int validate_addr(struct decode *d, const struct addr *addr, unsigned int kinds,
			 mode_test takes)
{
	char modes[MODE_WORDS_SIZE], also[MODE_WORDS_SIZE + 32] = "";
	const char *words;
	enum addr_kind kind = addr_kind(addr, &words);

	if (mode_words_join(takes, &kind, " or ", modes)[0])
		snprintf(also, sizeof(also), " (mode %s takes it)", modes);
	return decode_validate_addr(d, addr, kinds, also);
}

static bool takes_sctp(const struct mode_ops *ops, const void *arg)
{
	(void)arg;
	return ops->sctp;
}

static int validate_listen(struct decode *d, const struct conf_service *service)
{
	size_t before = conf_path_key(&d->path, "listen");
	char modes[MODE_WORDS_SIZE];
	int err;

	if (service->proto == IPPROTO_SCTP && !mode_of(service->mode)->sctp)
		return decode_refuse(d, "expected SCTP only with mode %s, found it with mode %s",
				     mode_words_join(takes_sctp, NULL, " or ", modes),
				     mode_name(service->mode));
	err = validate_addr(d, &service->addr, mode_of(service->mode)->listen_kinds, takes_listen);
	if (!err)
		conf_path_cut(&d->path, before);
	return err;
}

/* At the backend's address. */
static int validate_backend(struct decode *d, const struct conf_service *service,
			    const struct conf_backend *backend)
{
	const struct mode_ops *ops = mode_of(service->mode);
	char text[ADDR_TEXT_SIZE];
	int err = validate_addr(d, &backend->addr, ops->backend_kinds, takes_backend);

	if (err || backend->port || ops->port != MODE_PORT_REQUIRED)
		return err;
	return decode_refuse(d,
			     "expected an address and the port that the server listens on, like "
			     "127.0.0.1:8001 or \"[::1]:8001\" (mode %s), found %s",
			     ops->word, addr_format(&backend->addr, text));
}

static int validate_backends(struct decode *d, const json_t *list,
			     const struct conf_service *service)
{
	size_t before = conf_path_key(&d->path, "backends"), at, i;
	int err;

	for (i = 0; i < service->backend_count; i++) {
		at = conf_path_item(&d->path, i);
		if (json_is_object(json_array_get(list, i)))
			conf_path_key(&d->path, "address");
		err = validate_backend(d, service, &service->backends[i]);
		if (err)
			return err;
		conf_path_cut(&d->path, at);
	}
	conf_path_cut(&d->path, before);
	return 0;
}

int decode_by_mode(struct decode *d, const json_t *value, struct conf_service *service)
{
	char words[MODE_WORDS_SIZE];
	int err;

	if (service->mode == MODE_NONE)
		return decode_refuse(d, "expected the key mode (%s), found none",
				     mode_words_join(NULL, NULL, " or ", words));
	err = validate_keys(d, value, service);
	if (!err)
		err = decode_source(d, json_object_get(value, "source"), service);
	if (!err)
		err = decode_idle_timeout(d, json_object_get(value, "idle_timeout"), service);
	if (!err)
		err = decode_unavailable(d, json_object_get(value, "unavailable"), service);
	if (!err)
		err = validate_listen(d, service);
	if (!err)
		err = validate_backends(d, json_object_get(value, "backends"), service);
	return err;
}
