// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random and mutated packets to services by nat, from backends, and ICMP errors through poise_lb,
 * each judged by the reference. POISE_FUZZ_SEED repeats a run, POISE_FUZZ_PACKETS sets its length.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_error.h"
#include "harness/mutate.h"
#include "reference/reference_fragment.h"
#include "reference/reference_nat.h"

#define PACKETS        100000
#define MAX_COMPLAINTS 5
#define CLIENTS        40
#define CLIENT_PORTS   40
#define NO_TIME        31 /* of flow_tick_shift: a tick is some months */

static struct lb_maps lb;

static __u8 tcp_flags(void)
{
	static const __u8 usual[] = { SYN, SYN_ACK, ACK, ACK, ACK, FIN, RST, SYN | TCP_FIN };

	return below(8) ? usual[below(sizeof(usual))] : random64();
}

static enum extra some_extra(int version)
{
	if (below(6))
		return EXTRA_NONE;
	if (version == 6)
		return EXTRA_OPTIONS + below(EXTRA_TOO_LONG - EXTRA_OPTIONS);
	return below(2) ? EXTRA_OPTIONS : EXTRA_ON_ITS_WAY + below(EXTRA_END4 - EXTRA_ON_ITS_WAY);
}

static void flow_packet(struct nat_flow *flow, struct nat_packet *packet)
{
	*flow = (struct nat_flow){
		.version = below(2) ? 4 : 6,
		.proto = below(2) ? IPPROTO_TCP : IPPROTO_UDP,
		.service = below(3) ? BY_NAT : BY_NAT + below(BY_END - BY_NAT),
		.client = 1 + below(CLIENTS),
		.client_port = 1024 + below(CLIENT_PORTS),
		.backend = 'A',
	};
	*packet = (struct nat_packet){
		.flow = flow,
		.tcp = flow->proto == IPPROTO_TCP ? tcp_flags() : 0,
		.ttl = below(20) ? 0 : 1 + below(3),
		.tos = random64(),
		.payload = below(4) ? below(100) : below(1500),
		.extra = some_extra(flow->version),
		.no_udp_checksum = flow->proto == IPPROTO_UDP && !below(4),
		.spoil = below(8) ? 0 : random64(),
		.padding = below(4) ? 0 : below(60),
		.hop = below(10) ? 0 : below(4),
	};
	/* Backends also answer flows that the table knows. */
	if (flow->service != BY_L2 && !nat_keeps(flow->service) && nat_learn(&lb, flow))
		packet->reply = below(2);
}

static void error_packet(struct pkt *p, const struct nat_packet *about)
{
	static const __u8 types4[] = { 3, 3, 11, 12, 0, 8 }, types6[] = { 1, 2, 3, 4, 128, 135 };
	const unsigned int i = below(sizeof(types4));
	struct nat_error error = {
		.about = *about,
		.type = about->flow->version == 4 ? types4[i] : types6[i],
		.code = below(5),
		.rest = random64(),
		.told = below(3) ? 0 : below(80),
		.ttl = below(20) ? 0 : 1 + below(3),
		.extra = some_extra(about->flow->version),
		.padding = below(4) ? 0 : below(60),
	};

	error.about.payload %= 400;
	error.about.padding = 0;
	nat_error_in(p, &error);
}

static void some_packet(struct pkt *p)
{
	struct nat_packet packet;
	struct nat_flow flow;

	pkt_clear(p);
	flow_packet(&flow, &packet);
	if (!below(4) && flow.service != BY_L2)
		error_packet(p, &packet);
	else
		nat_packet_in(p, &packet);
	for (unsigned int n = below(3) ? 0 : 1 + below(3); n; n--)
		mutate(p, 130);
	/* The kernel wants at least an Ethernet header. */
	if (p->length < ETH_HLEN)
		p->length = ETH_HLEN;
}

/* True of a fragment, as some that were mutated are. test_nat_frag.c has fragments by nat. */
static bool is_fragment(const struct pkt *p)
{
	const int version = p->bytes[12] == 0x08 ? 4 : 6;
	const size_t frame = p->length - ETH_HLEN;
	struct reference_fragment fragment;

	return frame >= (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) &&
	       reference_fragment_read(p->bytes + ETH_HLEN, frame, version, &fragment) !=
		       REFERENCE_WHOLE;
}

static void next_packet(struct pkt *p)
{
	do
		some_packet(p);
	while (is_fragment(p));
}

/* A service's flows get another backend, or those of one are lost. */
static void change(void)
{
	unsigned int service = BY_NAT + below(BY_NAT_ROBIN - BY_NAT);
	char current = 'A' + below(NAT_BACKENDS), row[3] = { current, '0' }, lost[2] = { 0 };

	nat_set_rows(service, row);
	reference_nat_row(service, current);
	if (below(2))
		lost[0] = 'A' + (current - 'A' + 1) % NAT_BACKENDS;
	nat_lose(&lb, service, lost);
	for (int backend = 'A'; backend < 'A' + NAT_BACKENDS; backend++)
		reference_nat_lose(service, backend, backend == lost[0]);
}

