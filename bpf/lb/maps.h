/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of poise_lb. Who writes each is said at each; all are pinned by poised. */
#ifndef POISE_BPF_MAPS_H
#define POISE_BPF_MAPS_H

/*
 * Written by poised through mmap; read per packet, also of those that are none of our business: two
 * look-ups in an array are inlined and take 4 ns where one in a hash map took 20.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SERVICE_BUCKETS);
	__type(key, __u32);
	__type(value, struct service_bucket);
} services SEC(".maps");

/* Inner arrays are made by poised, one per service, in the service's size. */
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
 * Written by poised through mmap, a word at a time and an entry always before the first row that
 * names it; read per packet.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct target);
} targets SEC(".maps");

/*
 * Read and written by packets that meet rows which are not stable; read, and rid of what has
 * expired, by poised through mmap.
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
 * The one inner array is made by poised, for the first service by nat; its size is set before the
 * program is loaded, so that look-ups are inlined. Read and written by packets of services by nat;
 * read, and rid of what has expired, by poised through mmap.
 */
struct nat_sets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POISE_DEFAULT_NAT_FLOWS * 2 / NAT_PER_SET);
	__type(key, __u32);
	/* By its size: clang leaves out what an inner map's type is made of. */
	__uint(value_size, sizeof(struct nat_set));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nat_sets);
} nat_table SEC(".maps");

/* Written by poised; read per packet of a service by nat. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_MAX_NAT_SOURCES);
	__type(key, __u32);
	__type(value, struct nat_source);
} nat_sources SEC(".maps");

/* Written per new flow by nat; read by poised and poise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_counter);
} nat_counters SEC(".maps");

/* Written per new flow by nat. */
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
	__uint(max_entries, DROP_MAX);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/* Written by poised: interface index -> interface, for packets that leave elsewhere than they came.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, POISE_MAX_TX_PORTS);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

/* Written by poised, read by poise and by the next poised, and by packets that backends answer
 * with.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POISE_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct service_name);
} service_names SEC(".maps");

/* The rest is written by poised, read by poise and by the next poised; packets never look at it. */

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
