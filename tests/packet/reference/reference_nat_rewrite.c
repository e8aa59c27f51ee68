// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "reference/reference_nat.h"

#define ETH       14
#define FRAME_MIN 60

static size_t address_bytes(int version)
{
	return version == 4 ? 4 : 16;
}

static size_t source_offset(int version)
{
	return version == 4 ? 12 : 8;
}

void reference_ends_of(const __u8 *ip, int version, const __u8 *ports, struct reference_ends *out)
{
	const size_t bytes = address_bytes(version);

	memset(out, 0, sizeof(*out));
	memcpy(out->from, ip + source_offset(version), bytes);
	memcpy(out->to, ip + source_offset(version) + bytes, bytes);
	out->source_port = reference_be16(ports);
	out->dest_port = reference_be16(ports + 2);
}

/* RFC 1624, equation 3, over the words of `was` that became those of `is`. */
static unsigned int update(unsigned int check, const __u8 *was, const __u8 *is, size_t bytes)
{
	unsigned int sum = ~check & 0xffff;

	for (size_t i = 0; i < bytes; i++) {
		unsigned int shift = i % 2 ? 0 : 8;

		sum += ((~(unsigned int)was[i] & 0xff) + is[i]) << shift;
	}
	if (bytes % 2)
		sum += 0xff; /* the odd byte's other half: ~0 + 0 */
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void put16(__u8 *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void note_check(struct reference_nat *want, size_t at, bool udp)
{
	want->checks[want->check_count++] = at;
	if (udp)
		want->udp_checks[want->udp_check_count++] = at;
}

static void set_addresses(__u8 *ip, int version, const struct reference_ends *ends)
{
	const size_t bytes = address_bytes(version);

	memcpy(ip + source_offset(version), ends->from, bytes);
	memcpy(ip + source_offset(version) + bytes, ends->to, bytes);
}

/* The IP header at `at`: addresses, TTL if it goes further, and its own checksum. */
static void rewrite_ip(struct reference_nat *want, size_t at, int version,
		       const struct reference_ends *ends, bool hop)
{
	__u8 *ip = want->want.bytes + at, was[60];

	memcpy(was, ip, 40);
	set_addresses(ip, version, ends);
	ip[version == 4 ? 8 : 7] -= hop;
	if (version == 6)
		return;
	put16(ip + 10, update(reference_be16(ip + 10), was, ip, 20));
	note_check(want, at + 10, false);
}

/* Ports and checksum; the addresses were changed before. left: bytes that there are. */
static void rewrite_transport(struct reference_nat *want, const struct reference_packet *packet,
			      const struct reference_ends *was, const struct reference_ends *ends,
			      size_t left)
{
	const size_t at = packet->transport + (packet->proto == IPPROTO_TCP ? 16 : 6);
	__u8 *transport = want->want.bytes + packet->transport, old_ports[4];
	unsigned int check;

	memcpy(old_ports, transport, 4);
	put16(transport, ends->source_port);
	put16(transport + 2, ends->dest_port);
	if (packet->transport + left < at + 2)
		return;
	check = reference_be16(want->want.bytes + at);
	if (packet->proto == IPPROTO_UDP && !check)
		return;
	check = update(check, was->from, ends->from, 16);
	check = update(check, was->to, ends->to, 16);
	check = update(check, old_ports, transport, 4);
	if (packet->proto == IPPROTO_UDP && !check)
		check = 0xffff;
	put16(want->want.bytes + at, check);
	note_check(want, at, packet->proto == IPPROTO_UDP);
}

void reference_nat_give_back(struct reference_nat *want, const struct reference_packet *packet)
{
	__u8 *ip = want->want.bytes + packet->ip, was[2] = { ip[8], ip[9] };

	ip[8]++;
	put16(ip + 10, update(reference_be16(ip + 10), was, ip + 8, 2));
}

void reference_nat_rewrite(struct reference_nat *want, const struct reference_packet *packet,
			   const struct reference_ends *ends)
{
	struct reference_ends was;

	reference_ends_of(want->want.bytes + packet->ip, packet->version,
			  want->want.bytes + packet->transport, &was);
	rewrite_ip(want, packet->ip, packet->version, ends, true);
	rewrite_transport(want, packet, &was, ends, packet->frame - packet->transport);
}

void reference_nat_rewrite_error(struct reference_nat *want, const struct reference_packet *packet,
				 const struct reference_packet *told,
				 const struct reference_ends *outer,
				 const struct reference_ends *inner)
{
	const size_t bytes = packet->ip + packet->ip_bytes - packet->transport;
	__u8 *icmp = want->want.bytes + packet->transport;
	struct reference_ends was, was_outer;
	static __u8 old[PKT_MAX_BYTES];
	unsigned int check;

	memcpy(old, icmp, bytes);
	reference_ends_of(want->want.bytes + packet->ip, packet->version, icmp, &was_outer);
	reference_ends_of(want->want.bytes + told->ip, packet->version,
			  want->want.bytes + told->transport, &was);
	rewrite_ip(want, told->ip, packet->version, inner, false);
	rewrite_transport(want, told, &was, inner, packet->ip + packet->ip_bytes - told->transport);
	check = update(reference_be16(icmp + 2), old + 4, icmp + 4, bytes - 4);
	if (packet->version == 6) {
		check = update(check, was_outer.from, outer->from, 16);
		check = update(check, was_outer.to, outer->to, 16);
	}
	put16(icmp + 2, check);
	note_check(want, packet->transport + 2, false);
	rewrite_ip(want, packet->ip, packet->version, outer, true);
}

void reference_nat_eth(struct reference_nat *want, const __u8 *addresses)
{
	memcpy(want->want.bytes, addresses, 12);
}

void reference_nat_trim(struct reference_nat *want, const struct reference_packet *packet)
{
	size_t bytes = ETH + packet->ip_bytes;

	if (bytes < FRAME_MIN)
		bytes = FRAME_MIN;
	if (want->want.length > bytes)
		want->want.length = bytes;
}

const char *reference_nat_compare(const struct reference_nat *want, const struct pkt *out)
{
	static struct pkt wanted, found;

	if (want->want.length != out->length)
		return "length";
	wanted = want->want;
	found = *out;
	for (size_t i = 0; i < want->udp_check_count; i++)
		if (!reference_be16(found.bytes + want->udp_checks[i]))
			return "UDP without the checksum that it had";
	for (size_t i = 0; i < want->check_count; i++) {
		__u8 *one = wanted.bytes + want->checks[i], *other = found.bytes + want->checks[i];

		if (reference_be16(one) % 0xffff == reference_be16(other) % 0xffff)
			memcpy(one, other, 2);
		else
			return "checksum";
	}
	return memcmp(wanted.bytes, found.bytes, out->length) ? "bytes" : NULL;
}
