/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what is wanted to what packets see: configuration x health x next hop -> usable backends ->
 * targets and rows -> published. Start, reload, API call, health and next hop change all end here.
 *
 * Services are known by name, backends by service, address and port; numbers in maps follow.
 */
#ifndef POISE_RECONCILE_H
#define POISE_RECONCILE_H

#include <jansson.h>

#include "model/model.h"
#include "sweeper/sweeper.h"

int reconcile_open(const struct model_deps *deps, struct model **out); /* 0 or -errno */
/* Stops checks and watches; what was published stays. NULL is fine. Its loop must run once more. */
void reconcile_close(struct model *model);

/*
 * Takes over what an earlier poised published: numbers, tables, rows, health. Once, before the
 * first reconcile_apply. 0 or -errno.
 */
int reconcile_adopt(struct model *model);

/*
 * Makes conf what is published and watched, as a whole or, on an error, not at all. Has published
 * when it returns. Takes conf over on success. 0, -EINVAL with *error, -ENOMEM or -errno with it.
 */
int reconcile_apply(struct model *model, struct conf *conf, struct conf_error *error);

/*
 * Returns -EAGAIN if reconcile_apply() would refuse conf only because numbers of backends that are
 * gone have not come free yet. reconcile_await() tells when to try again. Otherwise 0 or -ENOMEM.
 */
int reconcile_room(struct model *model, const struct conf *conf);
/* wait->done is called once what was missing has come free, or will not. */
void reconcile_await(struct model *model, struct sweep_wait *wait);
/* The same, before the loop runs: returns then. */
void reconcile_wait(struct model *model);

/* The health of each backend for the state file, and back (of backends already adopted). */
json_t *reconcile_health_encode(const struct model *model);
void reconcile_health_restore(struct model *model, const json_t *health);

const struct conf *reconcile_conf(const struct model *model); /* NULL before the first apply */

#endif
