// SPDX-License-Identifier: BSD-2-Clause
/* A backend's target entry says how it can be reached, if it can. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "kernel/local.h"
#include "publish/publish_impl.h"

static void tx_port_enter(struct model *model, const struct nexthop *hop, enum poise_mode mode)
{
	int err;

	for (size_t i = 0; i < model->tx_port_count; i++)
		if (model->tx_ports[i] == hop->ifindex)
			return;
	err = lb_tx_port(model->deps.lb, hop->ifindex);
	if (err) {
		log_err("%s: cannot be a way out: %s", hop->ifname, strerror(-err));
		return;
	}
	if (!interface_balanced(model, hop->ifname) && !mode_has_replies(mode))
		log_warn("%s: backends are reached over it, but it is not one of `interfaces`: some"
			 " drivers send redirected packets only where an XDP program is attached",
			 hop->ifname);
	if (model->tx_port_count < POISE_MAX_TX_PORTS)
		model->tx_ports[model->tx_port_count++] = hop->ifindex;
}

static void target_write(const struct live_backend *backend, const struct target_sources *sources)
{
	const struct target_delivery *delivery = &backend->service->published_delivery;
	const struct target_endpoint endpoint = { .addr = backend->addr,
						  .port = backend->port,
						  .sources = *sources };
	struct model *model = backend->service->model;
	struct target_flow_times flow_times;
	struct target value;
	int err;

	if (mode_has_next_hop(delivery->mode))
		tx_port_enter(model, &backend->hop, delivery->mode);
	if (mode_has_replies(delivery->mode))
		nat_hearing_tell(backend);
	target_flow_times_of(backend, &flow_times);
	target_build(delivery, &flow_times, &endpoint, &backend->hop, &value);
	err = lb_target_set(model->deps.lb, backend->target, &value);
	if (err)
		log_err("targets: entry %u: %s", backend->target, strerror(-err));
}

/* Why a socket cannot be reached; NULL: it can. */
static const char *local_trouble(const struct live_backend *backend)
{
	switch (backend->found) {
	case LOCAL_FOUND:
		return NULL;
	case LOCAL_REFUSED:
		return "its server listens with Multipath TCP, which the kernel leads no"
		       " connections to: make it listen with TCP (Go: GODEBUG=multipathtcp=0)";
	default:
		return "nothing listens there";
	}
}

static const char *trouble_of(const struct live_backend *backend, char *buf, unsigned int size)
{
	if (mode_has_sockets(backend->service->delivery.mode))
		return local_trouble(backend);
	return target_trouble(&backend->service->delivery, &backend->hop, buf, size);
}

const char *backend_way_format(const struct live_backend *backend, char *buf, unsigned int size)
{
	const char *trouble = trouble_of(backend, buf, size);
	const char *elsewhere = mode_of(backend->service->delivery.mode)->hop_text;

	if (!trouble)
		trouble = backend->sourceless;
	if (trouble)
		return trouble;
	return elsewhere ? elsewhere : nexthop_format(&backend->hop, buf, size);
}

/* One line when it becomes unreachable or so for another reason, one when that is over. */
static void log_hop(struct live_backend *backend, const char *trouble, bool news)
{
	char id[ENDPOINT_TEXT_SIZE], text[160];

	endpoint_format(&backend->addr, backend->port, id);
	if (trouble && (news || !backend->troubled))
		log_warn("%s: backend %s cannot be reached: %s", backend->service->name, id,
			 trouble);
	else if (!trouble && backend->troubled)
		log_info("%s: backend %s can be reached again: %s", backend->service->name, id,
			 backend_way_format(backend, text, sizeof(text)));
	backend->troubled = trouble;
}

void backend_hop_update(struct live_backend *backend, bool news)
{
	const struct live_service *service = backend->service;
	bool was_reachable = backend->reachable;
	struct target_sources sources = { 0 };
	const char *trouble;
	char text[160];

	/* While it is looked for anew, what worked so far goes on. */
	if (!backend->hop_told || backend->hop.state == NEXTHOP_RESOLVING)
		return;
	trouble = trouble_of(backend, text, sizeof(text));
	backend->sourceless = NULL;
	if (!trouble && mode_has_nat_table(service->delivery.mode))
		trouble = backend->sourceless = nat_sources_of(backend, &sources);
	backend->reachable = !trouble;
	if (!trouble && target_delivery_equal(&service->published_delivery, &service->delivery))
		target_write(backend, &sources);
	if (backend->reachable != was_reachable)
		service_dirty_news(backend->service, !was_reachable && !backend->troubled);
	log_hop(backend, trouble, news);
}
