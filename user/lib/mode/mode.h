/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modes: how packets reach the backends of a service.
 *
 * A mode is a struct mode_ops in a file of its own. Code that has to treat modes differently asks
 * this struct; it does not compare numbers. What a mode needs of the running daemon beside rows and
 * targets (the NAT table, sockets) is in user/poised/publish/mode_work.h. CONTRIBUTING.md tells how
 * a mode is added.
 */
#ifndef POISE_MODE_H
#define POISE_MODE_H

#include <jansson.h>

#include "base/addr_kind.h"
#include "mode/target.h"

/* Every mode: its number in maps and its struct. The table in mode.c is made of this list. */
#define MODE_LIST(X)                                                                               \
	X(MODE_L2, mode_l2)                                                                        \
	X(MODE_IPIP, mode_ipip)                                                                    \
	X(MODE_GUE, mode_gue)                                                                      \
	X(MODE_NAT, mode_nat)                                                                      \
	X(MODE_NAT_KEEP, mode_nat_keep)                                                            \
	X(MODE_LOCAL, mode_local)

/* The values of the key `mode`, for help texts. */
#define MODE_WORDS      "l2|ipip|gue|nat|local"
#define MODE_WORDS_SIZE 128

/* The parts that identify a backend, and where its port comes from when it gives none. */
enum mode_port {
	MODE_PORT_OF_CHECKS,  /* its address alone; a port only says where checks go */
	MODE_PORT_OF_SERVICE, /* address and port; without a port it has the service's */
	MODE_PORT_REQUIRED,   /* address and port; it has to give one */
};

struct mode_ops {
	/* ---- words */
	const char *word; /* the value of the key `mode` */
	const char
		*source; /* where modes share a word, the value of the key `source` for this one */
	const char *label; /* the mode in lists for people */

	/* ---- what configuration it takes */
	const char *const *keys; /* of a service, that modes without them refuse; NULL ends them */
	unsigned int listen_kinds;  /* enum addr_kind: addresses that a service may listen on */
	unsigned int backend_kinds; /* enum addr_kind: addresses that a backend may have */
	enum mode_port port;
	bool one_family; /* backends have the IP version of the service's address */
	/* Packets pass as they are, so that services may have SCTP, whose checksum is a CRC. */
	bool sctp;

	/* ---- who serves its flows */
	bool sockets; /* sockets of this host, by poise_local; no packet of it meets poise_lb */
	/*
	 * SERVICE_NAT: each flow is in the NAT table, and backends see a source address of ours.
	 * SERVICE_NAT_KEEP: a reply is known by its backend's address and port (KEY_REPLY). 0:
	 * replies go past this host.
	 */
	__u16 service_flags;

	/* ---- targets */
	/* Why packets cannot take a hop that is ready, in words; NULL when they can. NULL: they
	 * always can. */
	const char *(*hop_trouble)(const struct nexthop *hop, char *buf, unsigned int size);
	/* Fills in what follows Ethernet, the rest being filled in. NULL: there is nothing. */
	void (*write)(const struct target_delivery *delivery,
		      const struct target_endpoint *endpoint, const struct nexthop *hop,
		      struct target *target);
	/* Adds what write() wrote to the next hop that `poise explain` shows. NULL as well. */
	void (*show)(const struct target *target, json_t *hop);
	/* How long flows are remembered, where the flow table's times do not hold. NULL: they do.
	 */
	void (*flow_times)(const struct flow_clock *clock, const struct target_timeouts *timeouts,
			   struct target_flow_times *flow_times);
	/* Puts what only flow_times() fills in into the target. NULL as well. */
	void (*flow_times_put)(const struct target_flow_times *flow_times, struct target *target);

	/* ---- sentences; NULL: what holds for most modes */
	const char *hop_text;  /* where packets leave; NULL: by the next hop, which is told */
	const char *lost_text; /* what becomes of packets without a backend; NULL: dropped */
	const char
		*flows_text; /* who knows flows of stable rows, in `poise flows`; NULL: the rows */
	const char *flow_text; /* the same of one flow, in `poise explain` */
};

#define MODE_DECLARE(number, ops) extern const struct mode_ops ops;
MODE_LIST(MODE_DECLARE)
#undef MODE_DECLARE

/* Never NULL: numbers come from pinned maps, too, which may hold anything. MODE_NONE is called
 * "none", what is no mode "?", and neither has anything but words. */
const struct mode_ops *mode_of(enum poise_mode mode);
/* Finds a mode by the values of a service's keys `mode` and `source`. Without a source ("" or NULL)
 * it is the first mode of that word. MODE_NONE: there is no such mode. */
enum poise_mode mode_find(const char *word, const char *source);

const char *mode_name(enum poise_mode mode); /* its word: "l2", "ipip", "gue", "nat", "local" */
/* The source that has to be told beside its word; NULL: it is the first of that word. */
const char *mode_source(enum poise_mode mode);
/* The words of all modes that `is` holds for (NULL: of all), each once, in the order of the list.
 * How many there are. */
typedef bool (*mode_test)(const struct mode_ops *ops, const void *arg);
size_t mode_words(mode_test is, const void *arg, const char *words[MODE_MAX]);
/* mode_words() as text: "l2, ipip or gue", the last one after " or ". */
const char *mode_words_join(mode_test is, const void *arg, const char *last,
			    char buf[MODE_WORDS_SIZE]);
/* Lists the values that `source` may have beside that word. Returns how many there are. */
size_t mode_sources(const char *word, const char *sources[MODE_MAX]);
/* True if the mode has this key of a service as one of its own. */
bool mode_takes(enum poise_mode mode, const char *key);
/* True if only other modes have this key as one of their own. mode_takers() names those modes in
 * words: "gue". */
bool mode_refuses(enum poise_mode mode, const char *key);
const char *mode_takers(const char *key, char buf[MODE_WORDS_SIZE]);
/* Takes away the keys of a service that its mode refuses, where the mode came from somewhere else
 * than they did. Those that are in `kept`, too, stay; NULL: none. */
void mode_drop_refused(json_t *service, const json_t *kept);

/* True if the mode's packets leave by a next hop. */
bool mode_has_next_hop(enum poise_mode mode);
bool mode_has_sockets(enum poise_mode mode); /* its backends are sockets of this host */
/* True if each flow is in the NAT table, and its backend sees a source address of ours. */
bool mode_has_nat_table(enum poise_mode mode);
/* True if replies come back by this host, which gives them the service's address. */
bool mode_has_replies(enum poise_mode mode);
/* True if such a reply is known by who sends it, without a table of flows. */
bool mode_has_reply_keys(enum poise_mode mode);
/* True if a backend is an address with a port, so that one address may be there twice. */
bool mode_has_ports(enum poise_mode mode);
/*
 * True if flows are known by the NAT table or the kernel's sockets, so that rows need not tell
 * whose older flows are.
 */
bool mode_knows_flows(enum poise_mode mode, __u8 proto);

#endif
