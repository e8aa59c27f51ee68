// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "lb/flow_sequence.h"

struct packet_arg {
	const struct flow *flow;
	const struct flow_step *step;
};

static void packet_in(struct pkt *p, const void *arg)
{
	const struct packet_arg *a = arg;

	flow_packet_in(p, a->flow, a->step->act);
}

static void packet_out(struct pkt *p, const void *arg)
{
	const struct packet_arg *a = arg;

	flow_packet_out(p, a->flow, a->step->act, a->step->to);
}

static unsigned int ip_bytes(const struct packet_arg *arg)
{
	static struct pkt p;

	pkt_clear(&p);
	packet_in(&p, arg);
	return p.length - ETH_HLEN;
}

static const char *act_name(enum flow_act act)
{
	static const char *const names[] = { "SYN", "SYN with ACK", "SYN with FIN", "ACK",
					     "FIN", "RST",          "datagram",     "ICMP error" };

	return names[act];
}

static void run_packet(struct lb_maps *lb, const struct packet_arg *arg, const char *name)
{
	const struct flow_step *step = arg->step;
	const bool error = step->act == ICMP_ERROR;
	struct harness_row row = {
		.name = name,
		.in = packet_in,
		.out = step->to ? packet_out : NULL,
		.arg = arg,
		.verdict = step->to ? XDP_TX
			   : error  ? XDP_PASS
				    : XDP_DROP,
		.drop = step->to || error ? DROP_NONE : DROP_NO_BACKEND,
	};

	if (step->to) {
		row.counter = flow_target(arg->flow, step->to);
		row.count = (struct harness_counter){ 1, ip_bytes(arg), !!(step->what & BEGUN),
						      .icmp_errors = error };
	}
	harness_run(&lb->harness, &row, 1);
}

/*
 * True if the table holds the flow's expected entry, or none, and nothing else. since is the tick
 * before the packet.
 */
static bool table_is(const struct lb_maps *lb, const struct packet_arg *arg, __u32 since)
{
	const struct flow_step *step = arg->step;
	const __u64 *entry = flow_find(lb, arg->flow);
	__u32 now = lb_maps_now(lb), entries = 0;
	__u64 want = 0;
	bool good;

	for (__u32 i = 0; i < lb->flow_sets; i++)
		for (int k = 0; k < FLOWS_PER_SET; k++)
			entries += !!lb->flows[i].entries[k];
	if (entries != !!step->entry)
		printf("#   %u entries\n", entries);
	if (!step->entry)
		return !entries;
	/* Either tick, should time have gone on meanwhile. */
	for (__u32 tick = since;; tick++) {
		want = flow_entry(flow_tag(flow_hash(lb, arg->flow)),
				  flow_target(arg->flow, step->entry), tick + step->ticks,
				  step->state);
		good = entry && *entry == want;
		if (good || tick >= now)
			break;
	}
	if (!good)
		printf("#   entry: expected %016llx, found %016llx\n", (unsigned long long)want,
		       entry ? (unsigned long long)*entry : 0ULL);
	return good && entries == 1;
}

/* Changes an entry as the passing of time would, without the wait. */
static void let_pass(__u64 *entry, __u32 now, unsigned int what)
{
	int left;

	if (!entry || !(what & (AGED | LATE)))
		return;
	left = what & AGED ? -5 : flow_entry_left(*entry, now) - LATE_TICKS;
	*entry = flow_entry(flow_entry_tag(*entry), flow_entry_target(*entry), now + left,
			    flow_entry_state(*entry));
}

static void run_step(struct lb_maps *lb, struct flow *flow, const struct flow_step *step,
		     const char *name)
{
	struct packet_arg arg = { flow, step };
	__u32 since = lb_maps_now(lb);
	struct flow_counter rose;
	bool good;

	flow_set_rows(flow, step->row);
	flow_lose(lb, flow, step->lost);
	if (step->what & OTHER_PORT)
		flow->source_port++;
	let_pass(flow_find(lb, flow), since, step->what);
	run_packet(lb, &arg, name);
	rose = flow_counted(lb);
	good = table_is(lb, &arg, since);
	good &= rose.tracked == !!(step->what & MADE) && !rose.evicted && !rose.lost;
	if (!harness_ok(&lb->harness, good, "%s: and the flow table", name))
		printf("#   entries made +%llu, evicted +%llu, lost +%llu\n",
		       (unsigned long long)rose.tracked, (unsigned long long)rose.evicted,
		       (unsigned long long)rose.lost);
}

void flow_run(struct lb_maps *lb, __u8 proto, bool by_client, const struct flow_sequence *sequences,
	      size_t count)
{
	char name[192], where[16];

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < count; i++) {
			struct flow flow = { version, proto, by_client, 7, 40000 + i * 16 };

			memset(lb->flows, 0, lb->flow_sets * sizeof(*lb->flows));
			for (int k = 0; k < FLOW_STEPS && sequences[i].steps[k].row; k++) {
				const struct flow_step *step = &sequences[i].steps[k];

				if (step->to)
					snprintf(where, sizeof(where), "to %c", step->to);
				else
					strcpy(where, "to nobody");
				snprintf(name, sizeof(name), "IPv%d %s, %d: %s at {%c,%c} goes %s",
					 version, sequences[i].name, k + 1, act_name(step->act),
					 step->row[0], step->row[1], where);
				run_step(lb, &flow, step, name);
			}
			flow_lose(lb, &flow, NULL);
		}
}
