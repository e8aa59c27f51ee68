// SPDX-License-Identifier: BSD-2-Clause
/* poise_decap: where a tunnel ends, and who may send it. */
#include <stdio.h>

#include "base/array.h"
#include "decap/decap_packets.h"
#include "poise/decap.h"

enum outcome { TAKEN_OUT, NOT_LOCAL, STRANGER };

struct outer_case {
	const char *name;
	enum decap_outer outer;
	const char *from, *to;
	enum outcome open, checked; /* without and with --from */
};

static const struct outer_case cases[] = {
	{ "from a balancer to this host", OUTER_IP4, "10.0.0.1", "10.0.0.11", TAKEN_OUT,
	  TAKEN_OUT },
	{ "from a balancer to this host", OUTER_IP6, "fd00::1", "fd00::11", TAKEN_OUT, TAKEN_OUT },
	{ "from a single address", OUTER_IP4, "192.0.2.77", "10.0.0.11", TAKEN_OUT, TAKEN_OUT },
	{ "from the address beside it", OUTER_IP4, "192.0.2.76", "10.0.0.11", TAKEN_OUT, STRANGER },
	{ "from the network's last address", OUTER_IP4, "10.0.0.255", "10.0.0.11", TAKEN_OUT,
	  TAKEN_OUT },
	{ "from the next network", OUTER_IP4, "10.0.1.0", "10.0.0.11", TAKEN_OUT, STRANGER },
	{ "from the network's last address", OUTER_IP6, "fd00::ffff:ffff:ffff:ffff", "fd00::11",
	  TAKEN_OUT, TAKEN_OUT },
	{ "from the next network", OUTER_IP6, "fd00:0:0:1::", "fd00::11", TAKEN_OUT, STRANGER },
	{ "to another backend", OUTER_IP4, "10.0.0.1", "10.0.0.12", NOT_LOCAL, NOT_LOCAL },
	{ "to another backend", OUTER_IP6, "fd00::1", "fd00::12", NOT_LOCAL, NOT_LOCAL },
	{ "to another backend, with a limit", OUTER_IP6_LIMIT, "fd00::1", "fd00::12", NOT_LOCAL,
	  NOT_LOCAL },
	{ "from a stranger to another backend", OUTER_IP4, "10.0.1.1", "10.0.0.12", NOT_LOCAL,
	  NOT_LOCAL },
	{ "to a VIP, which is no address of the interface", OUTER_IP4, "10.0.0.1", VIP4, NOT_LOCAL,
	  NOT_LOCAL },
	{ "with a limit, from a stranger", OUTER_IP6_LIMIT, "fd00:0:0:1::", "fd00::11", TAKEN_OUT,
	  STRANGER },
};

static void run(struct harness *h, const struct outer_case *outer, enum outcome outcome,
		const struct decap_case *c)
{
	char name[160];
	struct harness_row row = { .name = name, .in = decap_in, .arg = c, .verdict = XDP_PASS };
	__u64 before = decap_not_local(h), seen;

	snprintf(name, sizeof(name), "%s%s in IPv%d, inner IPv%d: %s", outer->name,
		 c->gue ? ", gue" : "", outer->outer == OUTER_IP4 ? 4 : 6,
		 c->inner == INNER_IP4 ? 4 : 6,
		 outcome == TAKEN_OUT  ? "taken out"
		 : outcome == STRANGER ? "dropped"
				       : "passes");
	if (outcome == TAKEN_OUT) {
		row.out = decap_out;
		row.counter = c->inner == INNER_IP4 ? DECAP_VIP4 : DECAP_VIP6;
		row.count = (struct harness_counter){ .packets = 1, .bytes = decap_inner_bytes(c) };
	} else if (outcome == STRANGER) {
		row.verdict = XDP_DROP;
		row.drop = DECAP_DROP_STRANGER;
	}
	harness_run(h, &row, 1);
	seen = decap_not_local(h) - before;
	harness_ok(h, seen == (outcome == NOT_LOCAL), "%s: %s as not local", name,
		   outcome == NOT_LOCAL ? "counted" : "not counted");
}

static void run_all(struct harness *h, bool check_source)
{
	decap_load(h, check_source);
	for (size_t i = 0; i < ARRAY_SIZE(cases) * INNER_COUNT * 2; i++) {
		const struct outer_case *outer = &cases[i / (INNER_COUNT * 2)];
		struct decap_case c = { .outer = outer->outer,
					.outer_from = outer->from,
					.outer_to = outer->to,
					.inner = i % 2,
					.gue = i / 2 % 2,
					.payload = 9 };

		run(h, outer, check_source ? outer->checked : outer->open, &c);
	}
	decap_unload(h);
}

int main(void)
{
	struct harness h = { 0 };

	run_all(&h, false);
	run_all(&h, true);
	return harness_end(&h);
}
