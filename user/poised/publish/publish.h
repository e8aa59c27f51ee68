/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the model to what packets see: who serves, targets, rows, entries. */
#ifndef POISE_PUBLISH_H
#define POISE_PUBLISH_H

#include "model/model.h"
#include "rows/row.h"

/* --- names.c --- */
void target_name_write(const struct live_backend *backend);
void service_name_write(const struct live_service *service);

/* --- backend.c: events of one backend --- */
/* Starts watching and checking what is not yet watched or checked. 0 or -errno. */
int backend_watch(struct live_backend *backend);
/* Makes its check the one that conf asks for; from: the check it has now (NULL: none). */
void backend_check_update(struct live_backend *backend, const struct conf_service *conf,
			  bool changed);

/* --- reach.c --- */
/*
 * After its hop (news: in its state) or its service's delivery changed: decides whether it can be
 * reached and writes its target entry, unless that is to wait for the service's entry. Keeps both
 * as they are while the hop is being resolved.
 */
void backend_hop_update(struct live_backend *backend, bool news);
/* How it is reached, or why not, in words. */
const char *backend_way_format(const struct live_backend *backend, char *buf, unsigned int size);

/* --- serving.c: who serves --- */
/* Decides weight_now and serves_next of each member. 0 or -ENOMEM. */
int serving_evaluate(struct live_service *service);
/* Makes `serves` what was decided, in target entries and in model->serves: before rows are stored.
 */
void serving_publish(struct live_service *service);
/* After they were: no row names what does not serve. */
void serving_published(struct live_service *service);
void serving_steps(uv_timer_t *timer); /* model->steps is due */
void target_flow_times_of(const struct live_backend *backend, struct target_flow_times *out);
/* Writes it into the target entry. */
void target_flow_times_update(const struct live_backend *backend);

/* --- leaving.c: backends that are removed --- */
/* Those that the plan does not want leave, or are gone. room: for all members; is kept. */
void backends_leave(struct live_service *service, struct live_backend **room);
void leaving_lost(struct live_service *service); /* those that do not serve any more */
/* service->leaving[i] has no flows any more, and no row names it. */
void leaving_empty(struct live_service *service, size_t i);
/* Whoever had the number is gone. named_by: whose rows may name it until they are stored again. */
void target_retire(struct model *model, __u16 target, struct live_service *named_by);
void retired_unnamed(struct live_service *service); /* its rows were stored */
/* Gives back the numbers that are clean. */
void retired_release(struct model *model);

/* --- publish.c --- */
int publish_init(struct model *model);  /* 0 or -ENOMEM */
void publish_free(struct model *model); /* memory only: its handles are closed by then */
/* Room for tables of row_count rows. 0 or -ENOMEM. */
int publish_reserve(struct model *model, __u32 row_count);
void publish_urgent(struct model *model); /* what is urgent, now */

/* --- entry.c --- */
/* Leads packets to its table, by its flags, and has its targets lead them on by its mode. */
void service_entry_publish(struct live_service *service);

/* --- row_kinds.c --- */
/* True if rows need not tell who has older flows. They are {owner, 0} always then. */
bool rows_untracked(enum poise_mode mode, __u8 proto, __u16 flags);
/* Counts rows by kind and by backend. */
void rows_count(struct live_service *service);

/* --- row_settle.c: rows that are not stable --- */
/* Before rows change: lets them grow older by the time that has passed. */
void ages_advance(struct live_service *service);
/* Rows become want[]. */
void ages_follow(struct live_service *service, const struct row *want);
void ages_restart(struct live_service *service); /* the settle time begins anew */
/* True if a sweep that begins now can find rows to be stable. Marks these rows for it. */
bool ages_begin_sweep(struct live_service *service, __u64 began_ns);
/* Settles rows that are old enough; with what a sweep found (held, NULL: nothing) makes rows
 * stable.
 */
void rows_judge(struct live_service *service, const __u8 *held);

/* --- extra_entries.c --- */
/* Address entries follow services and NAT's sources, entries for answers follow backends. remove:
 * those that are not wanted any more, too. What the kernel refuses is logged. */
void extra_entries_publish(struct model *model, bool remove);

/* --- nat.c --- */
/* Takes over the sources that an earlier poised left. 0 or -errno. */
int nat_adopt(struct model *model);
/* True if known flows would be taken for others once the service is as conf says, so that it needs
 * a table, and a number, of its own. */
bool nat_renumbers(const struct live_service *old, const struct conf_service *conf);
/* Gets hold of what conf needs and may fail: the NAT table, room for its sources. 0 or -errno with
 * *error. */
int nat_plan(struct model *model, const struct conf *conf, struct conf_error *error);
void nat_commit(struct model *model); /* model->conf is new: its sources, stored */

/* --- nat_targets.c --- */
void nat_targets_update(struct model *model); /* whose sources are others now */
/* After a sweep that found flows of sources_used[i]: takes away sources that nobody names. */
void nat_conclude(struct model *model, const __u8 *sources_used, __u64 began_ns);

#endif
