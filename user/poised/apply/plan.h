/* SPDX-License-Identifier: BSD-2-Clause */
/* The first half of a change: what stays, what is new, and all that may fail. */
#ifndef POISE_PLAN_H
#define POISE_PLAN_H

#include "model/model.h"

struct plan_service {
	const struct conf_service *conf;
	struct live_service *service; /* existing, or new */
	bool is_new;
	struct live_backend **backends; /* conf's, in its order */
	struct live_backend **leaving;  /* room for those that leave and may have to */
	const char *new_table; /* what of it changed that needs one, in words; NULL: it has one */
	bool number_taken;
	__u32 number;
	struct lb_rows *rows;
};

struct plan {
	struct plan_service *services;
	size_t count;
};

/*
 * Returns -EAGAIN if there are too few numbers for the new backends of conf, while a sweep may free
 * those of backends that are gone. Otherwise 0 or -ENOMEM.
 */
int plan_room(struct model *model, const struct conf *conf);
/* Gets hold of everything that may fail; nothing that packets see changes. -EINVAL or -errno with
 * *error; then nothing is held. */
int plan_make(struct model *model, const struct conf *conf, struct plan *plan,
	      struct conf_error *error);
void plan_undo(struct model *model, struct plan *plan);
void plan_free(struct plan *plan); /* memory only */

#endif
