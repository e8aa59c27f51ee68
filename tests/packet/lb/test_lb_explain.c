// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tests that what user space says about a flow, from the live maps, is what poise_lb does with its
 * packet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "explain/explain.h"
#include "lb/flow_case.h"
#include "harness/random.h"

#include "gen/lb.skel.h" /* needs the types above */

#define FLOWS          10000
#define PATIENCE_S     20 /* kernels before 6.8 wait for RCU when a row table is looked up */
#define MAX_COMPLAINTS 5

struct tally {
	unsigned int wrong, why[EXPLAIN_SCHEDULED + 1], unforeseen;
};

static struct maps maps_of(const struct lb_bpf *skel)
{
	return (struct maps){
		.services = bpf_map__fd(skel->maps.services),
		.rows = bpf_map__fd(skel->maps.rows),
		.targets = bpf_map__fd(skel->maps.targets),
		.flows = bpf_map__fd(skel->maps.flows),
		.flow_counters = bpf_map__fd(skel->maps.flow_counters),
		.loads = bpf_map__fd(skel->maps.loads),
		.rotations = bpf_map__fd(skel->maps.rotations),
		.counters = bpf_map__fd(skel->maps.counters),
		.drops = bpf_map__fd(skel->maps.drops),
		.tx_ports = bpf_map__fd(skel->maps.tx_ports),
		.service_names = bpf_map__fd(skel->maps.service_names),
		.target_names = bpf_map__fd(skel->maps.target_names),
		.meta = bpf_map__fd(skel->maps.meta),
	};
}

/* Seed and clock; the coarse clock ticks with jiffies. */
static int write_meta(const struct lb_maps *lb, const struct maps *maps)
{
	const __u32 shift = lb->skeleton->rodata->flow_tick_shift, zero = 0;
	struct meta meta = { .abi_version = POISE_ABI_VERSION,
			     .seed = { fixture_seed[0], fixture_seed[1] } };
	struct timespec resolution;

	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	meta.clock = (struct flow_clock){
		.monotonic_ns = now_ns(),
		.jiffies = lb_maps_now(lb) << shift,
		.jiffy_ns = resolution.tv_nsec,
		.tick_shift = shift,
	};
	return bpf_map_update_elem(maps->meta, &zero, &meta, BPF_ANY);
}

static struct flow random_flow(void)
{
	int service = below(FLOW_SERVICES);

	return (struct flow){ service & 4 ? 6 : 4, service & 2 ? IPPROTO_UDP : IPPROTO_TCP,
			      service & 1, 1 + below(service & 1 ? 200 : 2), 1024 + below(100) };
}

/* Rows have backends for new flows all together, or none has. */
static void empty_or_fill(const struct flow *flow)
{
	static bool empty[FLOW_SERVICES];
	bool *is_empty = &empty[flow_service(flow)];
	struct row *rows = flow_rows(flow);

	*is_empty = !*is_empty && !below(3);
	for (int i = 0; i < FLOW_ROWS; i++)
		rows[i].current_target =
			*is_empty ? 0 : flow_target(flow, 'A' + below(FLOW_BACKENDS));
}

/* Changes a row, who serves, a scheduler or loads; any of these may meet. */
static void change(struct lb_maps *lb, const struct flow *flow)
{
	static const char *const losses[] = { NULL, NULL, "A", "b", "BC" };
	struct row *row = &flow_rows(flow)[below(FLOW_ROWS)];

	row->previous_target = !below(4)  ? 0
			       : below(3) ? flow_target(flow, 'A' + below(FLOW_BACKENDS))
					  : ROW_TRACKED;
	if (row->current_target)
		row->current_target = flow_target(flow, 'A' + below(FLOW_BACKENDS));
	if (!below(20))
		empty_or_fill(flow);
	if (!below(20))
		flow_lose(lb, flow, losses[below(5)]);
	if (!below(20))
		flow_set_scheduler(lb, flow, below(SCHEDULER_MAX));
	lb->loads[flow_target(flow, 'A' + below(FLOW_BACKENDS))] =
		(struct load){ .base = below(50), .weight = below(5) * 50 };
}

static int explain(const struct maps *maps, const struct flow *flow, struct explanation *out)
{
	char client[ADDR_TEXT_SIZE];
	struct addr source, dest;

	flow_client(flow, client, sizeof(client));
	if (addr_parse(client, &source) || addr_parse(flow->version == 4 ? VIP4 : VIP6, &dest))
		return -EINVAL;
	return explain_flow(maps, &source, flow->source_port, &dest, flow_port(flow), flow->proto,
			    out);
}

/* True if the packet went where it was said to go. */
static bool agrees(const struct flow *flow, const struct explain_choice *choice, char to,
		   struct tally *tally)
{
	__u16 target = to >= 'A' && to <= 'C' ? flow_target(flow, to) : 0;

