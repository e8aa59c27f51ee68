// SPDX-License-Identifier: BSD-2-Clause
/* Sentences about rows and choices. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "mode/mode.h"
#include "explanation/explain_view.h"
#include "explanation/explain_words.h"

const char *explain_target_text(const struct explain_report *report, __u16 target,
				char buf[ENDPOINT_TEXT_SIZE])
{
	const struct target_name *name;
	struct addr addr;

	if (!target) {
		snprintf(buf, ENDPOINT_TEXT_SIZE, "nobody");
	} else if (target >= report->names->target_count ||
		   !report->names->targets[target].service[0]) {
		snprintf(buf, ENDPOINT_TEXT_SIZE, "target %u (nameless)", target);
	} else {
		name = &report->names->targets[target];
		memcpy(addr.b, name->addr, sizeof(addr.b));
		endpoint_format(&addr, ntohs(name->port), buf);
	}
	return buf;
}

/* Who has a row's new flows, in words that can follow "new flows". */
static void new_flows_text(const struct explain_report *report, char *buf, size_t size)
{
	const struct explanation *flow = report->flow;
	enum poise_scheduler scheduler = explain_scheduler(flow->service.flags);
	char current[ENDPOINT_TEXT_SIZE];

	explain_target_text(report, flow->row.current_target, current);
	if (!flow->row.current_target)
		snprintf(buf, size, "find no backend");
	else if (scheduler != SCHEDULER_MAGLEV)
		snprintf(buf, size, "go where %s says", scheduler_name(scheduler));
	else
		snprintf(buf, size, "go to %s", current);
}

const char *explain_row_text(const struct explain_report *report, char *buf, size_t size)
{
	const struct row row = report->flow->row;
	char current[ENDPOINT_TEXT_SIZE], previous[ENDPOINT_TEXT_SIZE], fresh[128];

	explain_target_text(report, row.current_target, current);
	new_flows_text(report, fresh, sizeof(fresh));
	if (!row_tracks(row) && !row.current_target) {
		snprintf(buf, size, "empty: no backend is there for it");
	} else if (!row_tracks(row) &&
		   (explain_is_nat(report->flow) || explain_is_local(report->flow))) {
		snprintf(buf, size, "stable: new flows %s", fresh);
	} else if (!row_tracks(row)) {
		snprintf(buf, size, "stable: all its flows are %s's", current);
	} else if (row.previous_target == ROW_TRACKED) {
		snprintf(buf, size, "tracked: new flows %s, all others are in the flow table",
			 fresh);
	} else {
		explain_target_text(report, row.previous_target, previous);
		snprintf(buf, size,
			 "moving away from %s: new flows %s, those not in the flow "
			 "table are older and stay",
			 previous, fresh);
	}
	return buf;
}

const char *explain_nat_state(__u32 flags)
{
	if (nat_ended(flags))
		return "ended";
	if (nat_established(flags))
		return "established";
	return flags & NAT_ASSURED ? "ending" : "new";
}

static void nat_trouble(const struct explain_nat *nat, bool fresh, char *buf, size_t size)
{
	if (!nat->word || nat->left_ticks < 0)
		snprintf(buf, size, "the NAT table has no such flow: it counts as new");
	else if (!nat->serves)
		snprintf(buf, size,
			 "the NAT table has it with a backend that serves no more: it counts as "
			 "new");
	else
		snprintf(buf, size, "a %s begins a new flow", fresh ? "SYN" : "packet");
}

/* Ends the sentence about a flow's entry: says what stands in its way. */
static const char *entry_trouble(const struct explain_report *report, bool fresh, char *buf,
				 size_t size)
{
	const struct explanation *flow = report->flow;
	char target[ENDPOINT_TEXT_SIZE];

	if (explain_is_local(flow) && flow->name.key.proto == IPPROTO_TCP)
		snprintf(buf, size, "it is a new connection");
	else if (explain_is_nat(flow))
		nat_trouble(&flow->nat, fresh, buf, size);
	else if (fresh)
		snprintf(buf, size, "%s begins a new flow",
			 flow->name.key.proto == IPPROTO_SCTP ? "an INIT" : "a SYN");
	else if (flow->entry && !flow->entry_serves)
		snprintf(buf, size, "the flow table names %s, which serves no more",
			 explain_target_text(report, flow_entry_target(flow->entry), target));
	else
		snprintf(buf, size, "the flow table knows nothing of this %s",
			 flow->service.flags & SERVICE_HASH_SOURCE ? "client" : "flow");
	return buf;
}

