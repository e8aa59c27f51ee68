/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Service and flow -> row -> target. */
#ifndef POISE_BPF_SELECT_H
#define POISE_BPF_SELECT_H

static __always_inline __u64 hash_packet(const struct packet *pkt, const void *ip)
{
	if (pkt->version == 4) {
		const struct iphdr *ip4 = ip;

		return flow_hash4(&hash_key, ip4->saddr, ip4->daddr, pkt->source_port,
				  pkt->dest_port, pkt->proto);
	}
	const struct ipv6hdr *ip6 = ip;

	return flow_hash6(&hash_key, ip6->saddr.in6_u.u6_addr32, ip6->daddr.in6_u.u6_addr32,
			  pkt->source_port, pkt->dest_port, pkt->proto);
}

/* The number of the target that a flow's row names, 0 when no backend is up. */
static __always_inline __u32 select_target(struct service service, __u64 hash)
{
	__u32 index = flow_row(hash, service.row_count);
	__u32 slot = index / POISE_ROWS_PER_SLOT;
	__u32 number = service.number;
	struct row(*slot_rows)[POISE_ROWS_PER_SLOT];
	void *table;

	table = bpf_map_lookup_elem(&rows, &number);
	if (!table)
		return 0;
	slot_rows = bpf_map_lookup_elem(table, &slot);
	if (!slot_rows)
		return 0;
	return (*slot_rows)[index % POISE_ROWS_PER_SLOT].current_target;
}

#endif
