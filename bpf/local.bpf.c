/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode local: backends are sockets of this host.
 *
 * poise_local chooses the listening socket of each new connection, and of each datagram, when the
 * kernel asks for one; an established connection never comes here. poise_local_find enters sockets
 * by a backend's address and port, and marks them; poise_local_count counts the connections that
 * inherited a mark, and marks what poise_local_find has not met. Services, rows, targets and the
 * flow table are poise_lb's.
 */
#include "vmlinux.h"
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "poise/flow.h"
#include "poise/hash.h"
#include "poise/local.h"
#include "poise/service_hash.h"

/* These have the same values as in poise_lb. */
const volatile struct flow_hash_key hash_key = { 0 };
const volatile __u32 flow_set_mask = POISE_DEFAULT_FLOWS / FLOWS_PER_SET - 1;
const volatile __u32 flow_tick_shift = 10;

#include "lb/maps.h"
#include "lb/service.h"
#include "lb/parse.h"
#include "lb/flow.h"
#include "lb/schedule.h"
#include "lb/select.h"

/* Written by poise_local_find; the kernel removes a socket that is closed. Read per look-up. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, __u64);
} local_sockets SEC(".maps");

/*
 * Written by poise_local_find and poise_local_count; accepted sockets inherit it. It is the only
 * map here that is pinned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct local_mark);
} local_marks SEC(".maps");

/* Set by poise_local_find. poise_local_count marks the sockets that listen on these ports. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct local_ports);
} local_ports SEC(".maps");

/* Filled by poise_local_count, read and emptied by poised. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POISE_MAX_BACKENDS);
	__type(key, struct local_pair);
	__type(value, struct local_count);
} local_counts SEC(".maps");

#include "local/local_service.h"
#include "local/local_key.h"
#include "local/local_find.h"
#include "local/local_choose.h"
#include "local/local_count.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