static void scheduled_text(const struct explain_report *report, const struct explain_choice *choice,
			   const char *because, char *buf, size_t size)
{
	char target[ENDPOINT_TEXT_SIZE];

	explain_target_text(report, choice->target, target);
	switch (explain_scheduler(report->flow->service.flags)) {
	case SCHEDULER_ROUNDROBIN:
		snprintf(buf, size, "%s: round robin has come to %s", because, target);
		break;
	case SCHEDULER_LEASTCONN:
		snprintf(buf, size,
			 "%s: of the two backends that its hash names %s has fewer "
			 "flows for its weight",
			 because, target);
		break;
	default:
		snprintf(buf, size, "%s: any backend, by its weight, at random", because);
		break;
	}
}

/* The family shows in what was typed. */
static void sockets_text(const struct explain_report *report, const struct explain_choice *choice,
			 char *buf, size_t size)
{
	const char *family = *report->source == '[' ? "IPv6" : "IPv4";
	char chosen[ENDPOINT_TEXT_SIZE];

	if (choice->why == EXPLAIN_REFUSED)
		snprintf(buf, size,
			 "refused: no backend of that family (%s) listens; a socket at the "
			 "service's own address would get it",
			 family);
	else
		snprintf(buf, size,
			 "%s would have it, but does not listen, or not for %s: the next row's "
			 "backend that does",
			 explain_target_text(report, report->flow->first_chosen, chosen), family);
}

/* Why an entry is followed although one might think otherwise. */
static const char *entry_remark(const struct explanation *flow, bool fresh)
{
	if (fresh && flow_entry_state(flow->entry) == FLOW_NEW)
		return ": it is the same SYN again";
	if (fresh)
		return ": the flow has not ended, and its backend answers the SYN";
	return flow->entry_left_ticks < 0 ? ": the entry has expired, but nobody took its place yet"
					  : "";
}

static const char *no_backend_text(const struct explain_report *report, bool fresh)
{
	if (fresh && report->flow->service.flags & SERVICE_REJECT)
		return "refused, and dropped as no_backend";
	return "dropped as no_backend";
}

const char *explain_reason(const struct explain_report *report, const struct explain_choice *choice,
			   bool fresh, char *buf, size_t size)
{
	const struct explanation *flow = report->flow;
	const char *lost = mode_of(flow->name.mode)->lost_text;
	char because[128];

	entry_trouble(report, fresh, because, sizeof(because));
	switch (choice->why) {
	case EXPLAIN_NO_BACKEND:
		snprintf(buf, size, "%s%sno backend takes new flows: %s",
			 row_tracks(flow->row) ? because : "",
			 row_tracks(flow->row) ? ", and " : "",
			 lost ? lost : no_backend_text(report, fresh));
		break;
	case EXPLAIN_NAT:
		snprintf(buf, size, "the NAT table has the flow");
		break;
	case EXPLAIN_STABLE:
		if (explain_is_nat(flow) || explain_is_local(flow))
			snprintf(buf, size, "%s, and the row says so", because);
		else
			snprintf(buf, size, "the row is stable: the flow table is not asked");
		break;
	case EXPLAIN_ENTRY:
		snprintf(buf, size, "the flow table says so%s", entry_remark(flow, fresh));
		break;
	case EXPLAIN_PREVIOUS:
		snprintf(buf, size,
			 "%s: it is older than the row's last change and stays where "
			 "it was",
			 because);
		break;
	case EXPLAIN_CURRENT:
		snprintf(buf, size, "%s%s", because,
			 fresh ? ": the row's current backend takes it"
			       : ": it counts as new, and the row's current backend takes it");
		break;
	case EXPLAIN_NEXT_ROW:
	case EXPLAIN_REFUSED:
		sockets_text(report, choice, buf, size);
		break;
	case EXPLAIN_SCHEDULED:
		scheduled_text(report, choice, because, buf, size);
		break;
	}
	return buf;
}
