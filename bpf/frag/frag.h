/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: those of one datagram go one way. ARCHITECTURE.md tells more. */
#ifndef POISE_BPF_FRAG_H
#define POISE_BPF_FRAG_H

/*
 * Instead of a verdict these tell frag_balance() what to do next. It calls one function after the
 * other, as their stacks would be too large within each other.
 */
#define FRAG_IS_FIRST  (-1)
#define FRAG_IS_LATER  (-2)
#define FRAG_TRANSLATE (-3) /* a first one, by what its entry says */

/*
 * Reads the ports of a first fragment. It has to hold the whole transport header (RFC 1858, RFC
 * 3128). Returns the TCP flags, NO_TCP for a datagram, or a negative drop_reason.
 */
static __always_inline int frag_read_ports(struct xdp_md *ctx, struct frag *frag)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *transport = (void *)(long)ctx->data + sizeof(struct ethhdr) +
				(frag->transport_offset & MAX_TRANSPORT_OFFSET);
	__u32 bytes = frag->ip_bytes - frag->transport_offset;
	const struct udphdr *udp = transport;
	const struct tcphdr *tcp = transport;
	const struct sctp_packet *sctp = transport;

	if (frag->ip_bytes < frag->transport_offset || bytes < sizeof(*udp) ||
	    (void *)(udp + 1) > end)
		return -DROP_FRAGMENT_BAD;
	frag->entry.source_port = udp->source;
	frag->entry.dest_port = udp->dest;
	if (frag->proto == IPPROTO_UDP)
		return bpf_ntohs(udp->len) < sizeof(*udp) ? -DROP_FRAGMENT_BAD : NO_TCP;
	if (frag->proto == IPPROTO_SCTP)
		return (void *)(sctp + 1) > end || bytes < sizeof(*sctp)
			       ? -DROP_FRAGMENT_BAD
			       : sctp_as_tcp(sctp->chunk_type);
	if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4 > bytes)
		return -DROP_FRAGMENT_BAD;
	return ((const __u8 *)tcp)[13];
}

/* Returns the hash of the flow; whole_client leaves its source port out. */
static __always_inline __u64 frag_hash(const struct frag *frag, bool whole_client)
{
	struct nat_addr from = frag_from(frag), to = frag_to(frag);

	return nat_hash(&from, &to, whole_client ? 0 : frag->entry.source_port,
			frag->entry.dest_port, frag->proto);
}

/*
 * Says what the first fragment of a datagram to no service is: see balance_reply(). Returns
 * FRAG_TRANSLATE or the verdict.
 */
static __always_inline int frag_first_reply(struct frag *frag)
{
	struct nat_addr backend = frag_from(frag);
	bool translated = frag->proto != IPPROTO_SCTP; /* neither mode does it */

	if (translated && frag->address & SERVICE_NAT_SOURCE &&
	    bpf_ntohs(frag->entry.dest_port) >= POISE_MIN_NAT_PORT) {
		frag->entry.way = FRAG_REPLY;
		frag->entry.number = frag->source;
		frag->entry.hash = frag_hash(frag, false);
		return FRAG_TRANSLATE;
	}
	if (translated && nat_keeps() &&
	    nat_kept_service(&backend, frag->entry.source_port, frag->proto).row_count) {
		frag->entry.way = FRAG_KEPT;
		return FRAG_TRANSLATE;
	}
	frag->entry.way = FRAG_KERNEL;
	if (frag->address & SERVICE_ADDRESS)
		frag_enter_first(false);
	return XDP_PASS;
}

/* Enters the datagram of a reply, now that the verdict on its first fragment is known. */
__noinline int frag_enter_reply(int verdict)
{
	struct frag *frag = frag_get();

	if (!frag || verdict == XDP_DROP)
		return verdict;
	if (frag->entry.way == FRAG_REPLY && verdict == XDP_PASS)
		frag->entry.way = FRAG_KERNEL;
	if (frag->entry.way != FRAG_KERNEL || frag->address & SERVICE_ADDRESS)
		frag_enter_first(frag->entry.way != FRAG_KERNEL);
	return verdict;
}

/* Chooses the target of a datagram as select_target() does for a packet. */
static __always_inline int frag_first_to(struct xdp_md *ctx, struct frag *frag,
					 union service_word found, __u32 tcp_flags)
{
	struct packet pkt = { .tcp_flags = tcp_flags };
	int err;

	if (tcp_flags != NO_TCP)
		pkt.new_flow = tcp_is_syn(tcp_flags);
	frag->entry.way = FRAG_TARGET;
	frag->entry.hash = frag_hash(frag, found.service.flags & SERVICE_HASH_SOURCE);
	frag->entry.number = select_target(found, &pkt, frag->entry.hash);
	frag->new_flow = pkt.new_flow;
	if (!frag->entry.number)
		return unavailable(ctx, found.word, frag->shape);
	err = frag_enter_first(false);
	return err ? stop(err) : frag_send(ctx, tcp_flags);
}