	tally->why[choice->why]++;
	if (to == '?')
		return false;
	if (choice->why == EXPLAIN_NO_BACKEND)
		return !target && !choice->target;
	if (choice->why == EXPLAIN_SCHEDULED && !choice->target) {
		tally->unforeseen++;
		return true;
	}
	return target == choice->target;
}

/* Compares what is said about the flow's entry with the table and the packet path's clock. */
static bool entry_is(const struct lb_maps *lb, const struct flow *flow,
		     const struct explanation *said)
{
	const __u64 *entry = flow_find(lb, flow);
	int off;

	if (!entry || said->entry != *entry)
		return !entry && !said->entry;
	off = said->entry_left_ticks - flow_entry_left(*entry, lb_maps_now(lb));
	return off >= -1 && off <= 1;
}

static void check_flow(struct lb_maps *lb, const struct maps *maps, struct tally *tally)
{
	struct flow flow = random_flow();
	enum flow_act act = flow.proto == IPPROTO_UDP ? DATAGRAM
			    : below(2)                ? SYN
			    : below(6)                ? ACK
						      : FIN;
	struct explain_choice *choice;
	struct explanation said;
	bool good;
	char to;
	int err;

	change(lb, &flow);
	err = explain(maps, &flow, &said);
	if (err) {
		tally->wrong++;
		printf("#   explain_flow: %s\n", strerror(-err));
		return;
	}
	choice = act == SYN || act == DATAGRAM ? &said.first : &said.others;
	good = entry_is(lb, &flow, &said);
	to = flow_send(lb, &flow, act);
	good &= agrees(&flow, choice, to, tally);
	if (good)
		return;
	tally->wrong++;
	printf("#   service %u, scheduler %u, row {%u,%u}, entry %016llx, act %d: said %d, "
	       "target %u; it went to %c\n",
	       said.service_number,
	       said.service.flags >> SERVICE_SCHEDULER_SHIFT & SERVICE_SCHEDULER_MASK,
	       said.row.current_target, said.row.previous_target, (unsigned long long)said.entry,
	       act, choice->why, choice->target, to ? to : '-');
}

static void test_unknown(struct lb_maps *lb, const struct maps *maps)
{
	struct flow flow = { 4, IPPROTO_TCP, false, 1, 1024 };
	struct explanation said;
	struct addr source, dest;

	harness_ok(&lb->harness,
		   !addr_parse("198.51.100.1", &source) && !addr_parse(VIP4, &dest) &&
			   explain_flow(maps, &source, 1024, &dest, flow_port(&flow) + 100,
					IPPROTO_TCP, &said) == -ENOENT,
		   "a port that is no service");
	harness_ok(&lb->harness,
		   !addr_parse(VIP6, &dest) &&
			   explain_flow(maps, &source, 1024, &dest, flow_port(&flow), IPPROTO_TCP,
					&said) == -EINVAL,
		   "addresses of two families");
}

int main(void)
{
	const char *seed = getenv("POISE_FUZZ_SEED");
	const time_t begun = time(NULL);
	struct tally tally = { 0 };
	struct lb_maps lb;
	struct maps maps;
	int status, flows = 0;

	random_state = seed ? strtoull(seed, NULL, 0) : 0x706f697365;
	printf("# seed 0x%llx\n", (unsigned long long)random_state);
	if (flow_case_open(&lb, POISE_MIN_FLOWS))
		return EXIT_FAILURE;
	maps = maps_of(lb.skeleton);
	if (harness_ok(&lb.harness, !write_meta(&lb, &maps), "seed and clock")) {
		for (; flows < FLOWS && tally.wrong < MAX_COMPLAINTS; flows++) {
			check_flow(&lb, &maps, &tally);
			if (time(NULL) - begun > PATIENCE_S)
				break;
		}
		harness_ok(&lb.harness, !tally.wrong, "%d packets go where it was said", flows);
		harness_ok(
			&lb.harness,
			tally.why[EXPLAIN_NO_BACKEND] && tally.why[EXPLAIN_STABLE] &&
				tally.why[EXPLAIN_ENTRY] && tally.why[EXPLAIN_PREVIOUS] &&
				tally.why[EXPLAIN_CURRENT] &&
				tally.why[EXPLAIN_SCHEDULED] > tally.unforeseen && tally.unforeseen,
			"for each reason there is: %u without a backend, %u stable, %u by an "
			"entry, %u previous, %u current, %u scheduled (%u at random)",
			tally.why[EXPLAIN_NO_BACKEND], tally.why[EXPLAIN_STABLE],
			tally.why[EXPLAIN_ENTRY], tally.why[EXPLAIN_PREVIOUS],
			tally.why[EXPLAIN_CURRENT], tally.why[EXPLAIN_SCHEDULED], tally.unforeseen);
		test_unknown(&lb, &maps);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
