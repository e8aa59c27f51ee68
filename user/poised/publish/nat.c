// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services in mode nat need two things beside rows and targets: the NAT table and nat_sources.
 *
 * A source is stored before its address entry, and that before a target names it: answers to what
 * packets send from it find their flow. It goes the other way round, once no target and no flow
 * names it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "publish/publish_impl.h"

static const struct addr no_addr;

int nat_adopt(struct model *model)
{
	struct nat_source value;
	struct addr addr;

	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		int err = lb_nat_source_get(model->deps.lb, i, &value);

		if (err)
			return err;
		memcpy(addr.b, value.addr, sizeof(addr.b));
		if (!addr_equal(&addr, &no_addr))
			nat_sources_adopt(&model->nat.sources, i, &addr);
	}
	return 0;
}

bool nat_renumbers(const struct live_service *old, const struct conf_service *conf)
{
	bool nat = mode_has_nat_table(conf->mode);

	if (nat != mode_has_nat_table(old->delivery.mode))
		return true;
	return nat && (old->delivery.port != conf->port ||
		       memcmp(old->key.addr, conf->addr.b, sizeof(old->key.addr)) != 0);
}

static bool has_nat(const struct conf *conf)
{
	for (size_t i = 0; i < conf->service_count; i++)
		if (mode_has_nat_table(conf->services[i].mode))
			return true;
	return false;
}

int nat_plan(struct model *model, const struct conf *conf, struct conf_error *error)
{
	struct lb_error why = { "" };
	int err;

	if (!has_nat(conf))
		return 0;
	err = lb_nat_make(model->deps.lb, &why);
	if (err) {
		snprintf(error->text, sizeof(error->text), "%s", why.text);
		return err;
	}
	if (nat_sources_room(&model->nat.sources, conf->nat_sources, conf->nat_source_count))
		return 0;
	snprintf(error->path, sizeof(error->path), "nat_sources");
	snprintf(error->text, sizeof(error->text),
		 "nat_sources: no room for %zu addresses beside those that older connections have: "
		 "%d in all; try again once these have ended",
		 conf->nat_source_count, POISE_MAX_NAT_SOURCES);
	return -EINVAL;
}

/* Stores the sources that the kernel does not know yet. */
void nat_sources_store(struct model *model)
{
	bool stored = false;

	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		struct nat_source_slot *slot = &model->nat.sources.slots[i];
		struct nat_source value;
		int err;

		if (!slot->used || slot->stored)
			continue;
		memcpy(value.addr, slot->addr.b, sizeof(value.addr));
		err = lb_nat_source_set(model->deps.lb, i, &value);
		if (err)
			log_err("nat_sources: entry %u: %s", i, strerror(-err));
		slot->stored = stored = true;
	}
	if (stored)
		extra_entries_publish(model, false);
}

void nat_split_tell(struct model *model)
{
	const struct nat_sources *sources = &model->nat.sources;
	size_t listed = 0,
	       run = nat_sources_run(sources, true).count + nat_sources_run(sources, false).count;

	for (size_t i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		listed += sources->slots[i].used && sources->slots[i].listed;
	if (run < listed && !model->nat.split_told)
		log_warn("nat_sources: new connections are given %zu of %zu addresses, until older"
			 " connections of the others, or of addresses between them that were taken"
			 " away, have ended",
			 run, listed);
	model->nat.split_told = run < listed;
}

void nat_commit(struct model *model)
{
	const struct conf *conf = model->conf;

	nat_sources_list(&model->nat.sources, conf->nat_sources,
			 has_nat(conf) ? conf->nat_source_count : 0);
	nat_sources_store(model);
	nat_split_tell(model);
}

const char *nat_sources_of(const struct live_backend *backend, struct target_sources *out)
{
	struct model *model = backend->service->model;
	const struct addr *source = &backend->hop.source;
	bool v4 = addr_is_v4(&backend->addr);
	int index;

	*out = nat_sources_run(&model->nat.sources, v4);
	if (out->count)
		return NULL;
	if (addr_equal(source, &no_addr) || addr_is_v4(source) != v4)
		return "no address to send from: `nat_sources` may name one";
	index = nat_sources_take(&model->nat.sources, source);
	if (index < 0)
		return "no room for another address to send from";
	nat_sources_store(model);
	*out = (struct target_sources){ .first = index, .count = 1 };
	return NULL;
}

void nat_hearing_tell(const struct live_backend *backend)
{
	struct model *model = backend->service->model;
	const struct nexthop *hop = &backend->hop;
	bool deaf = !interface_balanced(model, hop->ifname);

	for (size_t i = 0; i < model->tx_port_count; i++) {
		if (model->tx_ports[i] != hop->ifindex)
			continue;
		if (deaf && !model->tx_port_deaf[i])
			log_warn("%s: backends by nat are reached over it, but it is not one of"
				 " `interfaces`: what they answer is not translated unless it comes"
				 " by one that is: add %s to `interfaces`",
				 hop->ifname, hop->ifname);
		model->tx_port_deaf[i] = deaf;
	}
}
