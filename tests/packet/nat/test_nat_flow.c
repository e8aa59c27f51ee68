// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: packets of a flow one after the other, what the table then says of it,
 * and when a packet begins another flow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_packet.h"

#define MADE    1U  /* a flow is entered */
#define BEGUN   2U  /* counter.new_flows goes up */
#define AGED    4U  /* the flow expires before the packet comes */
#define LATE    8U  /* a packet of RST was long ago */
#define MOVED   16U /* A is lost, and rows are B's */
#define CHANGED 32U /* rows are B's */
#define REPLY   64U /* the packet is the backend's */
#define PASSES  128U
#define SILENT  256U /* a packet of RST was so long ago that nobody doubts it */

#define ESTABLISHED (NAT_REPLIED | NAT_ASSURED)
#define BOTH_FIN    (NAT_FIN_CLIENT | NAT_FIN_BACKEND)

struct step {
	unsigned int what;
	__u8 tcp;
	char to; /* the flow's backend afterwards */
	__u32 flags, ticks;
};

#define STEPS 10

struct sequence {
	const char *name;
	struct step steps[STEPS];
};

/* The first steps of most sequences. */
#define OPENS                                                                                      \
	{                                                                                          \
		MADE | BEGUN, SYN, 'A', 0, NAT_NEW_TICKS                                           \
	}
#define ANSWERS                                                                                    \
	{                                                                                          \
		REPLY, SYN_ACK, 'A', NAT_REPLIED, NAT_REPLIED_TICKS                                \
	}
#define GOES_ON                                                                                    \
	{                                                                                          \
		0, ACK, 'A', ESTABLISHED, NAT_IDLE_TICKS                                           \
	}

