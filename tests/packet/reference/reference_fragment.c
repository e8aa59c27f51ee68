// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference_chain.h"
#include "reference/reference_fragment.h"

#define MAX_WALK      8
#define MAX_OFFSET    1023
#define MAX_BYTES     65536
#define MAX_DATAGRAMS 256
#define MAX_GAPS      4 /* as many as poise_lb remembers */

static struct known {
	struct reference_fragment first;
	struct reference_datagram fate;
	bool has[MAX_BYTES];
	size_t end;
	bool ended;
} known[MAX_DATAGRAMS];
static size_t known_count;

static bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static unsigned int be16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static enum reference_fragment_kind measure(struct reference_fragment *out, size_t headers)
{
	const size_t bytes = out->ip_bytes - out->data;

	out->to = out->from + bytes;
	if (!bytes || (!out->last && bytes % 8) || headers + out->to > 65535)
		return REFERENCE_BAD;
	/* Nothing else can begin within the last eight bytes. */
	out->to = (out->to + 7) / 8 * 8;
	return out->from ? REFERENCE_LATER : REFERENCE_FIRST;
}

static enum reference_fragment_kind read4(const __u8 *ip, size_t frame,
					  struct reference_fragment *out)
{
	if (!(be16(ip + 6) & 0x3fff))
		return REFERENCE_WHOLE;
	out->proto = ip[9];
	if (!has_ports(out->proto))
		return REFERENCE_UNKNOWN;
	memcpy(out->datagram, ip + 12, 8);
	memcpy(out->datagram + 8, ip + 4, 2);
	out->datagram[10] = out->proto;
	out->datagram[40] = 4;
	out->data = (ip[0] & 15) * 4;
	out->ip_bytes = be16(ip + 2);
	if (out->ip_bytes < out->data || out->ip_bytes > frame)
		return REFERENCE_LYING;
	out->from = (be16(ip + 6) & 0x1fff) * 8;
	out->last = !(be16(ip + 6) & 0x2000);
	return measure(out, out->data);
}

enum walk_end { AT_TRANSPORT, AT_FRAGMENT, CUT, ELSEWHERE };

static enum walk_end walk(const __u8 *ip, size_t frame, struct reference_fragment *out)
{
	for (int walked = 0;; walked++) {
		const __u8 *header = ip + out->data;
		size_t step = reference_extension(out->proto, header);

		if (has_ports(out->proto))
			return AT_TRANSPORT;
		if (!step || walked == MAX_WALK)
			return ELSEWHERE;
		if (out->data + 8 > frame)
			return CUT;
		if (reference_turns_away(out->proto, header))
			return out->proto == IPPROTO_FRAGMENT ? AT_FRAGMENT : ELSEWHERE;
		if (out->data + step > MAX_OFFSET)
			return ELSEWHERE;
		out->proto = header[0];
		out->data += step;
	}
}

static enum reference_fragment_kind read6(const __u8 *ip, size_t frame,
					  struct reference_fragment *out)
{
	enum reference_fragment_kind kind;
	const __u8 *header;

	out->proto = ip[6];
	out->data = 40;
	out->ip_bytes = 40 + be16(ip + 4);
	if (out->ip_bytes > frame || walk(ip, frame, out) != AT_FRAGMENT)
		return REFERENCE_WHOLE;
	header = ip + out->data;
	memcpy(out->datagram, ip + 8, 32);
	memcpy(out->datagram + 32, header + 4, 4);
	out->datagram[40] = 6;
	out->proto = header[0];
	out->from = be16(header + 2) & 0xfff8;
	out->last = !(header[3] & 1);
	out->data += 8;
	if (out->ip_bytes < out->data)
		return REFERENCE_LYING;
	kind = measure(out, out->data - 8 - 40);
	if (kind == REFERENCE_LATER)
		return has_ports(out->proto) || reference_extension(out->proto, header)
			       ? kind
			       : REFERENCE_UNKNOWN;
	if (kind != REFERENCE_FIRST)
		return kind;
	switch (walk(ip, frame, out)) {
	case AT_TRANSPORT:
		return kind;
	case ELSEWHERE:
		return REFERENCE_UNKNOWN;
	default:
		return REFERENCE_BAD;
	}
}

enum reference_fragment_kind reference_fragment_read(const __u8 *ip, size_t frame, int version,
						     struct reference_fragment *out)
{
	memset(out, 0, sizeof(*out));
	return version == 4 ? read4(ip, frame, out) : read6(ip, frame, out);
}

static struct known *find(const struct reference_fragment *fragment)
{
	for (size_t i = 0; i < known_count; i++)
		if (!memcmp(known[i].first.datagram, fragment->datagram,
			    sizeof(fragment->datagram)))
			return &known[i];
	return NULL;
}

/* True if nothing of the range is there; it is from now on. */
static bool enter(struct known *k, const struct reference_fragment *fragment)
{
	const size_t end = fragment->to > k->end ? fragment->to : k->end;
	size_t gaps = 0;

	if (k->ended && fragment->to > k->end)
		return false;
	if (fragment->last && fragment->to < end)
		return false;
	for (size_t at = fragment->from; at < fragment->to; at++)
		if (k->has[at])
			return false;
	memset(k->has + fragment->from, true, fragment->to - fragment->from);
	for (size_t at = 1; at < end; at++)
		gaps += k->has[at - 1] && !k->has[at];
	if (gaps > MAX_GAPS) {
		memset(k->has + fragment->from, false, fragment->to - fragment->from);
		return false;
	}
	k->end = end;
	k->ended |= fragment->last;
	return true;
}

bool reference_fragment_begin(const struct reference_fragment *fragment,
			      const struct reference_datagram *datagram)
{
	struct known *k = find(fragment);

	if (k)
		return datagram->kernel; /* which is not told anything */
	if (known_count == MAX_DATAGRAMS) {
		fprintf(stderr, "more than %d datagrams\n", MAX_DATAGRAMS);
		abort();
	}
	k = &known[known_count++];
	memset(k, 0, sizeof(*k));
	k->first = *fragment;
	k->fate = *datagram;
	return enter(k, fragment);
}

const struct reference_datagram *
reference_fragment_follow(const struct reference_fragment *fragment, bool *fits)
{
	static struct reference_datagram fate;
	struct known *k = find(fragment);

	if (!k)
		return NULL;
	*fits = enter(k, fragment);
	fate = k->fate;
	if (k->ended && !memchr(k->has, 0, k->end))
		*k = known[--known_count];
	return &fate;
}

void reference_fragments_forget(void)
{
	known_count = 0;
}
