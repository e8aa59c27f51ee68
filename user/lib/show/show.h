/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Services, backends and the status as JSON. poised fills these structures from what it runs; the
 * command, while poised is down, from the pinned maps. The keys are written in one place, show.c.
 */
#ifndef POISE_SHOW_H
#define POISE_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "maps/maps.h"

/* In place of a number: it is not known, and shown as null; or its key is left out. */
#define SHOW_UNKNOWN (-1LL)
#define SHOW_ABSENT  (-2LL)

struct show_backend {
	struct addr addr;
	__u16 port; /* host order */
	__u16 weight;
	enum poise_admin admin;
	enum poise_health health;
	bool sorry;
	const char *reason;   /* "" for none */
	const char *next_hop; /* NULL: not known */
	bool lives;           /* poised runs: `usable` and `serves` are known */
	bool usable, serves;
	__u32 target;
	__u32 row_count; /* of the service */
	__u32 rows, previous_rows;
	/* These may be SHOW_UNKNOWN. */
	long long since_s, flows, closing;
};

/* Settings of a service that the maps do not have. A duration of 0 stands for none: null. */
struct show_settings {
	__u32 idle_timeout_ms;
	bool settles; /* there are flows that a change waits for: `settle` is shown */
	__u32 settle_ms;
	__u32 slow_start_ms;
	__u8 panic_percent;
	__u16 gue_port;
	const char *outer_sources; /* as configured; NULL: none */
	json_t *check;             /* as configured; NULL: none */
};

struct show_service {
	const char *name;
	struct addr addr;
	__u16 port; /* host order */
	__u8 proto;
	enum poise_mode mode;
	enum poise_scheduler scheduler;
	bool hash_source;
	bool tracks_always;
	bool rejects; /* what finds no backend is answered */
	__u32 rows, stable_rows, moving_rows, tracked_rows;
	long long sweep_age_ms;               /* may be SHOW_UNKNOWN or SHOW_ABSENT */
	const struct show_settings *settings; /* NULL: poised does not run */
};

/* The flow table, as the last sweep found it and as packets count. */
struct show_flow_table {
	__u64 size, occupied, new_flows;
	struct flow_counter counter;
	/* These may be SHOW_UNKNOWN or SHOW_ABSENT. */
	long long sweep_us, sweep_age_ms;
};

struct show_nat_table {
	__u64 size, flows, new_flows, closing;
	struct nat_counter counter;
	__u16 port_first, port_last; /* 0: not known */
	json_t *sources;             /* array of addresses as text; null: not known */
};

struct show_status {
	const char *version; /* NULL: poised does not run */
	const char *instance;
	/* These may be SHOW_UNKNOWN. */
	long long pid, uptime_s, last_publish_us;
	size_t services, local_services, backends, up;
	json_t *interfaces; /* of show_interface() */
	__u64 map_bytes[MAPS_COUNT];
	json_t *flow_table; /* show_flow_table() or null */
	json_t *nat_table;  /* show_nat_table(); NULL: there is none */
};

/* All return NULL without memory. References that they are given, also within the structures, are
 * theirs from then on. */
json_t *show_backend(const struct show_backend *backend);
/* backends, leaving: arrays of show_backend(). */
json_t *show_service(const struct show_service *service, json_t *backends, json_t *leaving);
json_t *show_interface(const char *name, __u32 ifindex, bool generic, __u32 program_id);
json_t *show_flow_table(const struct show_flow_table *table);
json_t *show_nat_table(const struct show_nat_table *table);
json_t *show_status(const struct show_status *status);

#endif