static const struct sequence tcp_sequences[] = {
	{ "opened and closed by the client",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { REPLY, ACK, 'A', ESTABLISHED, NAT_IDLE_TICKS },
	    { 0, FIN, 'A', ESTABLISHED | NAT_FIN_CLIENT, NAT_CLOSING_TICKS },
	    { REPLY, ACK, 'A', ESTABLISHED | NAT_FIN_CLIENT, NAT_CLOSING_TICKS },
	    { REPLY, FIN, 'A', ESTABLISHED | BOTH_FIN, NAT_CLOSING_TICKS },
	    { 0, ACK, 'A', ESTABLISHED | BOTH_FIN, NAT_CLOSING_TICKS } } },
	{ "closed by the backend",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { REPLY, FIN, 'A', ESTABLISHED | NAT_FIN_BACKEND, NAT_CLOSING_TICKS },
	    { 0, ACK, 'A', ESTABLISHED | NAT_FIN_BACKEND, NAT_CLOSING_TICKS },
	    { 0, FIN, 'A', ESTABLISHED | BOTH_FIN, NAT_CLOSING_TICKS },
	    { REPLY, ACK, 'A', ESTABLISHED | BOTH_FIN, NAT_CLOSING_TICKS } } },
	{ "the same SYN again", { OPENS, { 0, SYN, 'A', 0, NAT_NEW_TICKS }, ANSWERS } },
	{ "the same SYN again when there is another backend",
	  { OPENS, { CHANGED, SYN, 'A', 0, NAT_NEW_TICKS }, ANSWERS, GOES_ON } },
	{ "the same SYN once answered",
	  { OPENS, ANSWERS, { 0, SYN, 'A', NAT_REPLIED, NAT_REPLIED_TICKS } } },
	{ "a SYN in between",
	  { OPENS, ANSWERS, GOES_ON, { 0, SYN, 'A', ESTABLISHED, NAT_IDLE_TICKS } } },
	{ "reset by the client",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { REPLY, ACK, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS } } },
	{ "reset by the backend",
	  { OPENS,
	    { REPLY, RST, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS },
	    { REPLY, RST, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS } } },
	{ "reset by the client while it opens",
	  { OPENS,
	    ANSWERS,
	    { 0, RST, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS },
	    { 0, ACK, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS },
	    OPENS } },
	{ "reset by the backend while it opens",
	  { OPENS,
	    ANSWERS,
	    { REPLY, RST, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS },
	    { 0, ACK, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS } } },
	{ "begun by an ACK, as its balancer is another one now",
	  { { MADE | BEGUN, ACK, 'A', 0, NAT_NEW_TICKS },
	    { REPLY, ACK, 'A', NAT_REPLIED, NAT_REPLIED_TICKS },
	    GOES_ON } },
	{ "begun by data with PSH", { { MADE | BEGUN, ACK | 8, 'A', 0, NAT_NEW_TICKS } } },
	{ "begun by the client's FIN",
	  { { MADE | BEGUN, FIN, 'A', NAT_FIN_CLIENT, NAT_CLOSING_TICKS } } },
	{ "begun by a SYN with ECN", { { MADE | BEGUN, SYN | 0xc0, 'A', 0, NAT_NEW_TICKS } } },
	{ "reset by a stranger, the flow goes on",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { LATE, ACK, 'A', ESTABLISHED, NAT_IDLE_TICKS },
	    { REPLY, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { LATE | REPLY, ACK, 'A', ESTABLISHED, NAT_IDLE_TICKS } } },
	{ "reset by a stranger, and his SYN",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { CHANGED, SYN, 'A', ESTABLISHED | NAT_RESET | NAT_SYN_AGAIN, NAT_CLOSING_TICKS },
	    { CHANGED, SYN, 'A', ESTABLISHED | NAT_RESET | NAT_SYN_AGAIN, NAT_CLOSING_TICKS },
	    { LATE | CHANGED, ACK, 'A', ESTABLISHED | NAT_SYN_AGAIN, NAT_IDLE_TICKS } } },
	{ "begun anew after RST, while that is in doubt",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { CHANGED, SYN, 'A', ESTABLISHED | NAT_RESET | NAT_SYN_AGAIN, NAT_CLOSING_TICKS },
	    ANSWERS,
	    GOES_ON } },
	{ "begun anew after RST and silence",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, RST, 'A', ESTABLISHED | NAT_RESET, NAT_CLOSING_TICKS },
	    { SILENT | CHANGED | MADE | BEGUN, SYN, 'B', 0, NAT_NEW_TICKS } } },
	{ "begun anew after FIN",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, FIN, 'A', ESTABLISHED | NAT_FIN_CLIENT, NAT_CLOSING_TICKS },
	    { REPLY, FIN, 'A', ESTABLISHED | BOTH_FIN, NAT_CLOSING_TICKS },
	    { CHANGED | MADE | BEGUN, SYN, 'B', 0, NAT_NEW_TICKS },
	    { REPLY, SYN_ACK, 'B', NAT_REPLIED, NAT_REPLIED_TICKS },
	    { 0, ACK, 'B', ESTABLISHED, NAT_IDLE_TICKS } } },
	{ "begun anew after RST, at the same backend",
	  { OPENS,
	    ANSWERS,
	    { REPLY, RST, 'A', NAT_REPLIED | NAT_RESET, NAT_RESET_TICKS },
	    OPENS,
	    ANSWERS } },
	{ "begun anew after it expired",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { AGED | CHANGED | MADE | BEGUN, SYN, 'B', 0, NAT_NEW_TICKS } } },
	{ "begun anew where it was, after it expired",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { AGED | MADE | BEGUN, SYN, 'A', 0, NAT_NEW_TICKS },
	    ANSWERS } },
	{ "half closed is not ended",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { 0, FIN, 'A', ESTABLISHED | NAT_FIN_CLIENT, NAT_CLOSING_TICKS },
	    { CHANGED, SYN, 'A', ESTABLISHED | NAT_FIN_CLIENT | NAT_SYN_AGAIN,
	      NAT_CLOSING_TICKS } } },
	{ "half closed, and the backend accepts another",
	  { OPENS,
	    ANSWERS,
	    GOES_ON,
	    { REPLY, FIN, 'A', ESTABLISHED | NAT_FIN_BACKEND, NAT_CLOSING_TICKS },
	    { CHANGED, SYN, 'A', ESTABLISHED | NAT_FIN_BACKEND | NAT_SYN_AGAIN, NAT_CLOSING_TICKS },
	    ANSWERS,
	    GOES_ON,
	    { 0, FIN, 'A', ESTABLISHED | NAT_FIN_CLIENT, NAT_CLOSING_TICKS } } },
	{ "its backend is lost",
	  { OPENS, ANSWERS, GOES_ON, { MOVED | MADE | BEGUN, SYN, 'B', 0, NAT_NEW_TICKS } } },
	{ "rows change, the flow stays",
	  { OPENS, ANSWERS, { CHANGED, ACK, 'A', ESTABLISHED, NAT_IDLE_TICKS } } },
	{ "the backend answers late", { OPENS, { AGED | REPLY | PASSES, SYN_ACK, 'A', 0, 0 } } },
	{ "the client's ACK alone", { OPENS, { 0, ACK, 'A', 0, NAT_NEW_TICKS }, ANSWERS } },
};

