// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and ICMP errors to a service's address: the backend that has the flow gets them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lb/lb_case.h"

#define IP_BYTES(version) ((version) == 4 ? 20u : 40u)

/* Fragmentation needed; packet too big. */
static struct lb_error too_big(int version)
{
	return (struct lb_error){ .type = version == 4 ? 3 : 2,
				  .code = version == 4 ? 4 : 0,
				  .rest = 1400 };
}

static void run(struct harness *h, const struct lb_case *like, enum xdp_action verdict,
		enum drop_reason drop, const char *what)
{
	struct lb_case c = *like;
	char name[192];

	snprintf(name, sizeof(name), "IPv%d, an error about %s%s", c.version,
		 c.proto == IPPROTO_TCP   ? "TCP"
		 : c.proto == IPPROTO_UDP ? "UDP"
					  : "SCTP",
		 what);
	c.name = name;
	lb_case_run(h, &c, verdict, drop, 0);
}

/* Each part of a packet that may be quoted, through one of the modes. */
static void test_relayed(struct harness *h, int version, __u8 proto, unsigned int port)
{
	const enum xdp_action gone = port == PORT_REDIRECT ? XDP_REDIRECT : XDP_TX;
	struct lb_error error = too_big(version);
	struct lb_case c = { NULL, version, proto, .port = port, .payload = 37, .error = &error };

	run(h, &c, gone, DROP_NONE, " that quotes all of it");
	error.quoted = IP_BYTES(version) + 8;
	run(h, &c, gone, DROP_NONE, " that quotes eight bytes of it");
	error.quoted_extra = true;
	error.quoted += 8;
	run(h, &c, gone, DROP_NONE, " that quotes a header with options, or a first fragment");
	error.quoted_extra = false;
	error.quoted = 0;
	c.tos = 0xc2;
	run(h, &c, gone, DROP_NONE, " with DSCP CS6 and ECT(0)");
	c.payload = 36;
	c.extra = EXTRA_OPTIONS;
	run(h, &c, gone, DROP_NONE, " with options before it");
	c.extra = EXTRA_NONE;
	c.padding = 30;
	run(h, &c, gone, DROP_NONE, " with garbage behind it");
	c.padding = 0;
	c.payload = 480;
	run(h, &c, gone, DROP_NONE, " of 576 bytes and more");
}

