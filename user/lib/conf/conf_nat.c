// SPDX-License-Identifier: BSD-2-Clause
/* The configuration's keys of mode nat: the balancer's own side of what it translates. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_decode.h"

void conf_nat_defaults(struct conf *conf)
{
	conf->nat_idle_ms = CONF_DEFAULT_NAT_IDLE_MS;
	conf->nat_flows = POISE_DEFAULT_NAT_FLOWS;
	conf->nat_port_first = POISE_NAT_PORT_FIRST;
	conf->nat_port_last = POISE_NAT_PORT_LAST;
}

static int decode_nat_source(struct decode *d, const json_t *value, void *item)
{
	static const char expected[] = "an address of this host, like 192.0.2.1 or 2001:db8::1";
	struct addr *source = item;
	const char *text;
	int err;

	err = decode_text(d, expected, value, &text);
	if (err)
		return err;
	if (addr_parse(text, source))
		return decode_expected(d, expected, value);
	return decode_validate_addr(d, source, ADDR_HOST, "");
}

int decode_nat_sources(struct decode *d, const struct field *field, const json_t *value,
		       void *member)
{
	struct conf *conf = member;

	return decode_list(d, field, value, sizeof(*conf->nat_sources), decode_nat_source,
			   (void **)&conf->nat_sources, &conf->nat_source_count);
}

/* "FIRST-LAST", nothing else. 0 or -EINVAL. */
static int ports_parse(const json_t *value, __u16 *first, __u16 *last)
{
	const char *text = json_string_value(value);
	const char *hyphen = text ? strchr(text, '-') : NULL;
	char part[sizeof("65535")];

	if (!hyphen || strlen(text) != json_string_length(value) ||
	    (size_t)(hyphen - text) >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, hyphen - text);
	part[hyphen - text] = '\0';
	return port_parse(part, first) || port_parse(hyphen + 1, last) ? -EINVAL : 0;
}

int decode_nat_ports(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	char found[CONF_QUOTE_SIZE];
	struct conf *conf = member;
	__u16 first, last;

	if (ports_parse(value, &first, &last))
		return decode_expected(d, field->expected, value);
	conf_describe(value, found);
	if (first < CONF_MIN_NAT_PORT)
		return decode_refuse(d, "expected %s, found %s, which begins below %u",
				     field->expected, found, CONF_MIN_NAT_PORT);
	if (last < first)
		return decode_refuse(d, "expected %s, found %s, whose end is before its beginning",
				     field->expected, found);
	if (last - first + 1 < CONF_MIN_NAT_PORTS)
		return decode_refuse(d, "expected %s, found %s, which has %u", field->expected,
				     found, last - first + 1);
	conf->nat_port_first = first;
	conf->nat_port_last = last;
	return 0;
}

const char *conf_nat_ports_format(const struct conf *conf, char buf[16])
{
	if (conf->nat_port_first == POISE_NAT_PORT_FIRST &&
	    conf->nat_port_last == POISE_NAT_PORT_LAST)
		return NULL;
	snprintf(buf, 16, "%u-%u", conf->nat_port_first, conf->nat_port_last);
	return buf;
}
