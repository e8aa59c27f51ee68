/* SPDX-License-Identifier: BSD-2-Clause */
/* What runs: the inside of reconcile, which the API reads to show it. */
#ifndef POISE_MODEL_H
#define POISE_MODEL_H

#include <sys/queue.h>
#include <time.h>
#include <uv.h>

#include "build.h"
#include "effective.h"
#include "nat_sources.h"
#include "numbers.h"
#include "reconcile.h"
#include "target.h"

#define REASON_SIZE   128
#define UNCLEAN_NAMED UINT64_MAX /* rows may name it still */
#define BUILDERS_MAX  8          /* rows of so many services are built at once */

struct run_service;
struct locals;

struct run_backend {
	struct run_service *service;
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
	/* By nat: why its target can name no source, in words; else NULL. */
	const char *sourceless;
};

struct run_service {
	struct reconcile *rec;
	char name[POISE_NAME_SIZE];
	struct service_key key;
	struct target_way way;      /* as it is to be */
	struct target_way live_way; /* as its targets are written; way, but for a moment */
	__u32 number;
	__u32 live_number; /* where its entry leads; number, but for a moment */
	__u16 flags;       /* as in struct service */
	bool always;       /* it tracks each flow */
	bool untracked;    /* its flows are known elsewhere: rows are {owner, 0}, see tracking.c */
	bool track_all;    /* it begins to: its rows do not know yet */
	__u32 row_count;
	struct lb_rows *rows;
	bool rows_fresh; /* the table is new, and flows may be known from the one before */
	__u8 *ages;      /* see row_age.h; NULL: no row has to be watched, or no memory */
	__u64 aged_ns;   /* until when they have grown older */
	__u64 stored_ns; /* when rows last changed */
	const struct conf_service *conf; /* in rec->conf; NULL: adopted and not yet applied */
	struct run_backend **backends;
	size_t backend_count;
	struct run_backend **leaving;
	size_t leaving_count;
	__u32 stable_rows, moving_rows, tracked_rows;
	TAILQ_ENTRY(run_service) dirty_entry;
	bool dirty;        /* on the list of those whose rows may have to change */
	bool urgent;       /* at its front */
	bool timed;        /* its publishing counts as the last one's time */
	bool later;        /* it will be dirty when rec->later is due */
	bool panic;        /* too few backends are up: all count as up */
	__u64 together_ms; /* see struct effective_service */
	__u64 step_ms;     /* a weight changes by itself, wall clock; 0: none does */
	__u64 dirty_since_ns;
	bool wanted; /* scratch of a plan */
	/* What a change leaves behind, until it is published. */
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
	struct run_service *service; /* its rows may still name it; NULL: none do */
};

/* An entry of `services` beside those of the services. */
struct side_entry {
	struct service_key key;
	struct service value;
	bool left_over; /* of a backend that leaves; in the making only */
};

/* What services by nat share. */
struct run_nat {
	struct nat_sources sources;
	bool split_told; /* that not all of the configuration's sources are in use was logged */
};

struct sweeper;

