/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balancer in the kernel: program, maps and links; loaded, or adopted from pins where an
 * earlier poised left them. Nothing here decides anything: reconcile does.
 */
#ifndef POISE_LB_H
#define POISE_LB_H

#include "conf/conf.h"
#include "maps/maps.h"

struct lb;
struct lb_rows; /* the row table of one service: an inner map, mapped into memory */

struct lb_error {
	char text[400];
};

struct lb_options {
	const char *instance_dir; /* see bpffs.h */
	__u32 max_targets;        /* maps found smaller are replaced by larger ones, entries kept */
	__u32 flows;     /* entries of the flow table; another size than found: entries are moved */
	__u32 nat_flows; /* of the NAT table, 0: default; one that is there keeps its size */
	__u16 nat_port_first, nat_port_last; /* both 0: default */
	bool seed_set; /* else the adopted maps' seed, the last one known, or a random one */
	__u64 seed[2];
	bool last_seed_set;
	__u64 last_seed[2];
};

/*
 * Loads the program over new maps or over those pinned in instance_dir, pins what is new, and puts
 * the program in place of the one that adopted links run. Pinned maps that cannot be kept (with a
 * warning) are replaced by empty ones: then links go on with the old program and its maps until
 * lb_attach(), so publish before attaching. Says what is missing when it cannot: not root, which
 * capability, kernel too old for what. 0 or -errno with *error.
 */
int lb_open(const struct lb_options *options, struct lb **out, struct lb_error *error);
void lb_close(
	struct lb *lb); /* closes descriptors only: pins stay, traffic goes on. NULL is fine */

const struct maps *lb_maps(const struct lb *lb);
bool lb_adopted(const struct lb *lb);      /* found pinned maps */
const __u64 *lb_seed(const struct lb *lb); /* two words, in use */
__u32 lb_max_targets(const struct lb *lb); /* number 0 included */

/* The flow table, in memory; entries change under the reader's eyes. *count: sets. */
struct flow_set *lb_flows(const struct lb *lb, __u32 *count);
const struct flow_clock *lb_clock(const struct lb *lb);
struct load *lb_loads(const struct lb *lb); /* the map, in memory: lb_max_targets() of them */

/* --- NAT --- */
/* Makes the NAT table if there is none: before the first target by nat. 0, -ENOMEM (*error names
 * the size that would do) or -errno with *error. */
int lb_nat_make(struct lb *lb, struct lb_error *error);
/* In memory, entries change under the reader's eyes. NULL: none was made. *count: sets. */
struct nat_set *lb_nat_table(const struct lb *lb, __u32 *count);
/* 0 or -errno; one not in use is all 0. */
int lb_nat_source_get(const struct lb *lb, __u32 index, struct nat_source *out);
int lb_nat_source_set(struct lb *lb, __u32 index, const struct nat_source *value);
void lb_switches_set(struct lb *lb, const struct switches *value);

/* This host's own addresses, sorted by their bytes, which no client has. lb_open() has read them
 * once. 0 or -errno: not all are known. */
int lb_own_set(struct lb *lb, const struct addr *addrs, size_t count);

/* --- attachments: pinned XDP links, one per interface --- */
struct lb_link {
	char ifname[16]; /* empty: the interface is in another network namespace */
	__u32 ifindex;   /* 0: the interface is gone */
	bool generic;
	__u32 program_id;
};

/*
 * Attaches natively; in generic mode when asked to, or with a warning where the driver has no
 * native mode. An adopted link in the wanted mode is kept (auto: in either), another is replaced,
 * with a gap of some milliseconds without a program. A foreign program on the interface is
 * refused, naming its id and name. Enters the interface into tx_ports. 0 or -errno with *error.
 */
int lb_attach(struct lb *lb, const char *ifname, enum xdp_mode mode, struct lb_error *error);
int lb_detach(struct lb *lb, const char *ifname, struct lb_error *error);
size_t lb_links(const struct lb *lb, struct lb_link *out,
		size_t max); /* how many; fills up to max */
/* An interface as a way out only (redirect target). 0 or -errno. */
int lb_tx_port(struct lb *lb, __u32 ifindex);

/* Takes everything of an instance off: links, maps, directory; needs no daemon. 0 or -errno. */
int lb_remove(const char *instance_dir);

/* --- rows --- */

/* Makes row tables, one per element, all 0; one kernel update for all (an update per table waits
 * for RCU each time). sizes[i] rows for service numbers[i]. On error none remains. 0 or -errno. */
int lb_rows_create(struct lb *lb, const __u32 *numbers, const __u32 *sizes, size_t count,
		   struct lb_rows **out);
/* Opens the table that an earlier daemon made. -ENOENT: none. 0 or -errno. */
int lb_rows_open(struct lb *lb, __u32 number, __u32 size, struct lb_rows **out);
/* Stores each row that differs, one aligned 32-bit store each. Returns how many were written. */
size_t lb_rows_write(struct lb_rows *rows, const struct row *want);
const struct row *lb_rows_get(const struct lb_rows *rows);
/* Another lb_rows_close() is due. Both are for one thread, which may let others read meanwhile. */
struct lb_rows *lb_rows_hold(struct lb_rows *rows);
/* The last one unmaps; the kernel keeps the table. NULL is fine. */
void lb_rows_close(struct lb_rows *rows);
int lb_rows_delete(struct lb *lb, const __u32 *numbers, size_t count); /* 0 or -errno */

/* --- entries; each 0 or -errno, lb_service_get -ENOENT --- */
int lb_service_set(struct lb *lb, const struct service_key *key, const struct service *value);
int lb_service_get(const struct lb *lb, const struct service_key *key, struct service *out);
int lb_service_del(struct lb *lb, const struct service_key *key); /* no such entry is fine */
/* Removes every service entry that is not in keep[] (after adoption). */
int lb_services_prune(struct lb *lb, const struct service_key *keep, size_t count);
int lb_service_name_set(struct lb *lb, __u32 number, const struct service_name *value);
/* Through mmap, each 64-bit word that differs with one store. */
int lb_target_set(struct lb *lb, __u32 number, const struct target *value);
int lb_target_get(const struct lb *lb, __u32 number, struct target *out);
int lb_target_name_set(struct lb *lb, __u32 number, const struct target_name *value);
int lb_counter_zero(struct lb *lb, __u32 number);

/* Kernel memory of every map together, and of each by MAPS_COUNT index (rows: inner ones included).
 */
__u64 lb_memory_bytes(const struct lb *lb, __u64 each[MAPS_COUNT]);

#endif