static const struct sequence udp_sequences[] = {
	{ "asked and answered",
	  { { MADE | BEGUN, 0, 'A', 0, NAT_NEW_TICKS },
	    { 0, 0, 'A', 0, NAT_NEW_TICKS },
	    { REPLY, 0, 'A', NAT_REPLIED, NAT_REPLIED_TICKS },
	    { REPLY, 0, 'A', NAT_REPLIED, NAT_REPLIED_TICKS },
	    { 0, 0, 'A', ESTABLISHED, NAT_IDLE_TICKS },
	    { REPLY | CHANGED, 0, 'A', ESTABLISHED, NAT_IDLE_TICKS },
	    { CHANGED, 0, 'A', ESTABLISHED, NAT_IDLE_TICKS },
	    { AGED | REPLY | PASSES, 0, 'A', 0, 0 } } },
	{ "expired",
	  { { MADE | BEGUN, 0, 'A', 0, NAT_NEW_TICKS },
	    { AGED | CHANGED | MADE | BEGUN, 0, 'B', 0, NAT_NEW_TICKS },
	    { REPLY, 0, 'B', NAT_REPLIED, NAT_REPLIED_TICKS } } },
	{ "its backend is lost",
	  { { MADE | BEGUN, 0, 'A', 0, NAT_NEW_TICKS },
	    { REPLY, 0, 'A', NAT_REPLIED, NAT_REPLIED_TICKS },
	    { MOVED | MADE | BEGUN, 0, 'B', 0, NAT_NEW_TICKS } } },
};

static bool check_table(struct lb_maps *lb, const struct nat_flow *flow, const struct step *step,
			__u32 since)
{
	bool good = nat_counted_is(lb, (struct nat_counter){ .made = !!(step->what & MADE) });
	const char *wrong = NULL;

	if (!(step->what & PASSES))
		wrong = nat_entries_wrong(lb, flow, step->flags, step->ticks, since);
	if (wrong)
		printf("#   %s\n", wrong);
	if (!wrong && !(step->what & PASSES) && flow->backend != step->to) {
		printf("#   it went to %c, not to %c\n", flow->backend, step->to);
		good = false;
	}
	return good && !wrong;
}

static void run_step(struct lb_maps *lb, struct nat_flow *flow, const struct step *step,
		     const char *name)
{
	struct nat_packet packet = {
		.flow = flow, .reply = step->what & REPLY, .tcp = step->tcp, .payload = 5
	};
	__u32 since = lb_maps_nat_now(lb);
	bool good;

	nat_set_rows(BY_NAT, step->what & (MOVED | CHANGED) ? "B0" : "A0");
	nat_lose(lb, BY_NAT, step->what & MOVED ? "A" : "");
	if (step->what & AGED)
		nat_set_words(lb, flow, -1, ~0U);
	if (step->what & LATE)
		nat_set_words(lb, flow, NAT_CLOSING_TICKS - NAT_END_TICKS - 1, ~0U);
	if (step->what & SILENT)
		nat_set_words(lb, flow, NAT_CLOSING_TICKS - NAT_DOUBT_TICKS, ~0U);
	if (!packet.reply)
		flow->backend = step->to;
	nat_packet_run(lb, &packet, step->what & PASSES ? XDP_PASS : XDP_TX, DROP_NONE,
		       step->what & BEGUN, name);
	good = check_table(lb, flow, step, since);
	harness_ok(&lb->harness, good, "%s: and the table", name);
}

