// SPDX-License-Identifier: BSD-2-Clause
/* What several keys say together of how flows are remembered. */
#include <netinet/in.h>

#include "conf.h"

bool conf_tracks_always(const struct conf_service *service)
{
	return service->track_always || service->proto == IPPROTO_UDP ||
	       service->scheduler != SCHEDULER_MAGLEV;
}

__u32 conf_idle_ms(const struct conf *conf, const struct conf_service *service)
{
	if (service->idle_timeout_ms)
		return service->idle_timeout_ms;
	return service->proto == IPPROTO_UDP ? conf->udp_idle_ms : conf->tcp_idle_ms;
}
