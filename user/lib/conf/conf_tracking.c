// SPDX-License-Identifier: BSD-2-Clause
/* Answers about flows that follow from several keys together. */
#include <netinet/in.h>

#include "conf/conf_decode.h"

bool conf_tracks_always(const struct conf_service *service)
{
	return service->track_always || service->proto == IPPROTO_UDP ||
	       service->scheduler != SCHEDULER_MAGLEV;
}

__u32 conf_idle_ms(const struct conf *conf, const struct conf_service *service)
{
	/* Mode nat's own table remembers for longer than entries of this one can tell. */
	if (service->idle_timeout_ms)
		return service->idle_timeout_ms < CONF_MAX_FLOW_MS ? service->idle_timeout_ms
								   : CONF_MAX_FLOW_MS;
	return service->proto == IPPROTO_UDP ? conf->udp_idle_ms : conf->tcp_idle_ms;
}

__u32 conf_nat_idle_ms(const struct conf *conf, const struct conf_service *service)
{
	if (service->idle_timeout_ms)
		return service->idle_timeout_ms;
	return service->proto == IPPROTO_UDP ? conf->udp_idle_ms : conf->nat_idle_ms;
}

__u16 conf_backend_port(const struct conf_service *service, const struct conf_backend *backend)
{
	return backend->port ? backend->port : service->port;
}
