// SPDX-License-Identifier: BSD-2-Clause
/* Words of the configuration and the reports. */
#include "conf/conf_decode.h"

const char *const conf_xdp_names[] = {
	[XDP_MODE_AUTO] = "auto",
	[XDP_MODE_NATIVE] = "native",
	[XDP_MODE_GENERIC] = "generic",
};

const char *const conf_scheduler_names[SCHEDULER_MAX] = {
	[SCHEDULER_MAGLEV] = "maglev",
	[SCHEDULER_ROUNDROBIN] = "roundrobin",
	[SCHEDULER_LEASTCONN] = "leastconn",
	[SCHEDULER_RANDOM] = "random",
};

const char *const conf_admin_names[ADMIN_MAX] = {
	[ADMIN_READY] = "ready",
	[ADMIN_DRAIN] = "drain",
	[ADMIN_MAINT] = "maint",
};

const char *const conf_hash_names[2] = { "5-tuple", "source" };
const char *const conf_track_names[2] = { "auto", "always" };
const char *const conf_unavailable_names[2] = { "drop", "reject" };

static const char *const health_names[] = {
	[HEALTH_CHECKING] = "checking",
	[HEALTH_UP] = "up",
	[HEALTH_DOWN] = "down",
	[HEALTH_UNCHECKED] = "unchecked",
};

_Static_assert(ARRAY_SIZE(health_names) == HEALTH_MAX, "name every health");

/* Values come from pinned maps, too, which may hold anything. */
const char *scheduler_name(enum poise_scheduler scheduler)
{
	return scheduler < SCHEDULER_MAX ? conf_scheduler_names[scheduler] : "?";
}

const char *admin_name(enum poise_admin admin)
{
	return admin < ADMIN_MAX ? conf_admin_names[admin] : "?";
}

const char *health_name(enum poise_health health)
{
	return health < HEALTH_MAX ? health_names[health] : "?";
}
