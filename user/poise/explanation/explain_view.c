// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "mode/mode.h"
#include "explanation/explain_view.h"
#include "explanation/explain_words.h"
#include "print/json.h"

static const char *const why_names[] = {
	[EXPLAIN_NO_BACKEND] = "no_backend", [EXPLAIN_NAT] = "nat",
	[EXPLAIN_STABLE] = "stable",         [EXPLAIN_ENTRY] = "entry",
	[EXPLAIN_PREVIOUS] = "previous",     [EXPLAIN_CURRENT] = "current",
	[EXPLAIN_NEXT_ROW] = "next_row",     [EXPLAIN_REFUSED] = "refused",
	[EXPLAIN_SCHEDULED] = "scheduled",
};

/* ---- JSON */

static json_t *mac_encode(const __u8 mac[6])
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
			    mac[5]);
}

/* As packets find it. null: not in use, so that they are dropped. */
static json_t *next_hop_encode(const struct target *target)
{
	const struct mode_ops *ops = mode_of(target->mode);
	char ifname[IF_NAMESIZE];
	json_t *hop;

	if (!mode_has_next_hop(target->mode))
		return json_null();
	if (!if_indextoname(target->ifindex, ifname))
		snprintf(ifname, sizeof(ifname), "if%u", target->ifindex);
	hop = json_pack("{s:s, s:I, s:o, s:o, s:i}", "interface", ifname, "ifindex",
			(json_int_t)target->ifindex, "mac", mac_encode(target->dst_mac),
			"source_mac", mac_encode(target->src_mac), "mtu", (int)target->mtu);
	if (ops->show)
		ops->show(target, hop);
	return hop;
}

/* Finds a backend in what poised says of the service. NULL: it is not there. */
static const json_t *known(const struct explain_report *report, const char *id)
{
	static const char *const lists[] = { "backends", "leaving" };
	const json_t *backend;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		json_array_foreach (json_object_get(report->service, lists[i]), k, backend) {
			if (!strcmp(member_text(backend, "id"), id))
				return backend;
		}
	}
	return NULL;
}

/* null for nobody. */
static json_t *target_encode(const struct explain_report *report, __u16 target)
{
	char id[ENDPOINT_TEXT_SIZE];

	if (!target || target == ROW_TRACKED)
		return json_null();
	return json_pack("{s:i, s:s}", "target", (int)target, "id",
			 explain_target_text(report, target, id));
}

static json_t *backend_encode(const struct explain_report *report, __u16 number)
{
	json_t *tree = target_encode(report, number);
	const struct target_name *name;
	const struct target *target;
	const json_t *told;

	if (!json_is_object(tree) || number >= report->names->target_count)
		return tree;
	target = &report->targets[number];
	name = &report->names->targets[number];
	told = known(report, member_text(tree, "id"));
	json_object_set_new(tree, "mode", json_string(mode_name(target->mode)));
	json_object_set_new(tree, "state",
			    json_string(name->flags & TARGET_NAME_LEAVING
						? "leaving"
						: admin_name(name->admin)));
	json_object_set_new(tree, "health", json_string(health_name(name->health)));
	json_object_set_new(tree, "next_hop", next_hop_encode(target));
	if (told)
		json_object_set(tree, "route", json_object_get(told, "next_hop"));
	return tree;
}

static json_t *choice_encode(const struct explain_report *report,
			     const struct explain_choice *choice, bool fresh)
{
	char reason[512];

	explain_reason(report, choice, fresh, reason, sizeof(reason));
	return json_pack("{s:s, s:s, s:o}", "why", why_names[choice->why], "reason", reason,
			 "backend", backend_encode(report, choice->target));
}

static json_t *row_encode(const struct explain_report *report)
{
	const struct explanation *flow = report->flow;
	const struct row row = flow->row;
	char text[512];

	return json_pack("{s:I, s:I, s:s, s:s, s:o, s:o}", "index", (json_int_t)flow->row_index,
			 "count", (json_int_t)flow->service.row_count, "kind",
			 !row_tracks(row)                     ? "stable"
			 : row.previous_target == ROW_TRACKED ? "tracked"
							      : "moving",
			 "text", explain_row_text(report, text, sizeof(text)), "current",
			 target_encode(report, row.current_target), "previous",
			 target_encode(report, row.previous_target));
}

