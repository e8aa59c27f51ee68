/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model is what runs: services and backends as they are published, and their lookups. Higher
 * rooms change it, and the API reads it to show it.
 */
#ifndef POISE_MODEL_H
#define POISE_MODEL_H

#include <sys/queue.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "health/checker.h"
#include "kernel/lb.h"
#include "mode/mode.h"
#include "model/nat_sources.h"
#include "model/numbers.h"
#include "nexthop/nexthop.h"

#define REASON_SIZE   128
#define UNCLEAN_NAMED UINT64_MAX /* rows may name it still */
#define BUILDERS_MAX  8          /* rows of so many services are built at once */
/* Rows are stored without waiting for packets that have read them: give these time. */
#define IN_FLIGHT_NS (100ULL * 1000000)

struct live_service;
struct local_backends;
struct model;
struct uv_loop_s;

struct live_backend {
	struct live_service *service;
	struct addr addr;
	__u16 port; /* host order, 0: none given */
	__u16 weight;
	__u16 target;
	enum poise_admin admin;
	bool sorry;   /* has rows only while no other has */
	bool serves;  /* its flows are not lost; as its target entry says */
	bool leaving; /* no longer configured: in service->leaving until its flows have ended */
	__u32 flows, closing; /* tracked and alive, by the last sweep */
	enum poise_health health;
	char reason[REASON_SIZE]; /* why it is down; else empty */
	time_t since;             /* of its health, wall clock */
	struct check *check;
	struct nexthop_watch *watch;
	struct nexthop hop; /* as last told */
	bool hop_told;      /* hop is filled */
	__u8 found;         /* mode local: enum local_found, when last looked for */
	bool reachable;     /* its target entry leads to it, or did when last resolved */
	bool troubled;      /* that it cannot be reached was logged */
	__u32 rows;         /* it has now */
	__u32 older_rows;   /* those that name it as previous */
	__u64 unnamed_ns;   /* since when no row names it; 0: some do */
	__u32 weight_now;   /* as its rows are to be shared out; 0: no new flows */
	bool serves_next;   /* what `serves` becomes when its rows are stored */
	__u64 ramp_ms;      /* since when it starts slowly, wall clock; 0: not */
	bool by_panic;      /* see struct effective_backend */
	__u64 spared_ms;    /* the same */
	bool fresh;         /* made by a plan that is not committed yet */
	bool wanted;        /* scratch of a plan: part of the new configuration */
	/* In mode nat: says why its target can name no source; else NULL. */
	const char *sourceless;
};

struct live_service {
	struct model *model;
	char name[POISE_NAME_SIZE];
	struct service_key key;
	struct target_delivery delivery; /* as it is to be */
	struct target_delivery
		published_delivery; /* as its targets are written; delivery, but for a moment */
	__u32 number;
	__u32 published_number; /* where its entry leads; number, but for a moment */
	__u16 flags;            /* as in struct service */
	bool always;            /* it tracks each flow */
	bool untracked; /* its flows are known elsewhere: rows are {owner, 0}, see row_settle.c */
	bool track_all; /* it begins to: its rows do not know yet */
	__u32 row_count;
	struct lb_rows *rows;
	bool rows_fresh; /* the table is new, and flows may be known from the one before */
	__u8 *ages;      /* see row_age.h; NULL: no row has to be watched, or no memory */
	__u64 aged_ns;   /* until when they have grown older */
	__u64 stored_ns; /* when rows last changed */
	const struct conf_service *conf; /* in model->conf; NULL: adopted and not yet applied */
	struct live_backend **backends;
	size_t backend_count;
	struct live_backend **leaving;
	size_t leaving_count;
	__u32 stable_rows, moving_rows, tracked_rows;
	TAILQ_ENTRY(live_service) dirty_entry;
	bool dirty;        /* on the list of those whose rows may have to change */
	bool urgent;       /* at its front */
	bool timed;        /* its publishing counts as the last one's time */
	bool later;        /* it will be dirty when model->later is due */
	bool panic;        /* too few backends are up: all count as up */
	__u64 together_ms; /* see struct effective_service */
	__u64 step_ms;     /* a weight changes by itself, wall clock; 0: none does */
	__u64 dirty_since_ns;
	bool wanted; /* scratch of a plan */
	/* A change leaves these behind until it is published. */
	bool entry_old;   /* its entry in `services` is to be written */
	bool entry_early; /* before its rows */
	struct service_key old_key;
	bool key_old; /* old_key was published */
	__u32 old_number;
	struct lb_rows *old_rows; /* NULL: the table stays */
};

/*
 * Numbers of backends that are gone: given out again once no row and no entry of the flow table
 * names them.
 */
struct retired {
	__u16 target;
	struct live_service *service; /* its rows may still name it; NULL: none do */
};

