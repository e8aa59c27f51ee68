/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the listening socket of a backend's address and port, enters it into local_sockets and
 * marks it.
 */
#ifndef POISE_BPF_LOCAL_FIND_H
#define POISE_BPF_LOCAL_FIND_H

/*
 * Look-ups per run, so that most members of a SO_REUSEPORT group are marked at once; the next count
 * marks the others.
 */
#define LOCAL_GROUP_TRIES 16

static __always_inline bool is_mapped(const struct local_mark *backend)
{
	const __u64 *addr = (const __u64 *)backend->addr;

	return !addr[0] && (__u32)addr[1] == wire32(bpf_htonl(0xffff));
}

/* Returns the socket that a client with address 0 and this port would be given, or NULL. */
static __always_inline struct bpf_sock *
find_socket(struct __sk_buff *skb, const struct local_mark *backend, __u8 proto, __be16 client_port)
{
	struct bpf_sock_tuple tuple = {};

	if (is_mapped(backend)) {
		__builtin_memcpy(&tuple.ipv4.daddr, backend->addr + 12, 4);
		tuple.ipv4.dport = backend->port;
		tuple.ipv4.sport = client_port;
		if (proto == IPPROTO_TCP)
			return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4),
						 BPF_F_CURRENT_NETNS, 0);
		return bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple.ipv6.daddr, backend->addr, 16);
	tuple.ipv6.dport = backend->port;
	tuple.ipv6.sport = client_port;
	if (proto == IPPROTO_TCP)
		return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	return bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* True if the socket is in the map already. Entering it again would take it out for a moment. */
static __always_inline bool is_entered(const struct bpf_sock *sk, __u32 target)
{
	struct bpf_sock *there = bpf_map_lookup_elem(&local_sockets, &target);
	bool same = there == sk;

	if (there)
		bpf_sk_release(there);
	return same;
}

/*
 * Marks a socket with the address and port it is bound to, which may be another one than it was
 * found by.
 */
static __always_inline void mark(struct bpf_sock *sk)
{
	struct local_mark bound = { .port = bpf_htons(FIELD(sk, src_port)) };
	__u64 *addr = (__u64 *)bound.addr, high = mapped_high(to_wire32(FIELD(sk, src_ip4)));

	addr[0] = FIELD(sk, src_ip6[0]) | (__u64)FIELD(sk, src_ip6[1]) << 32;
	addr[1] = FIELD(sk, src_ip6[2]) | (__u64)FIELD(sk, src_ip6[3]) << 32;
	if (FIELD(sk, family) == AF_INET) {
		addr[0] = 0;
		addr[1] = high;
	}
	bpf_sk_storage_get(&local_marks, sk, &bound, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void want_port(__u32 port)
{
	__u64 *bits = port_bits(port);

	if (bits)
		*bits |= 1ULL << (port & 63);
}

/*
 * Marks one more member of the SO_REUSEPORT group: the one that a client with this port would be
 * given. It is a global function so that the verifier checks it once and not once per try.
 */
__noinline int mark_member(struct __sk_buff *skb, const struct local_mark *backend, __u32 port)
{
	struct bpf_sock *sk;

	if (!backend)
		return 0;
	sk = find_socket(skb, backend, IPPROTO_TCP, bpf_htons(port));
	if (!sk)
		return 0;
	mark(sk);
	bpf_sk_release(sk);
	return 1;
}

SEC("tc")
int poise_local_find(struct __sk_buff *skb)
{
	const struct local_request *request = (void *)(long)skb->data;
	struct local_mark backend;
	struct bpf_sock *sk;
	__u32 target, salt;
	__u8 proto;
	long err = 0;

	if ((void *)(request + 1) > (void *)(long)skb->data_end)
		return LOCAL_NONE;
	backend = request->backend;
	target = request->target;
	salt = request->salt;
	proto = request->proto;
	want_port(bpf_ntohs(backend.port));
	sk = find_socket(skb, &backend, proto, 0);
	if (!sk) {
		bpf_map_delete_elem(&local_sockets, &target);
		return LOCAL_NONE;
	}
	if (proto == IPPROTO_TCP)
		mark(sk);
	if (!is_entered(sk, target))
		err = bpf_map_update_elem(&local_sockets, &target, sk, BPF_ANY);
	bpf_sk_release(sk);
	if (err)
		return LOCAL_REFUSED;
	if (proto != IPPROTO_TCP)
		return LOCAL_FOUND;
	for (int i = 1; i <= LOCAL_GROUP_TRIES; i++)
		mark_member(skb, &backend, salt + i);
	return LOCAL_FOUND;
}

#endif
