/* SPDX-License-Identifier: BSD-2-Clause */
/* When a backend's health changes: a pure function of its past and of one more check. */
#ifndef POISE_HEALTH_H
#define POISE_HEALTH_H

#include <stdbool.h>

#include "conf/conf.h"

/* Tells whether a backend of this health may serve. */
static inline bool health_usable(enum poise_health health)
{
	return health == HEALTH_UP || health == HEALTH_UNCHECKED;
}

struct health_state {
	enum poise_health health;
	__u32 streak; /* results in a row that speak against `health` */
};

/*
 * Takes in one result. CHECKING ends with it; UP becomes DOWN after `fall` failures in a row, DOWN
 * becomes UP after `rise` passes in a row. Returns the health from now on.
 */
enum poise_health health_next(struct health_state *state, bool passed,
			      const struct conf_check *conf);

#endif