/* An entry of `services` beside those of the services. */
struct extra_entry {
	struct service_key key;
	struct service value;
	bool left_over; /* of a backend that leaves; in the making only */
};

/* Services in mode nat share this. */
struct live_nat {
	struct nat_sources sources;
	bool split_told; /* that not all of the configuration's sources are in use was logged */
};

struct model_deps {
	struct uv_loop_s *loop;
	struct lb *lb;
	struct nexthop_table *nexthops;
	struct checker *checker;
	void (*health_changed)(void *arg); /* after any change of a backend's health */
	void *arg;
};

/* The last sweep over the flow table found this. */
struct flow_table_found {
	__u64 occupied,
		new_flows; /* entries that had not expired; of these not past a first packet */
	__u32 size;        /* entries that there is room for */
	__u64 sweep_us;    /* how long it took */
	__u64 swept_ns;    /* CLOCK_MONOTONIC when it ended; 0: never */
};

/* It found this in the NAT table. */
struct nat_table_found {
	__u64 flows, new_flows, closing; /* as in nat_sweep.h */
	__u32 size;                      /* flows that there is room for; 0: there is no table */
};

struct sweeper;

struct model {
	struct model_deps deps;
	struct conf *conf;
	struct live_service **services; /* in the configuration's order */
	size_t service_count;
	struct extra_entry *extras; /* published, sorted by key */
	size_t extra_count;
	bool extras_due; /* some are not wanted any more */
	struct live_nat nat;
	struct numbers service_numbers, target_numbers;
	struct retired *retired; /* room for all numbers */
	size_t retired_count;
	/* [target]: for one that does not serve, the time since which no row names it, while the
	 * flow table may have entries of it. 0: it has none. */
	__u64 *unclean_ns;
	struct sweeper *sweeper;
	struct local_backends *local_backends;
	/* Set by the rooms above, which do these things soon. */
	void (*publish_soon)(struct model *model); /* a service is dirty */
	void (*sweep_soon)(struct model *model);   /* a sweep has something to find */
	TAILQ_HEAD(dirty_list, live_service) dirty;
	uv_idle_t publisher;
	uv_timer_t publish_retry;
	uv_timer_t later; /* results of first checks, gathered */
	uv_timer_t steps; /* slow start */
	__u64 last_publish_us;
	struct flow_table_found flow_table;
	struct nat_table_found nat_table;
	bool sweep_due; /* something was published or applied since the last sweep began */
	/* scratch of publishing, in the size of the largest table and of all targets */
	size_t builder_count;
	__u16 *built[BUILDERS_MAX];
	struct row *rows;
	__u32 scratch_rows;
	__u32 *rows_of_target, *older_rows_of_target; /* of every 16-bit number */
	bool *serves;                                 /* the same; all false but in between */
	/* interfaces already entered as ways out */
	__u32 tx_ports[POISE_MAX_TX_PORTS];
	size_t tx_port_count;
	bool tx_port_deaf[POISE_MAX_TX_PORTS]; /* that answers are not seen there was logged */
	unsigned int open_handles;
	bool prune; /* adopted: entries may be published that belong to nothing */
};

/* --- model.c --- */
struct live_service *service_find(const struct model *model, const char *name);
struct live_backend *backend_find(const struct live_service *service, const struct addr *addr,
				  __u16 port);
struct live_backend *backend_new(const struct addr *addr, __u16 port, __u16 weight);
/* Stops its check and watch. NULL is fine. */
void backend_free(struct live_backend *backend);
void service_free(struct live_service *service); /* its backends, too. NULL is fine */
/* To its backends, or to those that leave if this one does. 0 or -ENOMEM. */
int service_append(struct live_service *service, struct live_backend *backend);
/* Its backends, then those that leave. */
size_t service_members(const struct live_service *service);
struct live_backend *service_member(const struct live_service *service, size_t i);
/* Orders by address and port, service by name; for qsort and bsearch over arrays of pointers. */
int backend_compare(const void *a, const void *b);
int service_compare(const void *a, const void *b);
/* Returns the key of its entry in `services`. */
struct service_key service_key_of(const struct conf_service *conf);
bool interface_balanced(const struct model *model, const char *name); /* one of `interfaces` */
/* True if it is given new flows. */
static inline bool backend_usable(const struct live_backend *backend)
{
	return backend->weight_now;
}

/* --- dirty.c: services whose rows may have to change --- */
/* urgent: before those of others. */
void service_dirty(struct live_service *service, bool urgent);
void service_clean(struct live_service *service); /* takes it off the list */
/* Not before some more changes were waited for. */
void service_dirty_later(struct live_service *service);
/*
 * One of its backends can be used, or no more. First news of backends come by the thousand: they
 * wait for each other.
 */
void service_dirty_news(struct live_service *service, bool first_news);

#endif
