// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: ICMP errors, translated both ways with what they tell of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_error.h"

static const struct error_case {
	const char *name;
	int version;
	__u8 type, code;
	__u32 rest;
} error_cases[] = {
	{ "network unreachable", 4, 3, 0, 0 },
	{ "host unreachable", 4, 3, 1, 0 },
	{ "port unreachable", 4, 3, 3, 0 },
	{ "fragmentation needed", 4, 3, 4, 1400 },
	{ "administratively prohibited", 4, 3, 13, 0 },
	{ "TTL exceeded", 4, 11, 0, 0 },
	{ "parameter problem", 4, 12, 0, 20U << 24 },
	{ "no route", 6, 1, 0, 0 },
	{ "port unreachable", 6, 1, 4, 0 },
	{ "packet too big", 6, 2, 0, 1280 },
	{ "hop limit exceeded", 6, 3, 0, 0 },
	{ "parameter problem", 6, 4, 1, 6 },
};

static const struct told_case {
	const char *name;
	int version;      /* 0: both */
	__u8 proto;       /* 0: both */
	size_t transport; /* bytes told of the transport header and behind; 0: all */
	struct nat_error error;
} told_cases[] = {
	{ "of which all is told", .error = { .about = { .payload = 33 } } },
	{ "of which all and nothing behind the header is told" },
	{ "of which eight bytes are told", .transport = 8,
	  .error = { .about = { .payload = 40 } } },
	{ "of which nine bytes are told", .transport = 9, .error = { .about = { .payload = 40 } } },
	{ "of which all up to the checksum is told", 0, IPPROTO_TCP, 18 },
	{ "of which 19 bytes are told", 0, IPPROTO_TCP, 19 },
	{ "without a checksum",
	  4,
	  IPPROTO_UDP,
	  0,
	  { .about = { .no_udp_checksum = true, .payload = 12 } } },
	{ "without a checksum, eight bytes",
	  4,
	  IPPROTO_UDP,
	  8,
	  { .about = { .no_udp_checksum = true, .payload = 12 } } },
	{ "with a wrong checksum", .error = { .about = { .spoil = 0x4321, .payload = 12 } } },
	{ "with options", 4, 0, 0, { .about = { .extra = EXTRA_OPTIONS, .payload = 12 } } },
	{ "and extensions of RFC 4884", .error = { .after = 12, .about = { .payload = 100 } } },
	{ "and an odd byte", .error = { .after = 9, .about = { .payload = 100 } } },
	{ "in a padded frame", .error = { .padding = 21, .about = { .payload = 100 } } },
	{ "and the last TTL but one", .error = { .ttl = 2 } },
	{ "and DSCP", .error = { .about = { .tos = 0xb8 } } },
};

static struct nat_flow begin(struct lb_maps *lb, int version, __u8 proto, unsigned int service)
{
	static __u16 port = 40000;
	struct nat_flow flow = { version, proto, service, 7, port++, 'A', 0, 0 };

	nat_clear(lb);
	if (!nat_establish(lb, &flow))
		harness_ok(&lb->harness, false, "a flow to begin with");
	return flow;
}

static void run(struct lb_maps *lb, struct nat_flow *flow, const struct error_case *e,
		const struct told_case *t, bool to_backend)
{
	struct nat_error error = t->error;
	char name[160];

	error.type = e->type;
	error.code = e->code;
	error.rest = e->rest;
	error.about.flow = flow;
	error.about.reply = to_backend;
	error.about.tcp = flow->proto == IPPROTO_TCP ? ACK : 0;
	if (t->transport)
		error.told = (flow->version == 4 ? 20 : 40) + t->transport;
	snprintf(name, sizeof(name), "to the %s: %s, about a packet %s",
		 to_backend ? "backend" : "client", e->name, t->name);
	nat_error_run(lb, &error, XDP_TX, DROP_NONE, name);
}

/* Every error about the plainest packet, and one about every kind of packet. */
static void test_translated(struct lb_maps *lb, int version, __u8 proto, bool to_backend)
{
	struct nat_flow flow = begin(lb, version, proto, BY_NAT);
	const struct error_case *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(error_cases); i++) {
		if (error_cases[i].version != version)
			continue;
		if (!first)
			first = &error_cases[i];
		run(lb, &flow, &error_cases[i], &told_cases[0], to_backend);
	}
	for (size_t i = 1; i < ARRAY_SIZE(told_cases); i++) {
		const struct told_case *t = &told_cases[i];

		if ((!t->version || t->version == version) && (!t->proto || t->proto == proto))
			run(lb, &flow, first, t, to_backend);
	}
}

