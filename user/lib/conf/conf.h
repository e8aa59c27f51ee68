/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: YAML text or JSON -> a JSON tree -> one validating decode into struct conf.
 *
 * The tree is what the daemon edits, stores and exports; struct conf is what it acts on. A tree
 * that decodes is good as a whole; one that does not changes nothing.
 */
#ifndef POISE_CONF_H
#define POISE_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/net.h"
#include "base/xdp_mode.h"
#include "check/check_kind.h"
#include "mode/mode.h"
#include "poise/abi.h"

struct conf_interface {
	char name[16]; /* IFNAMSIZ */
	enum xdp_mode xdp;
};

struct conf_check {
	const struct check_kind *kind; /* NULL: no check, and nothing else is set */
	json_t *value;                 /* what the kind's key has: `true`, or text */
	__u16 port;        /* 0: the backend's port, or the service's where it has none */
	__u32 interval_ms; /* default 2000 */
	__u32 timeout_ms;  /* at most the interval; default 1000 or the interval if shorter */
	__u32 rise, fall;  /* checks in a row that change the health; defaults 2 and 3 */
};

struct conf_backend {
	struct addr addr;
	__u16 port;             /* host order; 0: none given, see conf_backend_port */
	__u16 weight;           /* 0 to 65535, default 100; 0: no new flows */
	enum poise_admin state; /* `state: ready | drain | maint` */
	bool sorry;             /* serves only while no other backend does */
};

struct conf_service {
	char name[POISE_NAME_SIZE]; /* [A-Za-z0-9] then [A-Za-z0-9._-]*, at most 63 */
	struct addr addr;
	__u16 port;           /* host order */
	__u8 proto;           /* IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP */
	enum poise_mode mode; /* by the keys mode and source */
	__u32 rows;           /* a prime, 251 to POISE_MAX_ROWS */
	__u16 gue_port;       /* host order */
	/* `outer_sources: 10.9.0.0/16,fd00:9::/64`: of mode ipip; bits 0: none. */
	struct net outer_v4, outer_v6;
	struct conf_check check;
	enum poise_scheduler scheduler;
	bool hash_source;  /* `hash: source`: a client's flows stay together; else 5-tuple */
	bool reject;       /* `unavailable: reject`: what finds no backend is answered; for TCP the
			      default */
	bool track_always; /* `track: always`; see conf_tracks_always */
	/* A silent flow is remembered for so long: 1 s to 8 h, in the NAT table up to 120 h. 0: as
	 * long as struct conf says for the protocol. */
	__u32 idle_timeout_ms;
	__u32 settle_ms;     /* how long silent flows older than a change are waited for; 15 min */
	__u32 slow_start_ms; /* 0: none; at most 1 h */
	__u8 panic_percent;  /* `panic: 30%`: with fewer backends up all count as up; 0: never */
	struct conf_backend *backends;
	size_t backend_count;
};

struct conf {
	struct conf_interface *interfaces;
	size_t interface_count;
	struct conf_service *services;
	size_t service_count;
	__u32 max_backends;
	__u32 flows;       /* entries of the flow table, a power of two; `1M`, `65536` */
	__u32 tcp_idle_ms; /* `timeouts: {tcp: 15m, udp: 2m}` */
	__u32 udp_idle_ms;
	__u32 nat_idle_ms; /* `timeouts: {nat: 120h}`: TCP established, mode nat; 1 s to 120 h */
	struct addr *nat_sources; /* `nat_sources: [..]`; none: the outgoing interface's address */
	size_t nat_source_count;
	__u16 nat_port_first, nat_port_last; /* `nat_ports: 10240-32767` */
	__u32 nat_flows; /* of the NAT table, a power of two; `nat_flows: 256K` */
	bool seed_set;
	__u64 seed[2];
};

struct conf_error {
	int line, column; /* from 1; 0 where the tree did not come from a file */
	char path[160];   /* where in the tree, "services[1].backends[0].weight"; may be empty */
	char text[400];   /* "weight: expected a whole number from 0 to 65535, found \"heavy\"" */
};

/*
 * The place in its file of each part of a tree, for errors: an object, path -> [line, column] of
 * the value, and path + "~" -> that of the key. NULL for a tree that came as JSON.
 */
