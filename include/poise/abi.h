/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path and user space agree on this: every key, value, flag and drop reason.
 *
 * A BPF program includes vmlinux.h before this file, anything else gets its integer types here.
 *
 * Maps outlive the daemon. A change of any size, offset or meaning below is a new layout of the
 * maps that hold it, and user/lib/maps/layout.c has to know it. Words named reserved, unused or pad
 * are 0 until something uses them; what gives one a meaning in which 0 says "as before" changes no
 * layout.
 */
#ifndef POISE_ABI_H
#define POISE_ABI_H

#ifndef __bpf__
#include <linux/bpf.h>
#include <linux/types.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "addresses are compared and hashed as little-endian words"
#endif

/* The form of a pinned set of maps: its directory, and `meta`, which tells the layout of each. */
#define POISE_ABI_VERSION 4

#define POISE_NAME_SIZE         64    /* a service's name and its NUL */
#define POISE_MAX_SERVICES      4096  /* service numbers run from 0 to one less */
#define POISE_DEFAULT_BACKENDS  4096  /* targets map: entries unless configured, number 0 unused */
#define POISE_MAX_BACKENDS      65535 /* a target's number has 16 bits, and one is ROW_TRACKED */
#define POISE_DEFAULT_ROWS      65537
#define POISE_MAX_ROWS          1048573 /* the largest prime below 2^20 */
#define POISE_ROWS_PER_SLOT     2 /* array maps pad each value to 8 bytes: two rows fill them */
#define POISE_MAX_TX_PORTS      256
#define POISE_MAX_DROPS         64         /* drop reasons that there is room for */
#define POISE_MAX_ANSWERS       16         /* kinds of answers that there is room for */
#define POISE_MAX_MAPS          64         /* maps whose layouts `meta` has room for */
#define POISE_DEFAULT_FLOWS     (1U << 20) /* flow table: entries unless configured */
#define POISE_MIN_FLOWS         (1U << 10)
#define POISE_MAX_FLOWS         (1U << 28) /* 2 GiB */
#define POISE_GUE_PORT          6080       /* IANA: gue */
#define POISE_DEFAULT_NAT_FLOWS (1U << 18) /* NAT table: flows, two entries each */
#define POISE_MIN_NAT_FLOWS     (1U << 10)
#define POISE_MAX_NAT_FLOWS     (1U << 25) /* 4.5 GiB */
#define POISE_MAX_NAT_SOURCES   1024
#define POISE_MIN_NAT_PORT      1024
#define POISE_NAT_PORT_FIRST    10240 /* unless configured: below Linux's ip_local_port_range */
#define POISE_NAT_PORT_LAST     32767
#define POISE_DEFAULT_NAT_PORTS POISE_NAT_PORT_FIRST, POISE_NAT_PORT_LAST

/*
 * How a packet reaches a backend. The numbers stand in maps: none is ever given to another mode.
 * All else about each mode, its word included, is in user/lib/mode.
 */
enum poise_mode {
	MODE_NONE = 0, /* not in use: a packet that meets it is dropped as no_target */
	MODE_L2 = 1,   /* new MAC addresses, the backend carries the service's address */
	MODE_IPIP = 2, /* RFC 2003, RFC 2473, RFC 4213 */
	MODE_GUE = 3,  /* draft-ietf-intarea-gue-09, variant 0 without extensions */
	MODE_NAT = 4, /* new destination; new source, too: an address of ours with a port of ours */
	MODE_NAT_KEEP = 5, /* new destination only: we are the backend's gateway to its clients */
	MODE_LOCAL = 6,    /* a socket on this host; the packet path leaves it to the kernel */
	MODE_MAX,
};

/*
 * Why a packet was dropped, and the index into `drops`. A new reason goes to the end; its name and
 * advice go into user/lib/maps/drop.c.
 */
