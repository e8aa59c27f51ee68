/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the connections that services have with sockets of this host. */
#ifndef POISE_BPF_LOCAL_COUNT_H
#define POISE_BPF_LOCAL_COUNT_H

/*
 * These are the kernel's structures. libbpf finds their members by name, as offsets differ between
 * kernels.
 */
struct in6_addr___own {
	__u32 words[4];
};

struct sock_common___own {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__u16 skc_num; /* host order */
	__be32 skc_rcv_saddr;
	struct in6_addr___own skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___own {
	struct sock_common___own __sk_common;
	void *sk_socket;
} __attribute__((preserve_access_index));

/* The program's context: the kernel runs it once for each TCP socket of the network namespace. */
struct tcp_iter {
	void *meta;
	struct sock_common___own *sk;
};

/* Returns the address and port that the socket is bound to. */
static __always_inline struct local_mark bound_to(const struct sock___own *sk)
{
	struct local_mark bound = { .port = bpf_htons(sk->__sk_common.skc_num) };
	const struct in6_addr___own *addr = &sk->__sk_common.skc_v6_rcv_saddr;
	__u64 *halves = (__u64 *)bound.addr;

	if (sk->__sk_common.skc_family == AF_INET) {
		halves[1] = mapped_high(sk->__sk_common.skc_rcv_saddr);
	} else {
		halves[0] = addr->words[0] | (__u64)addr->words[1] << 32;
		halves[1] = addr->words[2] | (__u64)addr->words[3] << 32;
	}
	return bound;
}

/*
 * Returns the service that a connection belongs to. The connection's local address is the service's
 * and not the backend's.
 */
static __always_inline union service_word service_of(const struct sock___own *sk)
{
	struct local_mark own = bound_to(sk);
	struct service_words key = local_key(own.port, IPPROTO_TCP);

	key.low = ((const __u64 *)own.addr)[0];
	key.high = ((const __u64 *)own.addr)[1];
	return find_local(key, is_mapped(&own));
}

/* Marks a listening socket, so that connections that it accepts from now on are counted. */
static __always_inline int mark_listener(struct sock___own *sk)
{
	__u32 port = sk->__sk_common.skc_num;
	const __u64 *bits = port_bits(port);
	struct local_mark bound;

	if (!bits || !(*bits >> (port & 63) & 1))
		return 0;
	bound = bound_to(sk);
	bpf_sk_storage_get(&local_marks, sk, &bound, BPF_SK_STORAGE_GET_F_CREATE);
	return 0;
}

/*
 * iter/bpf_sk_storage_map would visit marked sockets only. But it may write to what it visits, so
 * locked-down kernels do not load it.
 */
SEC("iter/tcp")
int poise_local_count(struct tcp_iter *ctx)
{
	const struct local_count none = { 0 };
	const struct local_mark *mark;
	struct local_count *count;
	struct local_pair pair = {};
	union service_word found;
	struct sock___own *sk;
	__u8 state;

	if (!ctx->sk)
		return 0;
	/* NULL means that this is no full socket: it is in TIME_WAIT or not established yet. */
	sk = (void *)bpf_skc_to_tcp_sock(ctx->sk);
	if (!sk)
		return 0;
	state = sk->__sk_common.skc_state;
	if (state == BPF_TCP_LISTEN)
		return mark_listener(sk);
	if (state == BPF_TCP_CLOSE)
		return 0;
	mark = bpf_sk_storage_get(&local_marks, sk, NULL, 0);
	if (!mark)
		return 0;
	found = service_of(sk);
	if (!found.word)
		return 0;
	pair.bound = *mark;
	pair.service = found.service.number;
	count = bpf_map_lookup_elem(&local_counts, &pair);
	if (!count) {
		bpf_map_update_elem(&local_counts, &pair, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&local_counts, &pair);
	}
	if (!count)
		return 0;
	/* A socket without a file has been closed by its server, and the kernel finishes it. */
	if (sk->sk_socket || state == BPF_TCP_ESTABLISHED)
		count->live++;
	else
		count->closing++;
	return 0;
}

#endif
