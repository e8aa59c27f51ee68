// SPDX-License-Identifier: BSD-2-Clause
/*
 * What services by nat need beside rows and targets: the NAT table, and sources in nat_sources.
 *
 * A source is stored before its address entry, and that before a target names it: answers to what
 * packets send from it find their flow. It goes the other way round, once no target and no flow
 * names it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"
#include "pass.h"

static const struct addr no_addr;

int nat_adopt(struct reconcile *rec)
{
	struct nat_source value;
	struct addr addr;

	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		int err = lb_nat_source_get(rec->deps.lb, i, &value);

		if (err)
			return err;
		memcpy(addr.b, value.addr, sizeof(addr.b));
		if (!addr_equal(&addr, &no_addr))
			nat_sources_adopt(&rec->nat.sources, i, &addr);
	}
	return 0;
}

bool nat_renumbers(const struct run_service *old, const struct conf_service *conf)
{
	bool nat = conf->mode == MODE_NAT;

	if (nat != (old->way.mode == MODE_NAT))
		return true;
	return nat && (old->way.port != conf->port ||
		       memcmp(old->key.addr, conf->addr.b, sizeof(old->key.addr)) != 0);
}

static bool has_nat(const struct conf *conf)
{
	for (size_t i = 0; i < conf->service_count; i++)
		if (conf->services[i].mode == MODE_NAT)
			return true;
	return false;
}

int nat_plan(struct reconcile *rec, const struct conf *conf, struct conf_error *error)
{
	struct lb_error why = { "" };
	int err;

	if (!has_nat(conf))
		return 0;
	err = lb_nat_make(rec->deps.lb, &why);
	if (err) {
		snprintf(error->text, sizeof(error->text), "%s", why.text);
		return err;
	}
	if (nat_sources_room(&rec->nat.sources, conf->nat_sources, conf->nat_source_count))
		return 0;
	snprintf(error->path, sizeof(error->path), "nat_sources");
	snprintf(error->text, sizeof(error->text),
		 "nat_sources: no room for %zu addresses beside those that older connections have: "
		 "%d in all; try again once these have ended",
		 conf->nat_source_count, POISE_MAX_NAT_SOURCES);
	return -EINVAL;
}

/* What the kernel does not know yet. */
static void sources_store(struct reconcile *rec)
{
	bool stored = false;

	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		struct nat_source_slot *slot = &rec->nat.sources.slots[i];
		struct nat_source value;
		int err;

		if (!slot->used || slot->stored)
			continue;
		memcpy(value.addr, slot->addr.b, sizeof(value.addr));
		err = lb_nat_source_set(rec->deps.lb, i, &value);
		if (err)
			log_err("nat_sources: entry %u: %s", i, strerror(-err));
		slot->stored = stored = true;
	}
	if (stored)
		sides_publish(rec, false);
}