static void run_sequence(struct lb_maps *lb, int version, __u8 proto, const struct sequence *s)
{
	static __u16 port = 40000;
	struct nat_flow flow = { version, proto, BY_NAT, 7, port++, 'A', 0, 0 };
	char name[192];

	nat_clear(lb);
	nat_counted(lb);
	for (int i = 0; i < STEPS && s->steps[i].to; i++) {
		snprintf(name, sizeof(name), "IPv%d %s: %s, %d: flags %#x from the %s", version,
			 proto == IPPROTO_TCP ? "TCP" : "UDP", s->name, i + 1, s->steps[i].tcp,
			 s->steps[i].what & REPLY ? "backend" : "client");
		run_step(lb, &flow, &s->steps[i], name);
	}
	nat_set_rows(BY_NAT, "A0");
	nat_lose(lb, BY_NAT, "");
}

/* A hit writes the words once per tick, so that a flow does not pass its entries from CPU to CPU
 * with each packet. */
static void test_once_per_tick(struct lb_maps *lb, int version)
{
	struct nat_flow flow = { version, IPPROTO_TCP, BY_NAT, 7, 39999, 'A', 0, 0 };
	struct nat_packet ack = { .flow = &flow, .tcp = ACK };
	__u64 words[2], again[2];
	__u32 now;

	nat_clear(lb);
	if (!harness_ok(&lb->harness, nat_establish(lb, &flow), "IPv%d: a flow", version))
		return;
	do {
		now = lb_maps_nat_now(lb);
		nat_send(lb, &ack);
		words[0] = *nat_find(lb, &flow).word;
		words[1] = *nat_find_reply(lb, &flow).word;
		nat_send(lb, &ack);
		again[0] = *nat_find(lb, &flow).word;
		again[1] = *nat_find_reply(lb, &flow).word;
	} while (now != lb_maps_nat_now(lb));
	harness_ok(&lb->harness, !memcmp(words, again, sizeof(words)),
		   "IPv%d: another packet within a tick leaves the words as they are", version);
}

/*
 * A race that no single packet sees can lose one of a flow's two entries. The client's next packets
 * then find no entry for replies, and enter the flow again at the same port.
 */
static void test_half(struct lb_maps *lb, int version, bool reply_lost)
{
	struct nat_flow flow = { version, IPPROTO_TCP, BY_NAT, 7, 39998, 'A', 0, 0 }, was;
	struct nat_packet ack = { .flow = &flow, .tcp = ACK };
	bool good;
	unsigned int flows;

	nat_clear(lb);
	good = nat_establish(lb, &flow);
	was = flow;
	*(reply_lost ? nat_find_reply(lb, &flow) : nat_find(lb, &flow)).word = 0;
	/* It is found out when something is noted. */
	if (reply_lost)
		*nat_find(lb, &flow).word -= 1 << 12;
	for (int i = 0; i < 2; i++)
		good &= nat_send(lb, &ack) == XDP_TX;
	good &= nat_learn(lb, &flow) && flow.backend == was.backend &&
		flow.nat_port == was.nat_port && !nat_table_wrong(lb, &flows) && flows == 1;
	harness_ok(&lb->harness, good, "IPv%d: a flow of which %s is lost is whole again", version,
		   reply_lost ? "the answers' entry" : "the client's entry");
}