static void test_types(struct harness *h, int version)
{
	static const struct {
		int version;
		__u8 type, code;
		enum xdp_action verdict;
		const char *what;
	} types[] = {
		{ 4, 3, 1, XDP_TX, ": host unreachable" },
		{ 4, 11, 0, XDP_TX, ": time exceeded" },
		{ 4, 12, 0, XDP_TX, ": parameter problem" },
		{ 4, 4, 0, XDP_PASS, ": a source quench, which hosts ignore, is the kernel's" },
		{ 4, 5, 1, XDP_PASS, ": a redirect is the kernel's" },
		{ 6, 1, 3, XDP_TX, ": address unreachable" },
		{ 6, 3, 0, XDP_TX, ": time exceeded" },
		{ 6, 4, 1, XDP_TX, ": parameter problem" },
		{ 6, 128, 0, XDP_PASS, ": an echo request is the kernel's" },
		{ 6, 137, 0, XDP_PASS, ": a redirect is the kernel's" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct lb_error error = { .type = types[i].type, .code = types[i].code };
		struct lb_case c = { NULL, version, IPPROTO_TCP, .port = PORT_GUE6,
				     .error = &error };

		if (types[i].version == version)
			run(h, &c, types[i].verdict, DROP_NONE, types[i].what);
	}
}

/* ---- errors that lie, or are somebody else's; the quote is spoilt */

static __u8 *quote(struct pkt *p)
{
	return pkt_find(p, PKT_BYTES, 0);
}

static void other_sender(struct pkt *p)
{
	quote(p)[*quote(p) >> 4 == 4 ? 15 : 23] ^= 1;
}

static void other_version(struct pkt *p)
{
	quote(p)[0] ^= 0x20;
}

static void short_header(struct pkt *p)
{
	quote(p)[0] = 0x44;
}

static void other_protocol(struct pkt *p)
{
	quote(p)[*quote(p) >> 4 == 4 ? 9 : 6] = IPPROTO_GRE;
}

static void to_another(struct pkt *p)
{
	const bool ip4 = *quote(p) >> 4 == 4;

	p->bytes[ETH_HLEN + (ip4 ? 19 : 39)] ^= 1;
	quote(p)[ip4 ? 15 : 23] ^= 1;
}

static void half_frame(struct pkt *p)
{
	pkt_cut(p, quote(p) - p->bytes + 10);
}

static void test_bad(struct harness *h, int version)
{
	struct lb_error error = too_big(version);
	struct lb_case c = { NULL,          version,        IPPROTO_TCP, .port = PORT_IPIP4,
			     .payload = 20, .error = &error };

	c.spoil = other_sender;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP, " of another sender is dropped");
	c.spoil = other_version;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP, " of another IP version is dropped");
	c.spoil = half_frame;
	run(h, &c, XDP_DROP, version == 4 ? DROP_MALFORMED_ICMP : DROP_MALFORMED_IP,
	    " in half a frame is dropped");
	c.spoil = short_header;
	if (version == 4)
		run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP, " with a short header is dropped");
	c.spoil = other_protocol;
	run(h, &c, XDP_PASS, DROP_NONE, ", once it says GRE, is the kernel's");
	c.spoil = to_another;
	run(h, &c, XDP_PASS, DROP_NONE, " of an address that is none of ours passes");
	c.spoil = NULL;
	error.quoted = IP_BYTES(version) + 7;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP, " that quotes seven bytes of it is dropped");
	error.quoted = IP_BYTES(version) - 1;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP, " that quotes half an IP header is dropped");
	error.quoted_extra = true;
	error.quoted = IP_BYTES(version) + 8 + 7;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP,
	    " that quotes seven bytes behind a longer header is dropped");
	error.quoted = IP_BYTES(version) + 7;
	run(h, &c, XDP_DROP, DROP_MALFORMED_ICMP,
	    " that quotes half of what extends it is dropped");
	error.offset = 1480;
	error.quoted = 0;
	run(h, &c, XDP_PASS, DROP_NONE, ", of which it quotes a later fragment, is the kernel's");
}

static void test_no_way(struct harness *h, int version)
{
	const struct lb_error error = too_big(version);
	struct lb_case c = { NULL, version, IPPROTO_TCP, .payload = 20, .error = &error };

	c.port = PORT_UNKNOWN;
	run(h, &c, XDP_PASS, DROP_NONE, " of no service is the kernel's");
	c.port = PORT_EMPTY;
	run(h, &c, XDP_PASS, DROP_NONE, " of a service without a backend is the kernel's");
	c.port = PORT_NO_TARGET;
	run(h, &c, XDP_DROP, DROP_NO_TARGET, " whose target is not in use is dropped");
	c.port = PORT_NO_WAY;
	run(h, &c, XDP_DROP, DROP_NO_TARGET, " with no way to the target is dropped");
	c.payload = 150;
	for (c.port = PORT_SMALL_L2; c.port <= PORT_SMALL_GUE6; c.port++)
		run(h, &c, XDP_DROP, DROP_TOO_BIG, " that is too long for the way is dropped");
}

static void test_headroom(struct harness *h, int version)
{
	const struct lb_error error = too_big(version);
	struct lb_case c = { "an ICMP error by gue without headroom is dropped and counted",
			     version,
			     IPPROTO_TCP,
			     .port = PORT_GUE6,
			     .payload = 20,
			     .error = &error };

	lb_case_run(h, &c, XDP_DROP, DROP_NO_ROOM, 216);
}

int main(void)
{
	struct lb_maps fixture;
	int status;

	if (lb_fixture_open(&fixture))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		for (unsigned int port = PORT_L2; port <= PORT_REDIRECT; port++) {
			test_relayed(&fixture.harness, version, IPPROTO_TCP, port);
			test_relayed(&fixture.harness, version, IPPROTO_UDP, port);
			test_relayed(&fixture.harness, version, IPPROTO_SCTP, port);
		}
		test_types(&fixture.harness, version);
		test_bad(&fixture.harness, version);
		test_no_way(&fixture.harness, version);
		test_headroom(&fixture.harness, version);
	}
	status = harness_end(&fixture.harness);
	lb_maps_close(&fixture);
	return status;
}
