// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: nearly as many flows between two addresses as there are ports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_packet.h"

#define MANY       60000
#define PORT_FIRST 1024
#define PORT_COUNT (65536 - PORT_FIRST)
#define FLOWS      (1U << 17)

static struct nat_flow flow_at(int version, __u8 proto, unsigned int i)
{
	return (struct nat_flow){
		version, proto, BY_NAT, 1 + i / 50000, 1024 + i % 50000, 'A', 0, 0
	};
}

static void test_many(struct lb_maps *lb, int version, __u8 proto)
{
	unsigned int good = 0, back = 0, flows;
	const char *wrong;

	nat_clear(lb);
	nat_counted(lb);
	for (unsigned int i = 0; i < MANY; i++) {
		struct nat_flow flow = flow_at(version, proto, i);

		good += nat_begin(lb, &flow);
	}
	harness_ok(&lb->harness, good == MANY,
		   "IPv%d: %u of %u flows between two addresses have a port", version, good, MANY);
	wrong = nat_table_wrong(lb, &flows);
	if (!harness_ok(&lb->harness, !wrong && flows == good, "IPv%d: no port is there twice",
			version))
		printf("#   %u flows: %s\n", flows, wrong ? wrong : "");
	harness_ok(&lb->harness, nat_counted_is(lb, (struct nat_counter){ .made = MANY }),
		   "IPv%d: so many were made, and nobody made room", version);
	for (unsigned int i = 0; i < MANY; i += 7) {
		struct nat_flow flow = flow_at(version, proto, i);
		struct nat_packet reply = { .flow = &flow, .reply = true, .tcp = SYN_ACK };

		back += nat_learn(lb, &flow) && nat_send(lb, &reply) == XDP_TX;
	}
	harness_ok(&lb->harness, back == (MANY + 6) / 7, "IPv%d: each is answered", version);
}

int main(void)
{
	const struct lb_maps_size size = { .nat_flows = FLOWS,
					   .nat_port_first = PORT_FIRST,
					   .nat_port_count = PORT_COUNT };
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &size))
		return EXIT_FAILURE;
	test_many(&lb, 4, IPPROTO_TCP);
	test_many(&lb, 6, IPPROTO_UDP);
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