/* A packet that belongs to no flow and begins none takes no port. */
static void test_no_flow(struct lb_maps *lb, int version)
{
	static const struct {
		const char *name;
		__u8 tcp;
	} rows[] = {
		{ "RST", TCP_RST },
		{ "RST with ACK", RST },
		{ "SYN with ACK", SYN_ACK },
		{ "SYN with RST", SYN | TCP_RST },
		{ "SYN with FIN", SYN | TCP_FIN },
		{ "FIN without ACK", TCP_FIN },
		{ "no flags", 0 },
		{ "FIN, PSH and URG", TCP_FIN | 0x28 },
		{ "all flags", 0xff },
	};
	char name[128];

	nat_clear(lb);
	nat_counted(lb);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nat_flow flow = { version, IPPROTO_TCP, BY_NAT, 7, 39000 + i, 'A', 0, 0 };

		snprintf(name, sizeof(name), "IPv%d: of no flow: %s", version, rows[i].name);
		nat_packet_run(
			lb, &(struct nat_packet){ .flow = &flow, .tcp = rows[i].tcp, .payload = 5 },
			XDP_DROP, DROP_NO_FLOW, false, name);
	}
	harness_ok(&lb->harness, !nat_occupied(lb) && nat_counted_is(lb, (struct nat_counter){ 0 }),
		   "IPv%d: none of these is entered", version);
}

/* Flows of one client each go their own way; with SERVICE_HASH_SOURCE to one backend. */
static void test_by_client(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = { version, proto, BY_NAT_CLIENT, 7, 1, 0, 0, 0 };
	char first = 0;
	bool good = true;
	unsigned int flows;

	nat_clear(lb);
	nat_set_rows(BY_NAT_CLIENT, "A*");
	for (int i = 0; i < 20 && good; i++) {
		flow.client_port = 1000 + i;
		good = nat_begin(lb, &flow) && (!first || flow.backend == first);
		first = flow.backend;
		/* The client is known now, so the rows' change does not matter to it. */
		nat_set_rows(BY_NAT_CLIENT, i % 2 ? "BA" : "CA");
	}
	harness_ok(&lb->harness, good && !nat_table_wrong(lb, &flows) && flows == 20,
		   "IPv%d: a client's 20 flows go to one backend while rows change", version);
	nat_set_rows(BY_NAT_CLIENT, "A0");
}

static void test_roundrobin(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = { version, proto, BY_NAT_ROBIN, 7, 1, 0, 0, 0 };
	struct nat_packet next = { .flow = &flow, .tcp = proto == IPPROTO_TCP ? ACK : 0 };
	unsigned int went[NAT_BACKENDS] = { 0 };
	bool good = true;

	nat_clear(lb);
	nat_set_row(BY_NAT_ROBIN, 0, "B0");
	nat_set_row(BY_NAT_ROBIN, 1, "C0");
	for (unsigned int i = 0; i < NAT_ROWS && good; i++) {
		char was;

		flow.client_port = 1000 + i;
		good = nat_begin(lb, &flow);
		was = flow.backend;
		went[was - 'A']++;
		good &= nat_send(lb, &next) == XDP_TX && nat_learn(lb, &flow) &&
			flow.backend == was;
	}
	harness_ok(&lb->harness, good && went[0] == NAT_ROWS - 2 && went[1] == 1 && went[2] == 1,
		   "IPv%d: roundrobin goes through the rows, a flow stays", version);
	nat_set_rows(BY_NAT_ROBIN, "A0");
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		for (size_t i = 0; i < ARRAY_SIZE(tcp_sequences); i++)
			run_sequence(&lb, version, IPPROTO_TCP, &tcp_sequences[i]);
		for (size_t i = 0; i < ARRAY_SIZE(udp_sequences); i++)
			run_sequence(&lb, version, IPPROTO_UDP, &udp_sequences[i]);
		test_once_per_tick(&lb, version);
		test_half(&lb, version, true);
		test_half(&lb, version, false);
		test_no_flow(&lb, version);
		test_by_client(&lb, version, IPPROTO_TCP);
		test_by_client(&lb, version, IPPROTO_UDP);
		test_roundrobin(&lb, version, IPPROTO_TCP);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
