// SPDX-License-Identifier: BSD-2-Clause
#include "health/health.h"

static enum poise_health settle(struct health_state *state, enum poise_health health)
{
	state->health = health;
	state->streak = 0;
	return health;
}

enum poise_health health_next(struct health_state *state, bool passed,
			      const struct conf_check *conf)
{
	bool down = state->health == HEALTH_DOWN;

	if (state->health == HEALTH_CHECKING)
		return settle(state, passed ? HEALTH_UP : HEALTH_DOWN);
	/* Unchecked was taken as up: it goes on as up, and no single failure takes it down. */
	if (passed != down)
		return settle(state, down ? HEALTH_DOWN : HEALTH_UP);
	state->streak++;
	if (state->streak >= (down ? conf->rise : conf->fall))
		return settle(state, down ? HEALTH_UP : HEALTH_DOWN);
	return state->health;
}
