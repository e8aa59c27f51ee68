/* SPDX-License-Identifier: BSD-2-Clause */
/* The configured interfaces: there, attached, detached. */
#ifndef POISE_INTERFACES_H
#define POISE_INTERFACES_H

#include "conf/conf.h"
#include "kernel/lb.h"

/*
 * Refuses interfaces that do not exist, unless `running` (NULL: nothing runs) has them already: one
 * that went away stops nobody from changing something else. 0 or -EINVAL with *error.
 */
int interfaces_validate(const struct conf *conf, const struct conf *running,
			const conf_marks *marks, struct conf_error *error);

/* Links as they are now, to be freed; NULL without memory. */
struct lb_link *interfaces_links(const struct lb *lb, size_t *count);

/* True if a link's interface exists in this network namespace. */
bool interface_here(const struct lb_link *link);

/* Attaches to each that exists. 0 or -errno with *error: interfaces_restore() undoes the rest. */
int interfaces_attach(struct lb *lb, const struct conf *conf, struct conf_error *error);

/* Detaches from those that links[] do not have. */
void interfaces_restore(struct lb *lb, const struct lb_link *links, size_t count);

/* Detaches from those that are not configured. */
void interfaces_detach(struct lb *lb, const struct conf *conf);

#endif