struct reconcile {
	struct reconcile_deps deps;
	struct conf *conf;
	struct run_service **services; /* in the configuration's order */
	size_t service_count;
	struct side_entry *sides; /* published, sorted by key */
	size_t side_count;
	bool sides_due; /* some are not wanted any more */
	struct run_nat nat;
	struct numbers service_numbers, target_numbers;
	struct retired *retired; /* room for all numbers */
	size_t retired_count;
	/* Of each target that does not serve: since when no row names it, while entries of the flow
	 * table may be its. 0: none are. */
	__u64 *unclean_ns;
	struct sweeper *sweeper;
	struct locals *locals;
	TAILQ_HEAD(dirty_list, run_service) dirty;
	uv_idle_t publisher;
	uv_timer_t publish_retry;
	uv_timer_t later; /* results of first checks, gathered */
	uv_timer_t steps; /* slow start */
	__u64 last_publish_us;
	struct sweep_health sweep;
	struct nat_health nat_sweep;
	bool pass_due; /* something was published or applied since the last pass began */
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

/* --- clock.c --- */
__u64 now_ns(void);          /* CLOCK_MONOTONIC */
__u64 wall_ms(void);         /* CLOCK_REALTIME */
void wait_ns(__u32 time_ns); /* less than a second */

/* --- model.c --- */
struct run_service *service_find(const struct reconcile *rec, const char *name);
struct run_backend *backend_find(const struct run_service *service, const struct addr *addr,
				 __u16 port);
struct run_backend *backend_new(const struct addr *addr, __u16 port, __u16 weight);
/* Stops its check and watch. NULL is fine. */
void backend_free(struct run_backend *backend);
void service_free(struct run_service *service); /* its backends, too. NULL is fine */
/* To its backends, or to those that leave if this one does. 0 or -ENOMEM. */
int service_append(struct run_service *service, struct run_backend *backend);
/* Its backends, then those that leave. */
size_t service_members(const struct run_service *service);
struct run_backend *service_member(const struct run_service *service, size_t i);
/* Orders by address and port, service by name; for qsort and bsearch over arrays of pointers. */
int backend_compare(const void *a, const void *b);
int service_compare(const void *a, const void *b);
void target_name_write(const struct run_backend *backend);
void service_name_write(const struct run_service *service);

/* --- backend.c: events of one backend --- */
bool backend_usable(const struct run_backend *backend);                 /* it is given new flows */
bool interface_balanced(const struct reconcile *rec, const char *name); /* one of `interfaces` */
/* Starts watching and checking what is not yet watched or checked. 0 or -errno. */
int backend_watch(struct run_backend *backend);
/* Makes its check the one that conf asks for; from: the check it has now (NULL: none). */
void backend_check_update(struct run_backend *backend, const struct conf_service *conf,
			  bool changed);
/*
 * After its hop (news: in its state) or its service's way changed: decides whether it can be
 * reached and writes its target entry, unless that is to wait for the service's entry. Keeps both
 * as they are while the hop is being resolved.
 */
void backend_hop_update(struct run_backend *backend, bool news);
/* How it is reached, or why not, in words. */
const char *backend_way_format(const struct run_backend *backend, char *buf, unsigned int size);

/* --- serving.c: who serves --- */
/* Decides weight_now and serves_next of each member. 0 or -ENOMEM. */
int serving_evaluate(struct run_service *service);
/* Makes `serves` what was decided, in target entries and in rec->serves: before rows are stored. */
void serving_publish(struct run_service *service);
/* After they were: no row names what does not serve. */
void serving_published(struct run_service *service);
void serving_steps(uv_timer_t *timer); /* rec->steps is due */
void target_life_of(const struct run_backend *backend, struct target_life *out);
/* Writes it into the target entry. */
void target_life_update(const struct run_backend *backend);

/* --- leaving.c: backends that are removed --- */
/* Those that the plan does not want leave, or are gone. room: for all members; is kept. */
void backends_leave(struct run_service *service, struct run_backend **room);
void leaving_lost(struct run_service *service); /* those that do not serve any more */
/* service->leaving[i] has no flows any more, and no row names it. */
void leaving_empty(struct run_service *service, size_t i);
/* Whoever had the number is gone. named_by: whose rows may name it until they are stored again. */
void target_retire(struct reconcile *rec, __u16 target, struct run_service *named_by);
void retired_unnamed(struct run_service *service); /* its rows were stored */
/* Gives back the numbers that are clean. */
void retired_release(struct reconcile *rec);

/* --- publish.c --- */
int publish_init(struct reconcile *rec);  /* 0 or -ENOMEM */
void publish_free(struct reconcile *rec); /* memory only: its handles are closed by then */
/* Room for tables of row_count rows. 0 or -ENOMEM. */
int publish_reserve(struct reconcile *rec, __u32 row_count);
/* Its rows may have to change; urgent: before those of others. */
void service_dirty(struct run_service *service, bool urgent);
void service_clean(struct run_service *service); /* takes it off the list */
void publish_urgent(struct reconcile *rec);      /* what is urgent, now */
/* Its rows may have to change, but not before some more changes were waited for. */
void service_dirty_later(struct run_service *service);

/* --- tracking.c: rows that are not stable --- */
/* Whether rows need not tell who older flows are given to: then they are {owner, 0} always. */
bool rows_untracked(enum poise_mode mode, __u8 proto, __u16 flags);
/* Counts rows by kind and by backend. */
void rows_count(struct run_service *service);
/* Before rows change: lets them grow older by the time that has passed. */
void ages_advance(struct run_service *service);
/* Rows become want[]. */
void ages_follow(struct run_service *service, const struct row *want);
void ages_restart(struct run_service *service); /* the settle time begins anew */
/* Whether a pass that begins now can find rows to be stable; they are marked for it. */
bool ages_begin_pass(struct run_service *service, __u64 began_ns);
/* Settles rows that are old enough; with what a pass found (held, NULL: nothing) makes rows stable.
 */
void rows_judge(struct run_service *service, const __u8 *held);

/* --- plan.c --- */
struct plan_service {
	const struct conf_service *conf;
	struct run_service *run; /* existing, or new */
	bool is_new;
	struct run_backend **backends; /* conf's, in its order */
	struct run_backend **leaving;  /* room for those that leave and may have to */
	const char *new_table; /* what of it changed that needs one, in words; NULL: it has one */
	bool number_taken;
	__u32 number;
	struct lb_rows *rows;
};

struct plan {
	struct plan_service *services;
	size_t count;
};

/* Gets hold of everything that may fail; nothing that packets see changes. -EINVAL or -errno with
 * *error; then nothing is held. */
/* What its entry in `services` is found by. */
struct service_key service_key_of(const struct conf_service *conf);
int plan_make(struct reconcile *rec, const struct conf *conf, struct plan *plan,
	      struct conf_error *error);
void plan_undo(struct reconcile *rec, struct plan *plan);
void plan_free(struct plan *plan); /* memory only */

/* --- commit.c --- */
struct commit {
	struct run_service **services; /* room for the plan's */
	struct service_key *keys;      /* the same */
	struct run_service **removed;  /* room for those that run */
	size_t removed_count;
};

int commit_init(const struct reconcile *rec, const struct plan *plan, struct commit *commit);
void commit_free(struct commit *commit);
/* Leads packets to its table, by its flags, and has its targets lead them on by its mode. */
void service_entry_publish(struct run_service *run);
/* Publishes a plan. Cannot fail: what the kernel refuses is logged. */
void commit_run(struct reconcile *rec, struct conf *conf, struct plan *plan, struct commit *commit);

/* --- side_entries.c --- */
/* Address entries follow services and NAT's sources, entries for answers follow backends. remove:
 * those that are not wanted any more, too. What the kernel refuses is logged. */
void sides_publish(struct reconcile *rec, bool remove);

/* --- nat.c --- */
static inline bool nat_translates(enum poise_mode mode)
{
	return mode == MODE_NAT || mode == MODE_NAT_KEEP;
}

/* Takes over the sources that an earlier poised left. 0 or -errno. */
int nat_adopt(struct reconcile *rec);
/* Whether the table is not that of the service as it is to be: known flows would be taken for
 * others. */
bool nat_renumbers(const struct run_service *old, const struct conf_service *conf);
/* Gets hold of what conf needs and may fail: the NAT table, room for its sources. 0 or -errno with
 * *error. */
int nat_plan(struct reconcile *rec, const struct conf *conf, struct conf_error *error);
void nat_commit(struct reconcile *rec);         /* rec->conf is new: its sources, stored */
void nat_targets_update(struct reconcile *rec); /* whose sources are others now */
/* What a backend's target is to name, its hop being known. NULL, or in words why there is nothing.
 */
const char *nat_sources_of(const struct run_backend *backend, struct target_sources *out);
/* Says so, once, if what it answers comes by an interface where nobody translates it. */
void nat_hearing_tell(const struct run_backend *backend);
/* After a pass that found flows of sources_used[i]: takes away sources that nobody names. */
void nat_conclude(struct reconcile *rec, const __u8 *sources_used, __u64 began_ns);

#endif
