/* SPDX-License-Identifier: BSD-2-Clause */
/* The lb*.c files share this. */
#ifndef POISE_LB_IMPL_H
#define POISE_LB_IMPL_H

#include <limits.h>

#include "kernel/lb.h"
#include "maps/xdp_link.h"
#include "nexthop/own.h"
#include "poise/guard.h"

struct lb_slot {
	int fd;
	__u32 ifindex;   /* as attached, also once the interface is gone */
	char ifname[16]; /* as last seen */
	bool behind;     /* runs an older program over our maps */
};

/* Maps of the program that are not pinned, and what they were last given. */
struct lb_guard {
	int memory_fd, own_fd; /* -1: not open */
	struct guard *memory;
	struct flow_hash_key key;
	struct addr *own; /* as in own_addresses, sorted */
	size_t own_count;
};

struct lb_carry; /* a flow table that is being replaced */
struct lb_taken; /* a map of counters that is being replaced */

struct lb {
	char dir[PATH_MAX];
	struct maps maps;
	/* Maps in memory. */
	struct service_bucket *services;
	struct target *targets;
	struct flow_set *flows;
	struct load *loads;
	struct switches *switches;
	struct lb_guard guard;
	struct nat_set *nat; /* NULL: none was made */
	int prog_fd;
	__u32 prog_id;
	bool adopted;
	__u64 seed[2];
	__u32 max_targets;
	__u32 flow_sets;
	__u32 nat_sets;      /* of `nat`, or that it would have: nat_table takes no others */
	__u32 nat_want_sets; /* as configured */
	__u32 nat_port_first, nat_port_count;
	struct flow_clock clock;
	bool flows_unknown; /* older flow tables cannot be read: another layout or clock */
	struct lb_carry *carries;
	struct lb_taken *taken;
	int cpus;
	struct lb_slot *slots;
	size_t slot_count;
	__u64 row_bytes[POISE_MAX_SERVICES]; /* kernel memory of each row table */
	__u64 nat_bytes;                     /* and of the NAT table */
};

__attribute__((format(printf, 2, 3))) void lb_error_set(struct lb_error *error, const char *format,
							...);

/* Loads the program with lb's seed and sizes over those of `maps` that are open; descriptors of all
 * maps and of the program go to *lb, and the time to its clock. 0 or -errno with *error. */
int lb_program_load(struct lb *lb, const struct maps *maps, struct lb_error *error);

/* Clock: its units; its time, by the program poise_jiffies; the tick now. */
int lb_clock_init(struct flow_clock *clock);                /* 0 or -ERANGE: no clock to go by */
int lb_clock_set(struct flow_clock *clock, int jiffies_fd); /* 0 or -errno */
__u32 lb_clock_tick(const struct flow_clock *clock);

/* lb->services and so on of lb->maps. 0 or -errno. */
int lb_map_memory(struct lb *lb);
void lb_unmap_memory(struct lb *lb);

/* Fills the guard: from the services that are published and from what the kernel says of this host.
 * 0 or -errno. */
int lb_guard_open(struct lb *lb);
void lb_guard_close(struct lb *lb);
bool lb_guard_is_address(const struct service_key *key); /* of an address, not of a service */
/* An entry of an address has come (`there`) or is to go; others are fine. */
void lb_guard_service(struct lb *lb, const struct service_key *key, bool there);

bool lb_nat_valid(const struct lb_options *options);
/* Ports, and the size of the NAT table: that of the one that is there (another is warned of), else
 * as configured, or less where there is no memory for that. An outer map that does not take it is
 * left out of `keep`. 0 or -errno. */
int lb_nat_choose(struct lb *lb, const struct lb_options *options, const struct maps_found *found,
		  struct maps *keep, __u64 room_bytes);
/* A table of lb's size: a descriptor, or -errno with *error. */
int lb_nat_create(const struct lb *lb, struct lb_error *error);
int lb_nat_map(struct lb *lb); /* the table that is there, if any. 0 or -errno */
void lb_nat_unmap(struct lb *lb);
void lb_nat_clear(struct lb *lb); /* no entry is left */

/*
 * Fills the maps that are not kept from those that were found, in whatever layout these are.
 * Packets go on to count there meanwhile: lb_take_counts() adds that once links are switched and no
 * packet is on its way through the older program. 0 or -errno.
 */
int lb_take_over(struct lb *lb, const struct maps_found *found, const struct maps *keep);
int lb_take_counts(struct lb *lb);
void lb_take_end(struct lb *lb);

/*
 * Flow tables that ours replaces, and the entries that packets go on to make there: taken over from
 * the pinned maps that were found and from the programs of links, as a poised that was killed may
 * have pinned a table that no link uses yet. lb_carry_run() before and after links are switched.
 */
int lb_carry_found(struct lb *lb, const struct maps_found *found);         /* 0 or -errno */
int lb_carry_of_program(struct lb *lb, const __u32 *map_ids, __u32 count); /* 0 or -errno */
void lb_carry_run(struct lb *lb, bool switched);
void lb_carry_end(struct lb *lb); /* says what was carried */
void lb_carry_free(struct lb *lb);

/* Takes over the pinned links: those that run a program over our maps get ours at once, others in
 * lb_attach. Drops those whose interface is gone. 0 or -errno with *error. */
int lb_adopt_links(struct lb *lb, struct lb_error *error);
void lb_close_links(struct lb *lb);

/* Asks the kernel for the state of a link. 0, -EPROTO (not an XDP link) or -errno. */
int lb_slot_state(const struct lb_slot *slot, struct xdp_link_state *state);
/*
 * Tells packets whether the kernel forwards what comes from addresses of its own, on every
 * interface that is attached.
 */
void lb_accept_local_read(struct lb *lb);

/* The slot owns fd, once there is one. NULL: out of memory. */
struct lb_slot *lb_slot_add(struct lb *lb, int fd, __u32 ifindex, const char *ifname);
/* Off the interface (one that is gone is fine), without a pin, and out of the list. 0 or -errno. */
int lb_slot_detach(struct lb *lb, struct lb_slot *slot);
void lb_drop_gone(struct lb *lb); /* slots whose interface is gone */
int lb_pin_path(const struct lb *lb, __u32 ifindex, char *buf, size_t size);
/* Removes older sets of maps, once no link runs a program over them any more. 0 or -errno. */
int lb_remove_older(const struct lb *lb);

_Static_assert(sizeof(((struct lb_error *)0)->text) == XDP_LINK_TEXT_SIZE, "an error's text");

#endif
