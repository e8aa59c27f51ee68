// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <string.h>

#include "bench/frame.h"
#include "poise/csum.h"
#include "poise/tcp.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define TCP_BYTES      20
#define UDP_BYTES      8

static const __u8 source4[4] = { 198, 51, 100, 0 };
static const __u8 source6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0c };

struct layout {
	unsigned int frame, source, addr_bytes, transport, segment_bytes, check;
};

static struct layout layout_of(const struct frame_kind *kind)
{
	bool v4 = addr_is_v4(&kind->to), tcp = kind->proto == IPPROTO_TCP;
	struct layout l = { .frame = v4 ? FRAME4_BYTES : FRAME6_BYTES,
			    .addr_bytes = v4 ? 4 : 16,
			    .source = ETHERNET_BYTES + (v4 ? 12 : 8),
			    .transport = ETHERNET_BYTES + (v4 ? IPV4_BYTES : IPV6_BYTES) };

	/* Over IPv4 an acknowledgement is padded to the shortest frame; datagrams fill theirs. */
	l.segment_bytes = tcp ? TCP_BYTES : l.frame - l.transport;
	l.check = l.transport + (tcp ? 16 : 6);
	return l;
}

unsigned int frame_bytes(const struct frame_kind *kind)
{
	return layout_of(kind).frame;
}

static void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static __u16 get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static __u64 sum_bytes(const __u8 *at, unsigned int count)
{
	__u64 sum = 0;

	for (unsigned int i = 0; i + 2 <= count; i += 2)
		sum += get16(at + i);
	return sum;
}

/* Pseudo-header and segment; every segment here has an even length. */
static __u16 transport_sum(const struct layout *l, __u8 proto, const __u8 *frame)
{
	return csum_fold(sum_bytes(frame + l->source, 2 * l->addr_bytes) + proto +
			 l->segment_bytes + sum_bytes(frame + l->transport, l->segment_bytes));
}

static void put_ip(const struct frame_kind *kind, const struct layout *l, __u8 *frame)
{
	__u8 *ip = frame + ETHERNET_BYTES;

	if (l->addr_bytes == 4) {
		ip[0] = 0x45;
		put16(ip + 2, IPV4_BYTES + l->segment_bytes);
		put16(ip + 6, 0x4000); /* DF */
		ip[8] = 64;
		ip[9] = kind->proto;
		memcpy(ip + 12, source4, sizeof(source4));
		ip[15] = kind->client;
		memcpy(ip + 16, addr_v4(&kind->to), 4);
	} else {
		ip[0] = 0x60;
		put16(ip + 4, l->segment_bytes);
		ip[6] = kind->proto;
		ip[7] = 64;
		memcpy(ip + 8, source6, sizeof(source6));
		ip[23] = kind->client;
		memcpy(ip + 24, kind->to.b, sizeof(kind->to.b));
	}
}

static void put_transport(const struct frame_kind *kind, const struct layout *l, __u8 *frame)
{
	__u8 *transport = frame + l->transport;

	put16(transport + (kind->reply ? 0 : 2), kind->port);
	if (kind->proto == IPPROTO_TCP) {
		transport[12] = TCP_BYTES / 4 << 4;
		transport[13] = kind->rst ? TCP_RST : kind->syn ? TCP_SYN : TCP_ACK;
		put16(transport + 14, 65535); /* window */
	} else {
		put16(transport + 4, l->segment_bytes);
	}
}

void frame_template(const struct frame_kind *kind, struct frame_template *out)
{
	struct layout l = layout_of(kind);
	__u8 *frame = out->bytes + TEMPLATE_LEAD;

	memset(out, 0, sizeof(*out));
	memcpy(frame, "\x02\x00\x00\x00\x01\x02\x02\x00\x00\x00\x01\x01", 12);
	put16(frame + 12, l.addr_bytes == 4 ? 0x0800 : 0x86dd);
	put_ip(kind, &l, frame);
	put_transport(kind, &l, frame);
	out->source_end = (__u32)get16(frame + l.source + l.addr_bytes - 4) << 16 |
			  get16(frame + l.source + l.addr_bytes - 2);
	if (l.addr_bytes == 4)
		out->ip_sum = csum_fold(sum_bytes(frame + ETHERNET_BYTES, IPV4_BYTES));
	out->transport_sum = transport_sum(&l, kind->proto, frame);
}

bool frame_check(const struct frame_kind *kind, const __u8 *frame, unsigned int bytes,
		 const char **why)
{
	struct layout l = layout_of(kind);
	struct frame_template plain;
	__u8 *expected = plain.bytes + TEMPLATE_LEAD;
	unsigned int ip_check = ETHERNET_BYTES + 10, source_end = l.source + l.addr_bytes - 2;
	unsigned int flow_port = l.transport + (kind->reply ? 2 : 0);

	*why = "its length";
	if (bytes != l.frame)
		return false;
	*why = "its IPv4 checksum";
	if (l.addr_bytes == 4 && csum_fold(sum_bytes(frame + ETHERNET_BYTES, IPV4_BYTES)) != 0xffff)
		return false;
	*why = "its TCP or UDP checksum";
	if (transport_sum(&l, kind->proto, frame) != 0xffff)
		return false;
	*why = "a byte that no flow has of its own";
	frame_template(kind, &plain);
	if (l.addr_bytes == 4)
		memcpy(expected + ip_check, frame + ip_check, 2);
	memcpy(expected + source_end, frame + source_end, 2);
	memcpy(expected + flow_port, frame + flow_port, 2);
	memcpy(expected + l.check, frame + l.check, 2);
	return !memcmp(expected, frame, bytes);
}