/* Handles the first fragment of a datagram, and returns the verdict or FRAG_TRANSLATE. */
__noinline int frag_first(struct xdp_md *ctx)
{
	struct frag *frag = frag_get();
	struct service_words key;
	union service_word found;
	int tcp_flags, err;

	if (!frag)
		return XDP_PASS;
	tcp_flags = frag_read_ports(ctx, frag);
	if (tcp_flags < 0)
		return frag->address & SERVICE_ADDRESS ? stop(-tcp_flags) : XDP_PASS;
	key.low = frag->entry.key.to[0];
	key.high = frag->entry.key.to[1];
	key.rest = wire16(frag->entry.dest_port) | (__u32)frag->proto << 16;
	found = find_service(&key);
	frag->shape = frag_shape(frag, tcp_flags);
	if (!found.word)
		return frag_first_reply(frag);
	err = judge_source(ctx, found.service.number, frag->version == 6 ? 6 : 4);
	if (err)
		return stop(err);
	frag->entry.service = found.word;
	if (!(found.service.flags & SERVICE_NAT))
		return frag_first_to(ctx, frag, found, tcp_flags);
	frag->entry.way = FRAG_NAT;
	frag->entry.hash = frag_hash(frag, false);
	err = frag_enter_first(false);
	return err ? stop(err) : FRAG_TRANSLATE;
}

/* Handles any other fragment, and returns the verdict. */
__noinline int frag_later(struct xdp_md *ctx)
{
	struct frag *frag = frag_get();
	bool ours;
	int err;

	if (!frag)
		return XDP_PASS;
	/* Behind an extension header there may be any protocol. */
	ours = frag->address & SERVICE_ADDRESS && !is_extension(frag->proto);
	err = frag_enter_later();
	if (err)
		return err == DROP_FRAGMENT_BAD || ours ? stop(err) : XDP_PASS;
	frag->new_flow = false;
	switch (frag->entry.way) {
	case FRAG_TARGET:
		return frag_send(ctx, 0);
	case FRAG_NAT:
		return frag_nat_forward(ctx);
	case FRAG_REPLY:
		return frag_nat_reply(ctx);
	case FRAG_KEPT:
		return frag_keep_reply(ctx);
	}
	return XDP_PASS;
}

/*
 * Parses a fragment. Returns FRAG_IS_FIRST, FRAG_IS_LATER or the verdict: what can neither be for a
 * service nor be a reply is the kernel's.
 */
__noinline int frag_parse(struct xdp_md *ctx, __u32 offset)
{
	int err = offset ? frag_parse6(ctx, offset) : frag_parse4(ctx);
	struct frag *frag = frag_get();
	struct service_words key = { 0 };
	struct service address;

	if (!frag || err == NOT_OURS)
		return XDP_PASS;
	key.low = frag->entry.key.to[0];
	key.high = frag->entry.key.to[1];
	address = find_service(&key).service;
	if (!(address.flags & (SERVICE_ADDRESS | SERVICE_NAT_SOURCE)) && !nat_keeps())
		return XDP_PASS;
	if (err)
		return address.flags & SERVICE_ADDRESS ? stop(err) : XDP_PASS;
	frag->address = address.flags;
	frag->source = address.number;
	return frag->range.from ? FRAG_IS_LATER : FRAG_IS_FIRST;
}

/* Translates the first fragment of a datagram, and returns the verdict. */
static __always_inline int frag_translate(struct xdp_md *ctx)
{
	const struct frag *frag = frag_get();
	int verdict;

	if (!frag)
		return XDP_PASS;
	if (frag->entry.way == FRAG_NAT)
		return nat_balance(ctx, frag->entry.service, frag->entry.hash, frag->shape);
	if (frag->entry.way == FRAG_KEPT)
		verdict = nat_keep_reply(ctx, frag->shape);
	else if (frag->version == 6)
		verdict = nat_reply6(ctx, frag->source, frag->shape);
	else
		verdict = nat_reply4(ctx, frag->source, frag->shape);
	return verdict < NAT_UNDELIVERED ? frag_enter_reply(verdict)
					 : nat_undelivered(ctx, verdict, frag->shape);
}

/*
 * Handles a fragment, and returns the verdict. The fragment header of IPv6 is `offset` bytes behind
 * the IP header's start; IPv4 has none: 0.
 */
static __always_inline int frag_balance(struct xdp_md *ctx, __u32 offset)
{
	int verdict = frag_parse(ctx, offset);

	if (verdict == FRAG_IS_LATER)
		return frag_later(ctx);
	if (verdict == FRAG_IS_FIRST)
		verdict = frag_first(ctx);
	return verdict == FRAG_TRANSLATE ? frag_translate(ctx) : verdict;
}

#endif
