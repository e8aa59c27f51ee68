/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A look-up for a listening socket -> service -> target -> socket. */
#ifndef POISE_BPF_LOCAL_CHOOSE_H
#define POISE_BPF_LOCAL_CHOOSE_H

#define LOCAL_TRIES 1024 /* rows to look at for a target with a socket */

/* The two ends of the connection that the kernel looks a socket up for. */
struct lookup {
	bool ipv4;
	__u8 proto;
	__be16 local_port, remote_port;
	__be32 local[4], remote[4]; /* IPv4: the first */
};

static __always_inline void read_context(const struct bpf_sk_lookup *ctx, struct lookup *to)
{
	to->ipv4 = FIELD(ctx, family) == AF_INET;
	to->proto = FIELD(ctx, protocol);
	to->local_port = bpf_htons(FIELD(ctx, local_port));
	to->remote_port = FIELD(ctx, remote_port);
	if (to->ipv4) {
		to->local[0] = to_wire32(FIELD(ctx, local_ip4));
		to->remote[0] = to_wire32(FIELD(ctx, remote_ip4));
		return;
	}
	to->local[0] = to_wire32(FIELD(ctx, local_ip6[0]));
	to->local[1] = to_wire32(FIELD(ctx, local_ip6[1]));
	to->local[2] = to_wire32(FIELD(ctx, local_ip6[2]));
	to->local[3] = to_wire32(FIELD(ctx, local_ip6[3]));
	to->remote[0] = to_wire32(FIELD(ctx, remote_ip6[0]));
	to->remote[1] = to_wire32(FIELD(ctx, remote_ip6[1]));
	to->remote[2] = to_wire32(FIELD(ctx, remote_ip6[2]));
	to->remote[3] = to_wire32(FIELD(ctx, remote_ip6[3]));
}

static __always_inline union service_word find_looked_up(const struct lookup *to)
{
	struct service_words key = local_key(to->local_port, to->proto);

	if (to->ipv4) {
		key.high = mapped_high(to->local[0]);
	} else {
		key.low = wire32(to->local[0]) | (__u64)wire32(to->local[1]) << 32;
		key.high = wire32(to->local[2]) | (__u64)wire32(to->local[3]) << 32;
	}
	return find_local(key, to->ipv4);
}

static __always_inline __u64 hash_lookup(const struct lookup *to, __u16 flags)
{
	__be16 source_port = flags & SERVICE_HASH_SOURCE ? 0 : to->remote_port;

	if (to->ipv4)
		return flow_hash4(&hash_key, to->remote[0], to->local[0], source_port,
				  to->local_port, to->proto);
	return flow_hash6(&hash_key, to->remote, to->local, source_port, to->local_port, to->proto);
}

/*
 * Returns true if the target has a socket that takes connections of this family, which then gets
 * the connection.
 */
static __always_inline bool assign(struct bpf_sk_lookup *ctx, __u32 target)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&local_sockets, &target);
	long err;

	if (!sk)
		return false;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return !err;
}

struct local_search {
	struct bpf_sk_lookup *ctx;
	__u32 service, row, row_count;
	__u32 target; /* the last one that was tried in vain */
	bool found;
};

static long try_row(__u32 i, void *arg)
{
	struct local_search *search = arg;
	__u32 target;

	search->row = search->row + 1 < search->row_count ? search->row + 1 : 0;
	target = row_at(search->service, search->row).row.current_target;
	if (!target || target == search->target)
		return 0;
	search->target = target;
	search->found = assign(search->ctx, target);
	return search->found;
}

/*
 * Looks for the next target with a socket, as the chosen one's server is being restarted or takes
 * only the other family. Returns its number, or 0 if there is none.
 */
static __noinline __u32 search_rows(struct bpf_sk_lookup *ctx, __u64 service_bits, __u64 hash,
				    __u32 tried)
{
	struct service service = ((union service_word){ .word = service_bits }).service;
	struct local_search search = { .ctx = ctx,
				       .service = service.number,
				       .row = flow_row(flow_tag(hash), service.row_count),
				       .row_count = service.row_count,
				       .target = tried };

	bpf_loop(LOCAL_TRIES, try_row, &search, 0);
	return search.found ? search.target : 0;
}

static __always_inline __u32 choose_target(union service_word found, __u64 hash, struct packet *pkt)
{
	/*
	 * In mode local, rows of TCP services are tracked only with `hash: source`: in all other
	 * cases the scheduler is asked for each connection.
	 */
	if (pkt->tcp_flags != NO_TCP && !(found.service.flags & SERVICE_HASH_SOURCE) &&
	    service_scheduler(found.service.flags))
		return schedule_flow(found.word, hash) & 0xffff;
	return select_target(found, pkt, hash);
}

static __always_inline void count_lookup(__u32 target, const struct packet *pkt)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &target);

	if (!counter)
		return;
	/* The program sees each datagram, but of a TCP connection only its beginning. */
	counter->packets += pkt->tcp_flags == NO_TCP;
	counter->new_flows += pkt->new_flow;
}

/*
 * If no backend has a socket, the kernel goes on as if there were no service: it refuses the
 * connection if nobody listens at the service's own address.
 */
SEC("sk_lookup")
int poise_local(struct bpf_sk_lookup *ctx)
{
	struct packet pkt = { .tcp_flags = NO_TCP };
	union service_word found;
	struct lookup to = {};
	__u32 target;
	__u64 hash;

	read_context(ctx, &to);
	found = find_looked_up(&to);
	if (!found.word)
		return SK_PASS;
	if (to.proto == IPPROTO_TCP) {
		/* This is a SYN, except for the few segments that belong to no connection. */
		pkt.tcp_flags = TCP_SYN;
		pkt.new_flow = true;
	}
	hash = hash_lookup(&to, found.service.flags);
	target = choose_target(found, hash, &pkt);
	if (!target)
		return SK_PASS;
	if (!assign(ctx, target))
		target = search_rows(ctx, found.word, hash, target);
	if (target)
		count_lookup(target, &pkt);
	return SK_PASS;
}

#endif
