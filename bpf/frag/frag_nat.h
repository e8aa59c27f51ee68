/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments behind the first one in mode nat (RFC 4787, REQ-14). They have no ports and no checksum
 * but the IP header's: their addresses are replaced. The first one's ports are in the entry, and by
 * them the flow is found.
 */
#ifndef POISE_BPF_FRAG_NAT_H
#define POISE_BPF_FRAG_NAT_H

static __always_inline int frag_nat_to(struct xdp_md *ctx, const struct frag *frag, int version)
{
	__u16 service = ((union service_word){ .word = frag->entry.service }).service.number;
	struct nat_addr client = frag_from(frag), from, to;
	const struct nat_source *ours;
	const struct target *target;
	struct frag_parts parts;
	struct nat_found found;
	__u32 number, source;
	int action;

	if (!frag_find_parts(ctx, version, &parts))
		return XDP_PASS;
	if (nat_ttl(parts.ip, version) <= 1)
		return stop(DROP_TTL);
	found = nat_find_client(&client, frag->entry.source_port, service, frag->entry.hash,
				nat_now());
	if (!found.set)
		return stop(DROP_FRAGMENT_EARLY);
	number = nat_entry_at(found.set, found.slot)->target;
	source = nat_entry_at(found.set, found.slot)->source;
	target = bpf_map_lookup_elem(&targets, &number);
	ours = bpf_map_lookup_elem(&nat_sources, &source);
	if (!target || !ours || target->mode != MODE_NAT ||
	    nat_is_taken(&found, flow_tag(frag->entry.hash)))
		return stop(DROP_FRAGMENT_EARLY);
	__builtin_memcpy(&from, ours->addr, sizeof(from));
	to = nat_target_addr(target);
	action = XDP_PASS;
	if (frag->ip_bytes <= target->mtu)
		action = way_out(ctx, target);
	else if (!nat_fragments(ctx, parts.ip, version, &from, &to, frag->ip_bytes))
		return stop(DROP_TOO_BIG);
	if (action == XDP_DROP)
		return stop(DROP_NO_TARGET);
	if (action != XDP_PASS)
		write_ethernet(parts.eth, target, parts.eth->h_proto);
	frag_rewrite(frag, &parts, version, &from, &to);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	count_packet(number, frag->ip_bytes, false);
	return nat_sent(ctx, frag->ip_bytes, action);
}

__noinline int frag_nat_forward(struct xdp_md *ctx)
{
	struct frag *frag = frag_get();

	if (!frag)
		return XDP_PASS;
	return frag->version == 6 ? frag_nat_to(ctx, frag, 6) : frag_nat_to(ctx, frag, 4);
}

static __always_inline int frag_nat_from(struct xdp_md *ctx, const struct frag *frag, int version)
{
	struct nat_reply_key key = { .backend = frag_from(frag),
				     .backend_port = frag->entry.source_port,
				     .nat_port = frag->entry.dest_port,
				     .source = frag->entry.number,
				     .udp = frag->proto == IPPROTO_UDP };
	struct nat_found found = nat_find_reply(&key, frag->entry.hash, nat_now());
	const struct service_name *name;
	const struct nat_entry *entry;
	struct frag_parts parts;
	struct nat_addr from, to;
	__u32 service, number, mtu;
	int action;

	if (!found.set || !frag_find_parts(ctx, version, &parts))
		return XDP_PASS;
	entry = nat_entry_at(found.set, found.slot);
	service = entry->service;
	number = entry->target;
	name = bpf_map_lookup_elem(&service_names, &service);
	if (!name || !name->row_count)
		return XDP_PASS;
	if (nat_ttl(parts.ip, version) <= 1)
		return stop(DROP_TTL);
	__builtin_memcpy(&from, name->key.addr, sizeof(from));
	__builtin_memcpy(&to, entry->client, sizeof(to));
	if (nat_is_taken(&found, flow_tag(frag->entry.hash)))
		return XDP_PASS;
	action = nat_way_back(ctx, entry->ifindex, frag->ip_bytes, &mtu);
	if (action == -DROP_TOO_BIG &&
	    nat_fragments(ctx, parts.ip, version, &from, &to, frag->ip_bytes))
		action = XDP_PASS;
	if (action < 0)
		return stop(-action);
	if (action != XDP_PASS)
		__builtin_memcpy(parts.eth, entry->hop, sizeof(entry->hop));
	frag_rewrite(frag, &parts, version, &from, &to);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	nat_count_reply(number, frag->ip_bytes);
	return nat_sent(ctx, frag->ip_bytes, action);
}

__noinline int frag_nat_reply(struct xdp_md *ctx)
{
	struct frag *frag = frag_get();

	if (!frag)
		return XDP_PASS;
	return frag->version == 6 ? frag_nat_from(ctx, frag, 6) : frag_nat_from(ctx, frag, 4);
}

/* Does what nat_keep_from() does, for a fragment without ports. */
static __always_inline int frag_keep_from(struct xdp_md *ctx, const struct frag *frag, int version)
{
	struct nat_addr backend = frag_from(frag);
	struct service service = nat_kept_service(&backend, frag->entry.source_port, frag->proto);
	struct bpf_fib_lookup fib = { 0 };
	const struct service_name *name;
	struct nat_change change = { 0 };
	struct frag_parts parts;
	__u32 number = service.number;
	int found, action = XDP_PASS;

	name = bpf_map_lookup_elem(&service_names, &number);
	if (!service.row_count || !name || !name->row_count ||
	    !frag_find_parts(ctx, version, &parts) || nat_ttl(parts.ip, version) <= 1)
		return XDP_PASS;
	__builtin_memcpy(&change.from, name->key.addr, sizeof(change.from));
	change.to = frag_to(frag);
	found = nat_route(ctx, &change, frag->ip_bytes, version, &fib);
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    !(found == BPF_FIB_LKUP_RET_FRAG_NEEDED && nat_may_fragment(parts.ip, version)))
		return XDP_PASS;
	if (found == BPF_FIB_LKUP_RET_SUCCESS)
		action = nat_routed(ctx, &fib, parts.eth);
	frag_rewrite(frag, &parts, version, &change.from, &change.to);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	nat_count_reply(service.row_count, frag->ip_bytes);
	return action == XDP_PASS ? action : nat_sent(ctx, frag->ip_bytes, action);
}

__noinline int frag_keep_reply(struct xdp_md *ctx)
{
	struct frag *frag = frag_get();

	if (!frag)
		return XDP_PASS;
	return frag->version == 6 ? frag_keep_from(ctx, frag, 6) : frag_keep_from(ctx, frag, 4);
}

#endif