enum drop_reason {
	DROP_NONE,
	DROP_MALFORMED_IP,        /* IP header cut short, or its lengths contradict the frame */
	DROP_MALFORMED_TRANSPORT, /* the same of the TCP or UDP header of a packet to a service */
	DROP_NO_BACKEND,          /* the row is empty: no backend of the service is up */
	DROP_NO_TARGET,           /* the row names a target that is not in use */
	DROP_TOO_BIG,             /* longer than the outgoing MTU once encapsulated */
	DROP_NO_ROOM,             /* the driver left no headroom for the outer headers */
	DROP_MALFORMED_ICMP, /* an ICMP error to one of our addresses, cut short or contradictory
			      */
	DROP_TTL,            /* NAT is a hop, and the packet had none left */
	DROP_NO_PORT,        /* no free port towards the backend was found for a new flow */
	DROP_NAT_FULL,       /* no room was made in the NAT table for a new flow */
	DROP_MARTIAN,        /* to a service, from an address that no client has */
	DROP_NO_FLOW,        /* NAT: a TCP packet of no flow that begins none */
	DROP_FRAGMENT_EARLY, /* a fragment of a datagram whose first one has not been seen */
	DROP_FRAGMENT_BAD,   /* it overlaps another one, or does not hold what a first one must */
	DROP_MAX,
};

/*
 * The kinds of answers that the balancer gives by itself, and the index into `answers`. A new kind
 * goes to the end; its name goes into user/lib/maps/answer.c.
 */
enum answer_kind {
	ANSWER_RESET,            /* TCP RST */
	ANSWER_PORT_UNREACHABLE, /* ICMP 3/3, ICMPv6 1/4 */
	ANSWER_TOO_BIG,          /* ICMP 3/4, ICMPv6 2/0 */
	ANSWER_TIME_EXCEEDED,    /* ICMP 11/0, ICMPv6 3/0 */
	ANSWER_MAX,
};

/* answers: per CPU, per kind of answer */
struct answer_counter {
	__u64 sent;
	__u64 limited; /* not sent, because the source or all together had too many */
};

/* services: key */
struct service_key {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 proto;
	__u8 kind; /* enum service_key_kind */
};

/* The kinds of entries that one table holds, told apart by the key. */
enum service_key_kind {
	KEY_SERVICE, /* what clients connect to */
	KEY_REPLY,   /* what a backend by `source: keep` answers from: leads to its service, and
			row_count is its target */
	KEY_LOCAL,   /* as KEY_SERVICE in mode local: looked up by sockets, not by packets */
};

/*
 * services: value, one 64-bit word, 0: none. Port 0 and protocol 0 stand for the address itself,
 * with SERVICE_ADDRESS set: it tells a malformed packet to one of our addresses from one that is
 * none of our business. An address that NAT uses as a source has such an entry, too, with
 * SERVICE_NAT_SOURCE, and with SERVICE_ADDRESS only if services are there.
 */
struct service {
	__u32 row_count; /* a prime */
	__u16 number;    /* index into rows */
	__u16 flags;
} __attribute__((aligned(8)));

#define SERVICE_ADDRESS         (1U << 0)
#define SERVICE_HASH_SOURCE     (1U << 1) /* a flow is all that one client sends to the service */
#define SERVICE_SCHEDULER_SHIFT 2         /* two bits: enum poise_scheduler */
#define SERVICE_SCHEDULER_MASK  3
#define SERVICE_TRACK           (1U << 4) /* rows never become stable; packets need not know */
#define SERVICE_NAT             (1U << 5) /* MODE_NAT; of an address: some service there is */
#define SERVICE_NAT_KEEP        (1U << 6) /* MODE_NAT_KEEP; of an address: some service there is */
#define SERVICE_NAT_SOURCE      (1U << 7) /* of an address: number is its index in nat_sources */
#define SERVICE_REJECT          (1U << 8) /* what finds no backend is answered, not just dropped */

/* How a new flow is given a row; SERVICE_SCHEDULER of the flags. Others than maglev track all. */
enum poise_scheduler {
	SCHEDULER_MAGLEV,     /* by the flow's hash */
	SCHEDULER_ROUNDROBIN, /* one after the other */
	SCHEDULER_LEASTCONN,  /* of two the one whose target has fewer flows for its weight */
	SCHEDULER_RANDOM,
	SCHEDULER_MAX,
};

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
 * stores. {A, 0} stable: every flow of the row is A's. {B, A} moving: new flows are B's, those of
 * which the flow table knows nothing A's. {B, ROW_TRACKED}: the flow table knows all but new flows,
 * which are B's. Current 0: no backend for new flows.
 */
