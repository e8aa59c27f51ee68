/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Some modes need more of the daemon than rows and targets: NAT's table and sources, sockets of
 * this host. The other modes need nothing of it: their backends' next hops are watched.
 *
 * A change of configuration calls the steps in the order in which they stand here, whether there
 * are services of such a mode or not.
 */
#ifndef POISE_MODE_WORK_H
#define POISE_MODE_WORK_H

#include "model/model.h"

/* Steps may be NULL. */
struct mode_work {
	bool (*is)(enum poise_mode mode); /* the modes that it is done for */

	/* Gets hold of what conf needs and may fail; nothing that packets see changes. 0, -EINVAL
	 * or -errno with *error. */
	int (*plan)(struct model *model, const struct conf *conf, struct conf_error *error);
	/* The plan came to nothing: gives back what it took. */
	void (*undo)(struct model *model);
	void (*conf_changed)(struct model *model); /* model->conf is new, its services are not */
	void (*services_changed)(struct model *model); /* they are, and not published */
	void (*published)(struct model *model);        /* packets are led by them */

	/* Checks say something new of a backend: looks whether it can be reached. */
	void (*look)(struct live_backend *backend);
};

int mode_work_plan(struct model *model, const struct conf *conf, struct conf_error *error);
void mode_work_undo(struct model *model);
void mode_work_conf_changed(struct model *model);
void mode_work_services_changed(struct model *model);
void mode_work_published(struct model *model);
void mode_work_look(struct live_backend *backend);

#endif
