// SPDX-License-Identifier: BSD-2-Clause
/* The decoder: a JSON tree -> struct conf; its top-level keys. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "conf/conf_decode.h"

#define MAX_INTERFACES POISE_MAX_TX_PORTS

/* ---- interfaces */

static int decode_interface_name(struct decode *d, const struct field *field, const json_t *value,
				 void *member)
{
	struct conf_interface *interface = member;
	const char *text;
	size_t i;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	/* The kernel takes these names: dev_valid_name(). */
	if (!text[0] || strlen(text) >= sizeof(interface->name) || !strcmp(text, ".") ||
	    !strcmp(text, ".."))
		return decode_expected(d, field->expected, value);
	for (i = 0; text[i]; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f || text[i] == '/' ||
		    text[i] == ':')
			return decode_expected(d, field->expected, value);
	}
	strcpy(interface->name, text);
	return 0;
}

static const struct field interface_fields[] = {
	{ "name", decode_interface_name, 0,
	  "an interface's name of 1 to 15 characters without blanks, / and :", .required = true },
	{ "xdp", decode_word, offsetof(struct conf_interface, xdp), NULL, XDP_MODE_AUTO,
	  XDP_MODE_GENERIC, .words = conf_xdp_names },
};

static int decode_interface(struct decode *d, const json_t *value, void *item)
{
	if (json_is_string(value))
		return decode_interface_name(d, &interface_fields[0], value, item);
	if (!json_is_object(value))
		return decode_expected(d, "an interface's name or a mapping with name and xdp",
				       value);
	return decode_mapping(d, value, interface_fields, ARRAY_SIZE(interface_fields), item);
}

static int decode_interfaces(struct decode *d, const struct field *field, const json_t *value,
			     void *member)
{
	struct conf *conf = member;

	return decode_list(d, field, value, sizeof(*conf->interfaces), decode_interface,
			   (void **)&conf->interfaces, &conf->interface_count);
}

/* ---- the configuration */

static int decode_services(struct decode *d, const struct field *field, const json_t *value,
			   void *member)
{
	struct conf *conf = member;

	return decode_list(d, field, value, sizeof(*conf->services), decode_service,
			   (void **)&conf->services, &conf->service_count);
}

static int decode_seed(struct decode *d, const struct field *field, const json_t *value,
		       void *member)
{
	struct conf *conf = member;
	char half[17] = "";
	const char *text;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (strlen(text) != 32 || strspn(text, "0123456789abcdefABCDEF") != 32)
		return decode_expected(d, field->expected, value);
	memcpy(half, text, 16);
	conf->seed[0] = strtoull(half, NULL, 16);
	conf->seed[1] = strtoull(text + 16, NULL, 16);
	conf->seed_set = true;
	return 0;
}

static const struct field timeouts_fields[] = {
	{ "tcp", decode_duration, offsetof(struct conf, tcp_idle_ms), NULL, CONF_MIN_FLOW_MS,
	  CONF_MAX_FLOW_MS },
	{ "udp", decode_duration, offsetof(struct conf, udp_idle_ms), NULL, CONF_MIN_FLOW_MS,
	  CONF_MAX_FLOW_MS },
	{ "nat", decode_duration, offsetof(struct conf, nat_idle_ms), NULL, CONF_MIN_FLOW_MS,
	  CONF_MAX_NAT_MS },
};

static int decode_timeouts(struct decode *d, const struct field *field, const json_t *value,
			   void *member)
{
	if (json_is_null(value)) /* all commented out */
		return 0;
	if (!json_is_object(value))
		return decode_expected(d, field->expected, value);
	return decode_mapping(d, value, timeouts_fields, ARRAY_SIZE(timeouts_fields), member);
}

static const struct field conf_fields[] = {
	{ "interfaces", decode_interfaces, 0, "a list of interfaces", 0, MAX_INTERFACES },
	{ "max_backends", decode_u32, offsetof(struct conf, max_backends), NULL, 2,
	  POISE_MAX_BACKENDS },
	{ "flows", decode_size, offsetof(struct conf, flows), NULL, POISE_MIN_FLOWS,
	  POISE_MAX_FLOWS },
	{ "timeouts", decode_timeouts, 0, "a mapping with tcp, udp and nat" },
	{ "nat_sources", decode_nat_sources, 0, "a list of addresses", 0, POISE_MAX_NAT_SOURCES },
	{ "nat_ports", decode_nat_ports, 0,
	  "a range of at least 1024 ports from 1024 to 65535, like 10240-32767" },
	{ "nat_flows", decode_size, offsetof(struct conf, nat_flows), NULL, POISE_MIN_NAT_FLOWS,
	  POISE_MAX_NAT_FLOWS },
	{ "seed", decode_seed, 0, "32 hexadecimal digits in quotes" },
	{ "services", decode_services, 0, "a list of services", 0, POISE_MAX_SERVICES },
};

int conf_decode(const json_t *tree, const conf_marks *marks, struct conf **out,
		struct conf_error *error)
{
	struct decode d = { .marks = marks, .error = error };
	struct conf *conf;
	int err;

	memset(error, 0, sizeof(*error));
	if (!json_is_object(tree))
		return decode_expected(&d, "a mapping with interfaces and services", tree);
	conf = calloc(1, sizeof(*conf));
	if (!conf)
		return conf_no_memory(error);
	conf->max_backends = POISE_DEFAULT_BACKENDS;
	conf->flows = POISE_DEFAULT_FLOWS;
	conf->tcp_idle_ms = CONF_DEFAULT_TCP_IDLE_MS;
	conf->udp_idle_ms = CONF_DEFAULT_UDP_IDLE_MS;
	conf_nat_defaults(conf);
	err = decode_mapping(&d, tree, conf_fields, ARRAY_SIZE(conf_fields), conf);
	if (!err)
		err = conf_validate(&d, tree, conf);
	if (err) {
		conf_free(conf);
		return err;
	}
	*out = conf;
	return 0;
}

void conf_free(struct conf *conf)
{
	size_t i;

	if (!conf)
		return;
	for (i = 0; i < conf->service_count; i++) {
		json_decref(conf->services[i].check.value);
		free(conf->services[i].backends);
	}
	free(conf->services);
	free(conf->nat_sources);
	free(conf->interfaces);
	free(conf);
}
