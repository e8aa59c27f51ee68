/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the packet path and user space agree on: every key, value, flag and drop reason.
 *
 * A BPF program includes vmlinux.h before this file, anything else gets its integer types here.
 * Maps outlive the daemon: a change of any size, offset or meaning below is a new ABI version.
 */
#ifndef POISE_ABI_H
#define POISE_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "addresses are compared and hashed as little-endian words"
#endif

#define POISE_ABI_VERSION 1

#define POISE_NAME_SIZE        64    /* a service's name and its NUL */
#define POISE_MAX_SERVICES     4096  /* service numbers run from 0 to one less */
#define POISE_DEFAULT_BACKENDS 4096  /* targets map: entries unless configured, number 0 unused */
#define POISE_MAX_BACKENDS     65536 /* a target's number has 16 bits */
#define POISE_DEFAULT_ROWS     65537
#define POISE_MAX_ROWS         1048573 /* the largest prime below 2^20 */
#define POISE_ROWS_PER_SLOT    2 /* array maps pad each value to 8 bytes: two rows fill them */
#define POISE_MAX_TX_PORTS     256
#define POISE_GUE_PORT         6080 /* IANA: gue */

/* How a packet reaches a backend. */
enum poise_mode {
	MODE_NONE, /* not in use: a packet that meets it is dropped as no_target */
	MODE_L2,   /* new MAC addresses, the backend carries the service's address */
	MODE_IPIP, /* RFC 2003, RFC 2473, RFC 4213 */
	MODE_GUE,  /* draft-ietf-intarea-gue-09, variant 0 without extensions */
	MODE_MAX,
};

/* Why a packet was dropped, and the index into `drops`. Names are in user/lib/drop.c. */
enum drop_reason {
	DROP_NONE,
	DROP_MALFORMED_IP,        /* IP header cut short, or its lengths contradict the frame */
	DROP_MALFORMED_TRANSPORT, /* the same of the TCP or UDP header of a packet to a service */
	DROP_NO_BACKEND,          /* the row is empty: no backend of the service is up */
	DROP_NO_TARGET,           /* the row names a target that is not in use */
	DROP_TOO_BIG,             /* longer than the outgoing MTU once encapsulated */
	DROP_NO_ROOM,             /* the driver left no headroom for the outer headers */
	DROP_MAX,
};

/* services: key */
struct service_key {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 proto;
	__u8 pad; /* pad is 0: keys are hashed as raw bytes */
};

/*
 * services: value, one 64-bit word, 0: none. Port 0 and protocol 0 stand for the address itself,
 * with SERVICE_ADDRESS set: it tells a malformed packet to one of our addresses from one that is
 * none of our business.
 */
struct service {
	__u32 row_count; /* a prime */
	__u16 number;    /* index into rows */
	__u16 flags;
} __attribute__((aligned(8)));

#define SERVICE_ADDRESS (1U << 0)

/*
 * services: an array of buckets, written through mmap. A key may be in any slot of the two buckets
 * that poise/service_hash.h names. A slot's key is stored before its service, its service is the
 * first to go.
 */
struct service_slot {
	struct service_key key;
	__u32 pad;
	struct service service;
};

#define SERVICE_SLOTS 4
#define SERVICE_BUCKETS                                                                            \
	8192 /* one per service and address: two choices never overflow four slots */

struct service_bucket {
	struct service_slot slots[SERVICE_SLOTS];
};

/*
 * rows: one inner array per service, POISE_ROWS_PER_SLOT to a value. Written with single 32-bit
 * stores. {A, 0} stable, {B, A} moving, {B, B} tracked; current 0: no backend.
 */
struct row {
	__u16 current_target;
	__u16 previous_target;
};

/*
 * targets: where a target's packets go. One cache line, eight-byte words ordered so that what
 * changes together (the next hop) is stored together.
 */
struct target {
	__u8 mode;          /* enum poise_mode */
	__u8 outer_version; /* 4 or 6: the outer header's IP version, 0 for l2 */
	__u16 mtu;          /* of the way out, bytes of IP packet, at most 65535 */
	__u32 ifindex;      /* outgoing interface */
	__u8 dst_mac[6];    /* the next hop's, then the outgoing interface's: an Ethernet header's
			       order */
	__u8 src_mac[6];
	__be16 port;     /* gue: outer UDP destination port */
	__u16 outer_sum; /* one's complement sum over the outer IPv4 header's constant words */
	__u8 src[16];    /* outer source and destination, IPv4 in the first four bytes */
	__u8 dst[16];
	__u8 pad[8];
};

/* counters: per CPU, per target */
struct counter {
	__u64 packets;
	__u64 bytes; /* of IP packets as they came from clients, without Ethernet or outer headers
		      */
	__u64 new_flows; /* TCP SYNs */
	__u64 pad;
};

/* service_names, target_names: for the daemon that adopts the maps and for listing without one */
struct service_name {
	char name[POISE_NAME_SIZE]; /* empty: number not in use */
	struct service_key key;
	__u32 row_count;
	__u8 mode; /* enum poise_mode */
	__u8 pad[39];
};

/* What the checks say of a backend. */
enum poise_health {
	HEALTH_CHECKING, /* no check has ended yet */
	HEALTH_UP,
	HEALTH_DOWN,
	HEALTH_UNCHECKED, /* the service has no check: taken as up */
	HEALTH_MAX,
};

struct target_name {
	char service[POISE_NAME_SIZE]; /* empty: number not in use */
	__u8 addr[16];                 /* the backend's, IPv4 as ::ffff:a.b.c.d */
	__be16 port;                   /* 0: none given */
	__u16 weight;
	__u8 health; /* enum poise_health */
	__u8 pad[11];
};

/* meta: what a set of maps was made with; one entry, written once */
struct meta {
	__u32 abi_version;
	__u32 pad;
	__u64 seed[2]; /* of the flow hash: with another one every flow would change its backend */
};

_Static_assert(sizeof(struct service_key) == 20, "map ABI");
_Static_assert(sizeof(struct service) == 8, "map ABI");
_Static_assert(sizeof(struct service_bucket) == 128, "map ABI");
_Static_assert(sizeof(struct row) == 4, "map ABI");
_Static_assert(sizeof(struct target) == 64, "map ABI");
_Static_assert(sizeof(struct counter) == 32, "map ABI");
_Static_assert(sizeof(struct service_name) == 128, "map ABI");
_Static_assert(sizeof(struct target_name) == 96, "map ABI");
_Static_assert(sizeof(struct meta) == 24, "map ABI");

#endif
