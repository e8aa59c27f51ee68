// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "bench/scenario.h"

#define ONE     1
#define DIVERSE 4096
#define SPACE   (1U << FLOW_MAX_BITS)

static const struct scenario {
	const char *name, *what;
	const char *case_name;
	enum meets meets;
	int family;
	__u8 proto;
	__u32 flows;
} scenarios[] = {
	{ "tcp-v4-lru-hit", "a known flow on a moving row", "hit", MEETS_ENTRY, 4, IPPROTO_TCP,
	  ONE },
	{ "tcp-v4-ch", "a flow on a stable row", "ack", MEETS_ROW, 4, IPPROTO_TCP, ONE },
	{ "tcp-v6-lru-hit", "a known flow on a moving row", "hit", MEETS_ENTRY, 6, IPPROTO_TCP,
	  ONE },
	{ "tcp-v6-ch", "a flow on a stable row", "ack", MEETS_ROW, 6, IPPROTO_TCP, ONE },
	{ "udp-v4-lru-hit", "a known flow on a moving row", "hit", MEETS_ENTRY, 4, IPPROTO_UDP,
	  ONE },
	{ "udp-v6-lru-hit", "a known flow on a moving row", "hit", MEETS_ENTRY, 6, IPPROTO_UDP,
	  ONE },
	{ "tcp-v4-lru-diverse", "known flows on moving rows", "hit", MEETS_ENTRY, 4, IPPROTO_TCP,
	  DIVERSE },
	{ "tcp-v4-ch-diverse", "flows on stable rows", "ack", MEETS_ROW, 4, IPPROTO_TCP, DIVERSE },
	{ "tcp-v6-lru-diverse", "known flows on moving rows", "hit", MEETS_ENTRY, 6, IPPROTO_TCP,
	  DIVERSE },
	{ "tcp-v6-ch-diverse", "flows on stable rows", "ack", MEETS_ROW, 6, IPPROTO_TCP, DIVERSE },
	{ "udp-v4-lru-diverse", "known flows on moving rows", "hit", MEETS_ENTRY, 4, IPPROTO_UDP,
	  DIVERSE },
	{ "tcp-v4-syn", "a SYN on a moving row, whose flow is new each time", "insert", MEETS_ROOM,
	  4, IPPROTO_TCP, ONE },
	{ "tcp-v4-rst-miss", "RSTs of unknown flows on stable rows", "rst", MEETS_FLOOD, 4,
	  IPPROTO_TCP, SPACE },
	{ "pass-v4-no-vip", "a packet for no service", "pass", MEETS_ROW, 4, IPPROTO_TCP, ONE },
	{ "pass-v6-no-vip", "a packet for no service", "pass", MEETS_ROW, 6, IPPROTO_TCP, ONE },
};

int scenario_find(const char *name, struct measurement *line, __u32 *verdict)
{
	const struct scenario *s = scenarios;
	enum subject_rows rows;

	while (s < scenarios + ARRAY_SIZE(scenarios) && strcmp(s->name, name))
		s++;
	if (s == scenarios + ARRAY_SIZE(scenarios))
		return -ENOENT;
	rows = s->meets == MEETS_ENTRY || s->meets == MEETS_ROOM ? ROWS_MOVING : ROWS_STABLE;
	*line = (struct measurement){ .case_name = s->case_name,
				      .meets = s->meets,
				      .mode = "ipip",
				      .encap = MODE_IPIP,
				      .family = s->family,
				      .only_flows = s->flows,
				      .kind.proto = s->proto,
				      .kind.syn = s->meets == MEETS_ROOM,
				      .kind.rst = s->meets == MEETS_FLOOD };
	subject_service(MODE_IPIP, s->family, rows, &line->kind.to, &line->kind.port);
	*verdict = XDP_TX;
	if (!strcmp(s->case_name, "pass")) {
		line->kind.to.b[15] ^= 0x80; /* no service has this address */
		*verdict = XDP_PASS;
	}
	return 0;
}

void scenario_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		printf("%-20s IPv%d %s: %s\n", scenarios[i].name, scenarios[i].family,
		       scenarios[i].proto == IPPROTO_TCP ? "TCP" : "UDP", scenarios[i].what);
}