typedef json_t conf_marks;

/* YAML text (one document; no anchors, aliases or tags; duplicate keys refused; at most 16 MiB, 32
 * levels and 500,000 values) -> tree; nothing but comments is an empty mapping. Plain scalars:
 * null, true, false and numbers as JSON writes them, else strings (0x10, 010, +1 and .inf are). 0,
 * -EINVAL or -ENOMEM with *error. */
int conf_tree_from_yaml(const char *text, size_t length, json_t **tree, conf_marks **marks,
			struct conf_error *error);
int conf_tree_from_file(const char *file, json_t **tree, conf_marks **marks,
			struct conf_error *error); /* also -errno of opening and reading */

/* The validating decode. Unknown keys (the nearest known one is named), wrong types, ranges,
 * duplicates, families that a mode cannot carry, a VIP that is also a backend, and what else is
 * wrong whatever the host: -EINVAL with *error,
 * the first trouble in the tree's order; -ENOMEM. */
int conf_decode(const json_t *tree, const conf_marks *marks, struct conf **out,
		struct conf_error *error);
void conf_free(struct conf *conf); /* NULL is fine */

/* The canonical tree of a decoded configuration: defaults left out, keys in the documented order,
 * lists of mappings always there, their items never in short. NULL without memory. */
json_t *conf_encode(const struct conf *conf);
json_t *conf_encode_service(const struct conf_service *service);

/* A tree as YAML text, as `poise export` prints it; decodes to the same configuration. 0 or -errno.
 */
int conf_tree_to_yaml(const json_t *tree, FILE *out);

/*
 * Merges for a reload: every value that the file changed since it was last read (base -> file) is
 * taken from the file, everything else stays as it runs (running). Services are matched by name,
 * backends by address and port, interfaces by name. A part that was deleted at run time and is
 * changed in the file comes back whole. Each of the three trees has to decode; NULL stands for an
 * empty one. Returns a new, canonical tree, or, if the result does not decode (both sides took one
 * endpoint), the result as it is. NULL without memory.
 */
json_t *conf_merge(const json_t *base, const json_t *running, const json_t *file);
/* The same for trees that are canonical already, none of them NULL: saves decoding and encoding. */
json_t *conf_merge_canonical(const json_t *base, const json_t *running, const json_t *file);

/* "poise.yaml:14:12: TEXT", or "services[1].weight: TEXT" where there is no file. */
const char *conf_error_format(const struct conf_error *error, const char *file, char *buf,
			      size_t size);

/* Compares two checks; they may be none. */
bool conf_check_equal(const struct conf_check *a, const struct conf_check *b);
/* A service tracks each of its flows if `track` says so, for UDP, and with a scheduler that is no
 * pure hash. */
bool conf_tracks_always(const struct conf_service *service);
/* A silent flow is remembered for so long in the flow table, and in the NAT table. */
__u32 conf_idle_ms(const struct conf *conf, const struct conf_service *service);
__u32 conf_nat_idle_ms(const struct conf *conf, const struct conf_service *service);
/* The port that a backend is sent packets to in the modes that have one of its own; host order. */
__u16 conf_backend_port(const struct conf_service *service, const struct conf_backend *backend);

/* "500ms", "2s", "5m", "1h": the largest unit that leaves a whole number. */
const char *conf_duration_format(__u32 duration_ms, char buf[16]);

/* The configuration's words, by number. */
#define CONF_XDP_NAMES (XDP_MODE_GENERIC + 1)
extern const char *const conf_xdp_names[CONF_XDP_NAMES];
extern const char *const conf_scheduler_names[SCHEDULER_MAX];
extern const char *const conf_admin_names[ADMIN_MAX];
const char *scheduler_name(enum poise_scheduler scheduler); /* "maglev", "roundrobin", ... */
const char *admin_name(enum poise_admin admin);             /* "ready", "drain", "maint" */
const char *health_name(enum poise_health health);

#define CONF_OUTER_TEXT_SIZE (2 * NET_TEXT_SIZE)
/* A service's outer_sources as configured; NULL: there are none. */
const char *conf_outer_sources_format(const struct conf_service *service,
				      char buf[CONF_OUTER_TEXT_SIZE]);

#endif