/* The port of a flow whose first packet did not come out, from the table. */
static const char *look_up(struct reference_nat_flow *unseen)
{
	const struct reference_nat_key *key = &unseen->key;
	struct nat_flow flow = { .version = key->version,
				 .proto = key->proto,
				 .service = key->service,
				 .client_port = key->client_port };
	char text[NAT_TEXT];

	inet_ntop(key->version == 4 ? AF_INET : AF_INET6, key->client, text, sizeof(text));
	flow.client_text = text;
	if (!nat_learn(&lb, &flow) || flow.backend != unseen->backend)
		return "a flow is not in the table";
	if (!reference_nat_set_port(unseen, flow.source, flow.nat_port))
		return "a flow has another one's port";
	return NULL;
}

/* NULL, or what is wrong. */
static const char *judge(const struct pkt *in, const struct pkt *out, enum xdp_action verdict,
			 struct reference_nat *want)
{
	reference_nat_judge(in, out, want);
	if (verdict == XDP_REDIRECT)
		verdict = XDP_TX;
	if (verdict != want->verdict)
		return "verdict";
	if (want->unseen)
		want->wrong = look_up(want->unseen);
	if (want->wrong)
		return want->wrong;
	return verdict == XDP_DROP ? NULL : reference_nat_compare(want, out);
}

static void check_end(struct harness *h, const __u64 *want_drops, const __u64 *found)
{
	__u64 drops[DROP_MAX] = { 0 };
	unsigned int flows;
	const char *wrong = nat_table_wrong(&lb, &flows);

	h->read_drops(h->ctx, drops, DROP_MAX);
	if (!harness_ok(h, !memcmp(drops + 1, want_drops + 1, sizeof(drops) - sizeof(drops[0])),
			"each drop is counted under its reason"))
		for (unsigned int i = 1; i < DROP_MAX; i++)
			printf("#   %s: %" PRIu64 ", expected %" PRIu64 "\n", h->drop_name(i),
			       (uint64_t)drops[i], (uint64_t)want_drops[i]);
	if (!harness_ok(h, !wrong, "the table is in order, with %u flows", flows))
		printf("#   %s\n", wrong);
	harness_ok(h, found[XDP_PASS] && found[XDP_DROP] && found[XDP_TX] && found[XDP_REDIRECT],
		   "the packets reach every verdict");
}

static int open_maps(void)
{
	const struct lb_maps_size size = { .nat_flows = 1U << 17, .tick_shift = NO_TIME };
	int err = nat_fixture_open(&lb, &size);

	return err ? err : lb_maps_tx_port(&lb, HARNESS_LOOPBACK, HARNESS_LOOPBACK);
}

int main(void)
{
	const char *seed = getenv("POISE_FUZZ_SEED"), *packets = getenv("POISE_FUZZ_PACKETS"),
		   *wrong;
	unsigned int count = packets ? strtoul(packets, NULL, 0) : PACKETS, complaints = 0;
	__u64 found[XDP_REDIRECT + 1] = { 0 }, want_drops[DROP_MAX] = { 0 };
	static struct reference_nat want;
	static struct pkt in, out;
	enum xdp_action verdict;
	struct harness *h;
	int status;

	random_state = seed ? strtoull(seed, NULL, 0) : 0x706f697365;
	printf("# seed 0x%" PRIx64 ", %u packets\n", (uint64_t)random_state, count);
	if (open_maps())
		return EXIT_FAILURE;
	h = &lb.harness;
	for (unsigned int i = 0; i < count && complaints < MAX_COMPLAINTS; i++) {
		if (!below(500))
			change();
		next_packet(&in);
		if (harness_frame(h->program_fd, HARNESS_LOOPBACK, &in, &out, &verdict)) {
			harness_ok(h, false, "packet %u: the test run", i);
			break;
		}
		wrong = judge(&in, &out, verdict, &want);
		found[verdict <= XDP_REDIRECT ? verdict : XDP_ABORTED]++;
		want_drops[want.drop]++;
		if (!wrong)
			continue;
		complaints++;
		harness_ok(h, false, "packet %u: %s (verdict %d, expected %d)", i, wrong, verdict,
			   want.verdict);
		harness_diff(&in, &want.want);
		harness_diff(&out, &want.want);
	}
	harness_ok(h, !complaints,
		   "random packets: %" PRIu64 " passed, %" PRIu64 " dropped, %" PRIu64
		   " forwarded, each as the reference says",
		   (uint64_t)found[XDP_PASS], (uint64_t)found[XDP_DROP],
		   (uint64_t)(found[XDP_TX] + found[XDP_REDIRECT]));
	check_end(h, want_drops, found);
	status = harness_end(h);
	lb_maps_close(&lb);
	return status;
}