static void split_tell(struct reconcile *rec)
{
	const struct nat_sources *sources = &rec->nat.sources;
	size_t listed = 0,
	       run = nat_sources_run(sources, true).count + nat_sources_run(sources, false).count;

	for (size_t i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		listed += sources->slots[i].used && sources->slots[i].listed;
	if (run < listed && !rec->nat.split_told)
		log_warn("nat_sources: new connections are given %zu of %zu addresses, until older"
			 " connections of the others, or of addresses between them that were taken"
			 " away, have ended",
			 run, listed);
	rec->nat.split_told = run < listed;
}

void nat_commit(struct reconcile *rec)
{
	const struct conf *conf = rec->conf;

	nat_sources_list(&rec->nat.sources, conf->nat_sources,
			 has_nat(conf) ? conf->nat_source_count : 0);
	sources_store(rec);
	split_tell(rec);
}

const char *nat_sources_of(const struct run_backend *backend, struct target_sources *out)
{
	struct reconcile *rec = backend->service->rec;
	const struct addr *source = &backend->hop.source;
	bool v4 = addr_is_v4(&backend->addr);
	int index;

	*out = nat_sources_run(&rec->nat.sources, v4);
	if (out->count)
		return NULL;
	if (addr_equal(source, &no_addr) || addr_is_v4(source) != v4)
		return "no address to send from: `nat_sources` may name one";
	index = nat_sources_take(&rec->nat.sources, source);
	if (index < 0)
		return "no room for another address to send from";
	sources_store(rec);
	*out = (struct target_sources){ .first = index, .count = 1 };
	return NULL;
}

void nat_hearing_tell(const struct run_backend *backend)
{
	struct reconcile *rec = backend->service->rec;
	const struct nexthop *hop = &backend->hop;
	bool deaf = !interface_balanced(rec, hop->ifname);

	for (size_t i = 0; i < rec->tx_port_count; i++) {
		if (rec->tx_ports[i] != hop->ifindex)
			continue;
		if (deaf && !rec->tx_port_deaf[i])
			log_warn("%s: backends by nat are reached over it, but it is not one of"
				 " `interfaces`: what they answer is not translated unless it comes"
				 " by one that is: add %s to `interfaces`",
				 hop->ifname, hop->ifname);
		rec->tx_port_deaf[i] = deaf;
	}
}

static bool names_others(const struct run_backend *backend)
{
	struct target_sources sources;
	struct target value;

	/* There may be one now. */
	if (backend->sourceless)
		return true;
	if (!backend->hop_told || backend->hop.state != NEXTHOP_READY ||
	    lb_target_get(backend->service->rec->deps.lb, backend->target, &value) ||
	    value.mode != MODE_NAT || nat_sources_of(backend, &sources))
		return false;
	return value.nat.first_source != sources.first || value.nat.source_count != sources.count;
}

void nat_targets_update(struct reconcile *rec)
{
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *service = rec->services[i];

		for (size_t j = 0; service->way.mode == MODE_NAT && j < service_members(service);
		     j++)
			if (names_others(service_member(service, j)))
				backend_hop_update(service_member(service, j), false);
	}
}

/* ---- sources that nobody names */

static void named_mark(const struct reconcile *rec, bool named[POISE_MAX_NAT_SOURCES])
{
	struct target value;

	for (__u32 i = 1; i < lb_max_targets(rec->deps.lb); i++) {
		if (lb_target_get(rec->deps.lb, i, &value) || value.mode != MODE_NAT)
			continue;
		for (__u32 j = 0; j < value.nat.source_count; j++)
			named[(value.nat.first_source + j) % POISE_MAX_NAT_SOURCES] = true;
	}
}

/* Those that no target has named since before the pass began, and the pass found no flow of. */
static bool is_idle(struct nat_source_slot *slot, bool named, bool flows, __u64 began_ns)
{
	if (named)
		slot->unnamed_ns = 0;
	else if (!slot->unnamed_ns)
		slot->unnamed_ns = now_ns();
	return slot->unnamed_ns && slot->unnamed_ns <= began_ns - IN_FLIGHT_NS && !flows;
}

void nat_conclude(struct reconcile *rec, const __u8 *sources_used, __u64 began_ns)
{
	static const struct nat_source none;
	struct nat_sources *sources = &rec->nat.sources;
	bool named[POISE_MAX_NAT_SOURCES] = { false }, gone[POISE_MAX_NAT_SOURCES] = { false };
	bool any_gone = false;

	named_mark(rec, named);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		struct nat_source_slot *slot = &sources->slots[i];

		if (!slot->used || !is_idle(slot, named[i], sources_used[i], began_ns))
			continue;
		gone[i] = !slot->listed || nat_sources_adjoin(sources, i);
		any_gone |= gone[i];
		if (!slot->listed)
			nat_sources_drop(sources, i);
	}
	if (!any_gone)
		return;
	sources_store(rec);
	sides_publish(rec, true);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		if (gone[i] && !sources->slots[i].used)
			lb_nat_source_set(rec->deps.lb, i, &none);
	nat_targets_update(rec);
	split_tell(rec);
}