struct row {
	__u16 current_target;
	__u16 previous_target;
};

#define ROW_TRACKED 0xffff /* as previous: there is none, and still the flow table is read */

/*
 * flows: sets of one cache line; poise/flow.h tells what an entry is and which set is a flow's.
 * Entries are changed by compare and exchange only, by packets on any CPU and by poised through
 * mmap.
 */
#define FLOWS_PER_SET 8

struct flow_set {
	__u64 entries[FLOWS_PER_SET]; /* 0: free */
} __attribute__((aligned(64)));

/* flow_counters: per CPU, one entry */
struct flow_counter {
	__u64 tracked; /* entries made */
	__u64 evicted; /* of these: at the cost of another that had not expired */
	__u64 lost;    /* entries not made: other CPUs took the room three times over */
	__u64 reserved[5];
};

/* loads: per target, for leastconn. Its load is base + assigned, modulo 2^32. */
struct load {
	__u32 base;     /* written by poised: flows counted, less what was assigned by then */
	__u32 assigned; /* counted up by packets: new flows */
	__u32 weight;   /* written by poised; 0: none */
	__u32 pad;
};

/* rotations: per service, for roundrobin, a cache line each */
struct rotation {
	__u64 position; /* counted up by packets: new flows */
	__u64 pad[7];
};

/*
 * MODE_NAT needs this of a target beside its address: where its flows get their sources from, and
 * how long they are remembered in states that struct target has no time for (ticks).
 */
struct target_nat {
	__u16 first_source; /* index into nat_sources */
	__u16 source_count;
	__u32 idle_ticks;    /* TCP: established; UDP: both sides have spoken */
	__u16 replied_ticks; /* TCP: the backend has answered the SYN */
	__u16 reset_ticks;   /* TCP: RST was seen before it was established */
	__u32 pad;
};

/*
 * targets: where a target's packets go. One cache line, eight-byte words ordered so that what
 * changes together (the next hop) is stored together. There is no room: only poised writes it, so
 * that it can grow, when something needs that, without a loss.
 */
struct target {
	__u8 mode;          /* enum poise_mode */
	__u8 outer_version; /* 4 or 6: dst's IP version, 0 for l2 and local */
	__u16 mtu;          /* of the way out, bytes of IP packet, at most 65535 */
	__u32 ifindex;      /* outgoing interface */
	__u8 dst_mac[6];    /* the next hop's, then the outgoing interface's: an Ethernet header's
			       order */
	__u8 src_mac[6];
	union {
		__be16 port; /* gue: outer UDP destination port; nat, nat_keep: backend's port */
		__u16 spread_bits; /* ipip: last bits of src that a flow's hash fills, 0 to 32 */
	};
	__u16 outer_sum; /* one's complement sum over the outer IPv4 header's constant words */
	union {
		__u8 src[16]; /* outer source and destination, IPv4 in the first four bytes */
		struct target_nat nat; /* MODE_NAT */
	};
	__u8 dst[16]; /* nat, nat_keep: the backend */
	/* One word: whose it is, and how long its flows are remembered. */
	__u16 owner;         /* its service's number | TARGET_SERVES; else its flows are lost */
	__u16 new_ticks;     /* after a SYN or a first datagram; ticks of poise/flow.h */
	__u16 idle_ticks;    /* after any other packet */
	__u16 closing_ticks; /* after FIN or RST, and any packet that follows them */
};

#define TARGET_SERVES 0x8000 /* above all service numbers */

/* counters: per CPU, per target */
struct counter {
	__u64 packets;
	__u64 bytes; /* of IP packets as they came from clients, without Ethernet or outer headers
		      */
	__u64 new_flows;     /* TCP SYNs, and whatever else was assigned at a tracked row */
	__u64 reply_packets; /* nat, nat_keep: translated on their way back to clients */
	__u64 reply_bytes;
	__u64 icmp_errors; /* of all these packets: errors about the target's flows */
	__u64 reserved[2];
};

/*
 * nat_table: one inner array of sets, made by poised when the first service needs it. A set is a
 * line of words and a line for each: poise/nat.h tells what a word is. Two entries are one flow:
 * one is found by what the client sends, one by what the backend answers. Entries are claimed,
 * changed and given up by compare and exchange of their words; only who has claimed one writes the
 * rest of it.
 */