/* The checksum in what an error tells of, a UDP packet, as it goes out. */
static __u16 told_checksum(const struct nat_error *error)
{
	static struct pkt p;
	size_t header = error->about.flow->version == 4 ? 20 : 40;

	pkt_clear(&p);
	nat_error_out(&p, error);
	return ((struct udphdr *)((__u8 *)pkt_find(&p, PKT_BYTES, 0) + header))->check;
}

/* A payload that makes the translated checksum 0: UDP has to say 0xffff then. */
static void test_zero_checksum(struct lb_maps *lb, int version, bool to_backend)
{
	struct nat_flow flow = begin(lb, version, IPPROTO_UDP, BY_NAT);
	struct nat_error error = {
		.about = { .lb = lb, .flow = &flow, .reply = to_backend, .payload = 2 },
		.type = version == 4 ? 3 : 1,
	};

	/* The payload is 00 01: added to the checksum there is as a word in memory. */
	error.about.payload_word = -(1 << 8);
	error.about.payload_word += told_checksum(&error);
	harness_ok(&lb->harness, told_checksum(&error) == 0xffff,
		   "IPv%d: a packet whose checksum becomes 0: found", version);
	nat_error_run(lb, &error, XDP_TX, DROP_NONE,
		      to_backend ? "to the backend, about a packet whose checksum becomes 0"
				 : "to the client, about a packet whose checksum becomes 0");
}

/* An error may come in by another interface than its flow's packets, and go out by another one. */
static void test_ways(struct lb_maps *lb, int version)
{
	struct nat_flow far = { version, IPPROTO_UDP, BY_NAT_FAR, 7, 40000, 'A', 0, 0 };
	struct nat_packet first = { .flow = &far };
	struct nat_error error = { .about = { .flow = &far }, .type = version == 4 ? 3 : 1 };
	char text[NAT_TEXT];

	nat_clear(lb);
	harness_ok(&lb->harness, nat_send(lb, &first) == XDP_REDIRECT && nat_learn(lb, &far),
		   "IPv%d: a flow by another interface", version);
	error.about.ifindex = nat_inside;
	nat_error_run(lb, &error, XDP_REDIRECT, DROP_NONE,
		      "to the client, who is elsewhere than the backend");
	error.about.reply = true;
	error.about.ifindex = 0;
	nat_error_run(lb, &error, XDP_REDIRECT, DROP_NONE,
		      "to the backend, which is elsewhere than the client");
	far = begin(lb, version, IPPROTO_UDP, BY_NAT);
	nat_backend_text(version, nat_target(version, IPPROTO_UDP, BY_NAT, 'A'), text);
	error = (struct nat_error){ .about = { .flow = &far },
				    .type = version == 4 ? 3 : 1,
				    .code = version == 4 ? 3 : 4,
				    .from = text };
	nat_error_run(lb, &error, XDP_TX, DROP_NONE,
		      "to the client: by the backend itself, which is not named");
	nat_client_text(version, 7, text);
	error.about.reply = true;
	nat_error_run(lb, &error, XDP_TX, DROP_NONE,
		      "to the backend: by the client himself, who is not named");
}

/* An error is no packet of its flow: nothing of it changes. */
static void test_words_stay(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = begin(lb, version, proto, BY_NAT);
	__u32 now = lb_maps_nat_now(lb);
	const char *wrong;

	nat_set_words(lb, &flow, 5, ~0U);
	for (int i = 0; i < 2; i++) {
		struct nat_error error = { .about = { .flow = &flow, .reply = i },
					   .type = version == 4 ? 3 : 1 };

		nat_error_run(lb, &error, XDP_TX, DROP_NONE,
			      i ? "to the backend, of an old flow"
				: "to the client, of an old flow");
	}
	wrong = nat_entries_wrong(lb, &flow, NAT_REPLIED | NAT_ASSURED, 5, now);
	if (!harness_ok(&lb->harness, !wrong && nat_occupied(lb) == 2,
			"IPv%d: errors leave their flow as it was", version))
		printf("#   %s\n", wrong);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }) ||
	    lb_maps_tx_port(&lb, HARNESS_LOOPBACK, HARNESS_LOOPBACK))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		for (int i = 0; i < 4; i++)
			test_translated(&lb, version, i & 1 ? IPPROTO_UDP : IPPROTO_TCP, i & 2);
		test_zero_checksum(&lb, version, false);
		test_zero_checksum(&lb, version, true);
		test_ways(&lb, version);
		test_words_stay(&lb, version, IPPROTO_TCP);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
