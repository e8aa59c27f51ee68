/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of poise_lb. The comment at each says who writes it. poised pins all of them. */
#ifndef POISE_BPF_MAPS_H
#define POISE_BPF_MAPS_H

/*
 * Written by poised through mmap; read for every packet, also for those that are not ours. Two
 * array look-ups are inlined and take 4 ns; one look-up in a hash map took 20.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SERVICE_BUCKETS);
	__type(key, __u32);
	__type(value, struct service_bucket);
} services SEC(".maps");

/* poised makes the inner arrays, one per service, each as large as the service's `rows`. */
struct row_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct row[POISE_ROWS_PER_SLOT]);
};

/* Written by poised through mmap, one 32-bit word at a time; read per packet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POISE_MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct row_table);
} rows SEC(".maps");

/*
 * Written by poised through mmap, one word at a time, and always before the first row that names
 * the entry; read per packet.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct target);
} targets SEC(".maps");

/*
 * Read and written by packets on rows that are not stable. poised reads it through mmap and clears
 * expired entries.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_FLOWS / FLOWS_PER_SET);
	__type(key, __u32);
	__type(value, struct flow_set);
} flows SEC(".maps");

/* Written per entry made; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_counter);
} flow_counters SEC(".maps");

/* leastconn: written per new flow, and by poised through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct load);
} loads SEC(".maps");

/* roundrobin: written per new flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct rotation);
} rotations SEC(".maps");

/*
 * poised makes the one inner array for the first service in mode nat. Its size is set before the
 * program is loaded, so that look-ups are inlined. Read and written by packets in mode nat. poised
 * reads it through mmap and clears expired entries.
 */
struct nat_sets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_NAT_FLOWS * 2 / NAT_PER_SET);
	__type(key, __u32);
	/*
	 * The value is given by its size, as clang leaves the members of an inner map's type out of
	 * BTF.
	 */
	__uint(value_size, sizeof(struct nat_set));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nat_sets);
} nat_table SEC(".maps");

/* Written by poised; read per packet in mode nat. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_MAX_NAT_SOURCES);
	__type(key, __u32);
	__type(value, struct nat_source);
} nat_sources SEC(".maps");

/* Written per new flow in mode nat; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_counter);
} nat_counters SEC(".maps");

/* Written per new flow in mode nat. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NAT_CLAIMS);
	__type(key, __u32);
	__type(value, __u32);
} nat_claims SEC(".maps");

/* Written by poised through mmap; read per packet that is for no service. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct switches);
} switches SEC(".maps");

/* Read and written per fragment. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAG_SETS);
	__type(key, __u32);
	__type(value, struct frag_set);
} fragments SEC(".maps");

/* Written per packet; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* Written per dropped packet; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POISE_MAX_DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/* Written per packet that the balancer answers by itself; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POISE_MAX_ANSWERS);
	__type(key, __u32);
	__type(value, struct answer_counter);
} answers SEC(".maps");

/*
 * Written by poised: interface index -> interface, for packets that leave by another interface than
 * they came in by.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, POISE_MAX_TX_PORTS);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

/* Written by poised; read by poise, by the next poised, and by backends' replies in mode nat. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct service_name);
} service_names SEC(".maps");

/*
 * poised writes the following maps; poise and the next poised read them. Of packets only SYNs of
 * known flows do, for target_names.
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct target_name);
} target_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct meta);
} meta SEC(".maps");

#endif
