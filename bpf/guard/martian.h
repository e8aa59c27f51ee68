/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets from addresses that no client has. Every packet to a service is looked at by
 * looks_martian(), which never misses one and may be wrong; those few that it names are judged in
 * full.
 */
#ifndef POISE_BPF_MARTIAN_H
#define POISE_BPF_MARTIAN_H

/* Written by poised through mmap; read per packet to a service. */
struct guard guard SEC(".data.guard") = { 0 };

/* Written by poised: the addresses of this host; read for packets that look martian. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GUARD_MAX_OWN);
	__type(key, __u8[16]);
	__type(value, __u8);
} own_addresses SEC(".maps");

/* source_hash: what hash_packet() says of the source address. */
static __always_inline bool looks_martian(const void *ip, int version, __u64 source_hash)
{
	const __u8 *source = ip + (version == 4 ? offsetof(struct iphdr, saddr)
						: offsetof(struct ipv6hdr, saddr));

	if (*(const volatile __u8 *)&guard.suspects[guard_suspect(source_hash)])
		return true;
	/* 0/8, 224/4 and 240/4; 127/8 */
	if (version == 4)
		return (__u32)source[0] - 1 >= 223 || source[0] == 127;
	/* ::, ::1 and ::ffff:0:0/96; fe80::/10 and ff00::/8 */
	return !*(const __u32 *)source || source[0] >= 0xfe;
}

/* True for an address of this host, a service's, or one that mode nat uses as a source. */
static __always_inline bool is_ours(const struct service_words *addr)
{
	struct service_words key = { .low = addr->low, .high = addr->high };

	return bpf_map_lookup_elem(&own_addresses, &key) || find_service(&key).word;
}

/* True for ::ffff:a.b.c.d, which stands for IPv4 inside a host and never in an IPv6 header. */
static __always_inline bool is_mapped_words(__u64 low, __u64 high)
{
	return !low && (__u32)high == wire32(bpf_htonl(0xffff));
}

/*
 * True for a source address that no client has: RFC 1812, 5.3.7; RFC 4291, 2.5 and 2.7; RFC 4038,
 * 4.2. The backend's answers to an address of ours would come back to us, and between two services
 * for ever. The address is in two words; IPv4 as ::ffff:a.b.c.d.
 */
__noinline int is_martian(__u64 low, __u64 high, int version)
{
	struct service_words addr = { .low = low, .high = high };
	__u32 last = bpf_ntohl(to_wire32(high >> 32)), first = bpf_ntohl(to_wire32((__u32)low));

	if (version == 4)
		return last >> 24 == 0 || last >> 24 == 127 || last >> 24 >= 224 || is_ours(&addr);
	if (first >> 24 == 0xff || is_mapped_words(low, high))
		return true;
	return (!low && !(__u32)high && last <= 1) || is_ours(&addr);
}

/* True for fe80::/10: an address that means nothing beyond its link. */
static __always_inline bool is_link_local(const void *source)
{
	return (*(const __be16 *)source & bpf_htons(0xffc0)) == bpf_htons(0xfe80);
}

/* A service's packets stay on the link that they came by only in mode l2. */
static __always_inline bool stays_on_link(__u32 service)
{
	const struct service_name *name = bpf_map_lookup_elem(&service_names, &service);

	return name && name->mode == MODE_L2;
}

/* Judges a packet to a service that looks martian. Returns GO_ON or a drop_reason. */
__noinline int judge_source(struct xdp_md *ctx, __u32 service, int version)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;
	const __u64 *words;

	if (version == 4) {
		if ((void *)(ip4 + 1) > end)
			return DROP_MALFORMED_IP;
		return is_martian(0, mapped_high(ip4->saddr), 4) ? DROP_MARTIAN : GO_ON;
	}
	if ((void *)(ip6 + 1) > end)
		return DROP_MALFORMED_IP;
	words = (const __u64 *)&ip6->saddr;
	if (is_link_local(words) && !stays_on_link(service))
		return DROP_MARTIAN;
	return is_martian(words[0], words[1], 6) ? DROP_MARTIAN : GO_ON;
}

#endif