struct nat_entry {
	__u8 client[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 client_port;
	__be16 nat_port; /* of ours, that the backend sees */
	__u16 service;   /* its number */
	__u16 target;
	__u16 source; /* index into nat_sources: the address that the backend sees */
	__u16 pad;
	__u32 other;     /* the flow's other entry: set * NAT_PER_SET + place in it */
	__u32 other_tag; /* its tag, if it still is that */
	/* Packets of this direction have these added to their checksums (one's complement). */
	__u16 ip_delta, transport_delta;
	__u32 ifindex; /* of the interface towards the client */
	__u8 hop[12];  /* Ethernet addresses on the way to the client: destination, source */
	__u8 unused[8];
};

#define NAT_PER_SET 8

struct nat_set {
	__u64 words[NAT_PER_SET]; /* 0: free */
	struct nat_entry entries[NAT_PER_SET];
};

/* nat_sources: written before the first target that names it */
struct nat_source {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d; all 0: not in use */
};

/* nat_counters: per CPU, one entry */
struct nat_counter {
	__u64 made;    /* flows entered */
	__u64 evicted; /* flows that had not expired and had to make room */
	__u64 broken;  /* of these: established */
	__u64 reused;  /* ports taken from flows that had ended but not expired */
	__u64 reserved[4];
};

/* nat_claims: by part of a tag; held by a packet while it enters a flow, or takes a port for it */
#define NAT_CLAIMS 16384

/*
 * fragments: datagrams of which fragments are on their way. A source's datagrams are all in one
 * set, so that it makes room for its own by its own. poise/frag.h tells what the ranges mean.
 */
struct frag_key {
	__u64 from[2], to[2]; /* IPv4 as ::ffff:a.b.c.d */
	__u64 datagram;       /* its identification; of IPv4 with the protocol above */
};

/* The ways that the fragments of a datagram may go. */
enum frag_way {
	FRAG_FREE,   /* no entry */
	FRAG_KERNEL, /* for no service: the kernel's */
	FRAG_TARGET, /* to a backend by l2, ipip, gue or nat_keep */
	FRAG_NAT,    /* to a backend by nat */
	FRAG_REPLY,  /* from a backend by nat */
	FRAG_KEPT,   /* from a backend by nat_keep */
};

/* A range of a datagram that has not come yet, in units of eight bytes. */
struct frag_hole {
	__u16 from, to; /* to: behind the last one; equal: no hole */
};

#define FRAG_HOLES 4

struct frag_entry {
	struct frag_key key;
	__u64 service; /* struct service, as a word */
	__u64 hash;    /* of the flow */
	__be16 source_port, dest_port;
	__u16 number; /* of the target; FRAG_REPLY: index into nat_sources */
	__u8 way;     /* enum frag_way */
	__u8 ended;   /* the last fragment has come */
	__u32 expiry; /* tick of poise/flow.h */
	__u16 end;    /* of what has come, in units of eight bytes */
	__u16 pad;
	struct frag_hole holes[FRAG_HOLES]; /* before that */
};

#define FRAGS_PER_SET 16
#define FRAG_SETS     1024

struct frag_set {
	struct bpf_spin_lock lock; /* held while entries are looked at */
	__u32 pad;
	struct frag_entry entries[FRAGS_PER_SET];
};

/* switches: one entry, written by poised through mmap */
struct switches {
	__u32 nat_keep;     /* services with MODE_NAT_KEEP: replies are to be looked for */
	__u32 local;        /* services with MODE_LOCAL: packets to them are to be looked for */
	__u32 accept_local; /* the kernel forwards what comes from addresses of the host's own */
	__u32 reserved[13];
};

/* service_names, target_names: for the daemon that adopts the maps and for listing without one */
struct service_name {
	char name[POISE_NAME_SIZE]; /* empty: number not in use */
	struct service_key key;
	__u32 row_count;
	__u8 mode; /* enum poise_mode */
	__u8 pad;
	__u16 flags; /* as in struct service */
	__u8 reserved[36];
};

/* The verdict of the checks on a backend. */
enum poise_health {
	HEALTH_CHECKING, /* no check has ended yet */
	HEALTH_UP,
	HEALTH_DOWN,
	HEALTH_UNCHECKED, /* the service has no check: taken as up */
	HEALTH_MAX,
};

/* The state that the operator wants a backend to be in. */
enum poise_admin {
	ADMIN_READY,
	ADMIN_DRAIN, /* serves the flows it has, is given no new ones */
	ADMIN_MAINT, /* serves nothing */
	ADMIN_MAX,
};

/*
 * The clock that flow entries expire by, as the packet path reads it (jiffies) and as user space
 * computes it (CLOCK_MONOTONIC); see poise/flow.h.
 */
struct flow_clock {
	__u64 monotonic_ns; /* at one moment */
	__u32 jiffies;      /* at the same, modulo 2^32 */
	__u32 jiffy_ns;
	__u32 tick_shift; /* a tick is so many jiffies, as a power of two */
	__u32 pad;
};

struct target_name {
	char service[POISE_NAME_SIZE]; /* empty: number not in use */
	__u8 addr[16];                 /* the backend's, IPv4 as ::ffff:a.b.c.d */
	__be16 port;                   /* 0: none given */
	__u16 weight;
	__u8 health; /* enum poise_health */
	__u8 admin;  /* enum poise_admin */
	__u8 flags;  /* TARGET_NAME_... */
	__u8 reserved[41];
};

#define TARGET_NAME_LEAVING (1U << 0) /* no longer configured: serves its flows to their end */
#define TARGET_NAME_SORRY   (1U << 1) /* serves while no other does */

/* The layout of one map of a set. */
struct map_layout {
	char map[16]; /* its name; empty: no more of them */
	__u32 version;
	__u32 pad;
};

/* meta: what a set of maps was made with; one entry, written by poised when it starts */
struct meta {
	__u32 abi_version; /* POISE_ABI_VERSION: of this struct */
	__u32 nat_sets;    /* the size of the one inner array that nat_table takes; 0: not known */
	__u64 seed[2]; /* of the flow hash: with another one every flow would change its backend */
	struct flow_clock clock;
	__u64 reserved[10];
	struct map_layout layouts[POISE_MAX_MAPS];
};

_Static_assert(sizeof(struct service_key) == 20, "map ABI");
_Static_assert(sizeof(struct service) == 8, "map ABI");
_Static_assert(sizeof(struct service_bucket) == 128, "map ABI");
_Static_assert(sizeof(struct row) == 4, "map ABI");
_Static_assert(sizeof(struct target) == 64, "map ABI");
_Static_assert(sizeof(struct target_nat) == 16, "map ABI");
_Static_assert(sizeof(struct nat_entry) == 64, "map ABI");
_Static_assert(sizeof(struct nat_set) == 576, "map ABI");
_Static_assert(sizeof(struct nat_source) == 16, "map ABI");
_Static_assert(sizeof(struct nat_counter) == 64, "map ABI");
_Static_assert(sizeof(struct counter) == 64, "map ABI");
_Static_assert(sizeof(struct service_name) == 128, "map ABI");
_Static_assert(sizeof(struct target_name) == 128, "map ABI");
_Static_assert(sizeof(struct flow_clock) == 24, "map ABI");
_Static_assert(sizeof(struct meta) == 1664, "map ABI");
_Static_assert(sizeof(struct flow_set) == 64, "map ABI");
_Static_assert(sizeof(struct flow_counter) == 64, "map ABI");
_Static_assert(sizeof(struct load) == 16, "map ABI");
_Static_assert(sizeof(struct frag_entry) == 88, "map ABI");
_Static_assert(sizeof(struct frag_set) == 1416, "map ABI");
_Static_assert(sizeof(struct switches) == 64, "map ABI");
_Static_assert(sizeof(struct map_layout) == 24, "map ABI");
_Static_assert(sizeof(struct rotation) == 64, "map ABI");
_Static_assert(POISE_MAX_SERVICES <= TARGET_SERVES, "owner has both");
_Static_assert(sizeof(struct answer_counter) == 16, "map ABI");
_Static_assert(ANSWER_MAX <= POISE_MAX_ANSWERS, "answers has room");
_Static_assert(DROP_MAX <= POISE_MAX_DROPS, "drops has room");

#endif
