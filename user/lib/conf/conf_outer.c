// SPDX-License-Identifier: BSD-2-Clause
/* The key outer_sources: networks that tunnels come from. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_decode.h"

#define MIN_PREFIX 8 /* longer networks are not anybody's own */
#define MAPPED     96
#define ADDR_BITS  128

static int take_net(struct decode *d, const struct field *field, const json_t *value,
		    const char *text, struct net *out)
{
	int err = net_parse(text, out);
	char meant[NET_TEXT_SIZE];
	bool v4;

	if (err == -ERANGE)
		return decode_refuse(d, "expected %s, found \"%s\": did you mean %s?",
				     field->expected, text, net_format(out, meant));
	if (err)
		return decode_expected(d, field->expected, value);
	v4 = addr_is_v4(&out->addr) && out->bits >= MAPPED;
	if (out->bits < (v4 ? MAPPED : 0) + MIN_PREFIX || out->bits >= ADDR_BITS - 1)
		return decode_refuse(d, "expected a prefix length from %d to %d, found \"%s\"",
				     MIN_PREFIX, v4 ? 30 : 126, text);
	return decode_validate_addr(d, &out->addr, ADDR_HOST, "");
}

int decode_outer_sources(struct decode *d, const struct field *field, const json_t *value,
			 void *member)
{
	struct conf_service *service = member;
	char part[CONF_OUTER_TEXT_SIZE];
	struct net nets[2] = { 0 };
	const char *text;
	char *comma;
	int err;

	err = decode_text(d, field->expected, value, &text);
	if (err)
		return err;
	if (strlen(text) >= sizeof(part))
		return decode_expected(d, field->expected, value);
	strcpy(part, text);
	comma = strchr(part, ',');
	if (comma)
		*comma = '\0';
	err = take_net(d, field, value, part, &nets[0]);
	if (!err && comma)
		err = take_net(d, field, value, comma + 1 + strspn(comma + 1, " "), &nets[1]);
	if (err)
		return err;
	if (comma && addr_is_v4(&nets[0].addr) == addr_is_v4(&nets[1].addr))
		return decode_refuse(d, "expected one network of each IP version, found \"%s\"",
				     text);
	for (int i = 0; i < (comma ? 2 : 1); i++)
		*(addr_is_v4(&nets[i].addr) ? &service->outer_v4 : &service->outer_v6) = nets[i];
	return 0;
}

const char *conf_outer_sources_format(const struct conf_service *service,
				      char buf[CONF_OUTER_TEXT_SIZE])
{
	char v4[NET_TEXT_SIZE] = "", v6[NET_TEXT_SIZE] = "";

	if (service->outer_v4.bits)
		net_format(&service->outer_v4, v4);
	if (service->outer_v6.bits)
		net_format(&service->outer_v6, v6);
	snprintf(buf, CONF_OUTER_TEXT_SIZE, "%s%s%s", v4, *v4 && *v6 ? "," : "", v6);
	return *buf ? buf : NULL;
}