static json_t *entry_encode(const struct explain_report *report)
{
	static const char *const states[] = { "new", "established", "closing", "reset" };
	const struct explanation *flow = report->flow;
	int left = flow->entry_left_ticks;
	char id[ENDPOINT_TEXT_SIZE];

	/* The row is stable again: packets do not look at an entry that is left. */
	if (!flow->entry || !row_tracks(flow->row))
		return json_null();
	return json_pack("{s:i, s:s, s:s, s:b, s:I, s:b}", "target",
			 (int)flow_entry_target(flow->entry), "id",
			 explain_target_text(report, flow_entry_target(flow->entry), id), "state",
			 states[flow_entry_state(flow->entry)], "expired", left < 0, "expires_s",
			 (json_int_t)(left < 0 ? 0 : left * report->tick_ms / 1000), "serves",
			 flow->entry_serves);
}

/* null: the table has no such flow. */
static json_t *nat_encode(const struct explain_report *report)
{
	const struct explain_nat *nat = &report->flow->nat;
	__u32 flags = nat_word_flags(nat->word);
	char id[ENDPOINT_TEXT_SIZE], source[ENDPOINT_TEXT_SIZE];
	int left = nat->left_ticks;

	if (!nat->word)
		return json_null();
	return json_pack("{s:i, s:s, s:s, s:s, s:b, s:I, s:b}", "target", (int)nat->entry.target,
			 "id", explain_target_text(report, nat->entry.target, id), "source",
			 endpoint_format(&nat->source, ntohs(nat->entry.nat_port), source), "state",
			 explain_nat_state(flags), "expired", left < 0, "expires_s",
			 (json_int_t)(left < 0 ? 0 : left * report->tick_ms / 1000), "serves",
			 nat->serves);
}

json_t *explain_encode(const struct explain_report *report)
{
	const struct explanation *flow = report->flow;
	const __u16 flags = flow->service.flags;
	bool fresh = report->connects && !(flags & SERVICE_HASH_SOURCE);
	json_t *tree;

	tree = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "source", report->source,
		"destination", report->dest, "service", flow->name.name, "mode",
		mode_name(flow->name.mode), "scheduler", scheduler_name(explain_scheduler(flags)),
		"hash", flags & SERVICE_HASH_SOURCE ? "source" : "5-tuple", "flow_hash",
		json_sprintf("%016llx", (unsigned long long)flow->hash), "row", row_encode(report),
		"entry", entry_encode(report), "first", choice_encode(report, &flow->first, fresh),
		"others", choice_encode(report, &flow->others, false));
	if (explain_is_nat(flow))
		json_object_set_new(tree, "nat", nat_encode(report));
	/* "source" is the client. */
	if (mode_source(flow->name.mode))
		json_object_set_new(tree, "nat_source", json_string(mode_source(flow->name.mode)));
	return tree;
}

/* ---- for people */

#define LINE "%-11s"

static void print_expiry(const json_t *entry)
{
	if (json_is_true(json_object_get(entry, "expired")))
		puts("expired");
	else
		printf("expires in about %llu s\n",
		       (unsigned long long)member_number(entry, "expires_s"));
}

static void print_entry(const json_t *tree)
{
	const json_t *entry = json_object_get(tree, "entry");
	const char *known = mode_of(mode_find(member_text(tree, "mode"), NULL))->flow_text;
	bool stable = !strcmp(member_text(json_object_get(tree, "row"), "kind"), "stable");

	if (stable) {
		printf(LINE "no: %s\n", "tracked",
		       known ? known : "the row is stable, its flows need no tracking");
		return;
	}
	if (!json_is_object(entry)) {
		printf(LINE "no: the flow table has no entry\n", "tracked");
		return;
	}
	printf(LINE "yes: %s, with %s, ", "tracked", member_text(entry, "state"),
	       member_text(entry, "id"));
	print_expiry(entry);
}

static void print_nat(const json_t *tree)
{
	const json_t *nat = json_object_get(tree, "nat");

	if (!json_is_object(nat)) {
		printf(LINE "no: the NAT table has no such flow\n", "translated");
		return;
	}
	printf(LINE "yes: from %s, %s, with %s, ", "translated", member_text(nat, "source"),
	       member_text(nat, "state"), member_text(nat, "id"));
	print_expiry(nat);
}

/* Where packets leave, as the target says, and how poised came by it. */
static void print_backend(const json_t *backend)
{
	const char *elsewhere = mode_of(mode_find(member_text(backend, "mode"), NULL))->hop_text;
	const json_t *hop = json_object_get(backend, "next_hop");

	if (!json_is_object(backend))
		return;
	if (elsewhere) {
		printf(LINE "none: %s\n", "  next hop", elsewhere);
	} else if (!json_is_object(hop)) {
		printf(LINE "none: packets are dropped as no_target\n", "  next hop");
	} else {
		printf(LINE "%s, to %s", "  next hop", member_text(hop, "interface"),
		       member_text(hop, "mac"));
		if (json_object_get(hop, "outer_destination"))
			printf(", in %s from %s to %s", member_text(backend, "mode"),
			       member_text(hop, "outer_source"),
			       member_text(hop, "outer_destination"));
		if (json_object_get(hop, "destination"))
			printf(", as %s port %llu", member_text(hop, "destination"),
			       (unsigned long long)member_number(hop, "destination_port"));
		if (json_object_get(hop, "outer_port"))
			printf(" port %llu", (unsigned long long)member_number(hop, "outer_port"));
		putchar('\n');
	}
	if (json_object_get(backend, "route"))
		printf(LINE "%s\n", "  route", member_text(backend, "route"));
	printf(LINE "%s, %s\n", "  backend", member_text(backend, "health"),
	       member_text(backend, "state"));
}

/* same: the backend is told of elsewhere. */
static void print_answer(const char *what, const json_t *choice, bool same)
{
	const json_t *backend = json_object_get(choice, "backend");

	if (json_is_object(backend))
		printf(LINE "%s: %s\n", what, member_text(backend, "id"),
		       member_text(choice, "reason"));
	else
		printf(LINE "%s\n", what, member_text(choice, "reason"));
	if (!same)
		print_backend(backend);
}

/* The packet that begins a flow of the destination's protocol. */
static const char *opening_packet(const json_t *tree)
{
	const char *protocol = strrchr(member_text(tree, "destination"), '/');

	return protocol && !strcmp(protocol, "/sctp") ? "an INIT" : "a SYN";
}

void explain_print(const json_t *tree)
{
	const json_t *row = json_object_get(tree, "row");
	const json_t *first = json_object_get(tree, "first");
	const json_t *others = json_object_get(tree, "others");
	enum poise_mode mode;

	printf(LINE "%s to %s\n", "flow", member_text(tree, "source"),
	       member_text(tree, "destination"));
	mode = mode_find(member_text(tree, "mode"),
			 json_string_value(json_object_get(tree, "nat_source")));
	printf(LINE "%s (%s, %s, hash %s)\n", "service", member_text(tree, "service"),
	       mode_of(mode)->label, member_text(tree, "scheduler"), member_text(tree, "hash"));
	printf(LINE "%llu of %llu, %s\n", "row", (unsigned long long)member_number(row, "index"),
	       (unsigned long long)member_number(row, "count"), member_text(row, "text"));
	if (json_object_get(tree, "nat"))
		print_nat(tree);
	/* Whole clients are in the other table. */
	if (!json_object_get(tree, "nat") || strcmp(member_text(row, "kind"), "stable"))
		print_entry(tree);
	if (json_equal(first, others)) {
		print_answer("answer", first, false);
		return;
	}
	print_answer(
		opening_packet(tree), first,
		json_equal(json_object_get(first, "backend"), json_object_get(others, "backend")));
	print_answer("others", others, false);
}
