// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services by nat and in other modes, configured at random, with poised killed at random. After
 * every store packets fare well, and no flow that could go on is cleared, or loses what its packets
 * are translated by.
 */
#include "fixtures/nat_box.h"

#define ROUNDS   400
#define BACKENDS 4
#define FLOWS    60

/* A flow as its packets show it. */
struct seen {
	__u64 *word; /* NULL: none */
	__u16 target, source;
	__u32 number;
	__u8 dst[16];
	struct nat_source source_value;
	bool lost; /* its backend, or its service, was */
};

static struct seen seen[FLOWS];
static __u64 dice;

static __u32 roll(__u32 sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (dice >> 11) % sides;
}

static void configure(void)
{
	static const char *const modes[] = {
		"l2", "ipip", "nat", "nat", "nat", "nat', 'hash': 'source", "nat', 'source': 'keep"
	};
	static const char *const sources[] = { "", "'nat_sources': ['10.0.1.1', '10.0.1.2'],",
					       "'nat_sources': ['10.0.1.2'],",
					       "'nat_sources': ['10.0.1.2', '10.0.1.3', "
					       "'10.0.1.1']," };
	char text[2048];
	size_t at = snprintf(text, sizeof(text), "{%s 'services': [", sources[roll(4)]);

	for (int i = 0; i < 2; i++) {
		const char *separator = "";

		if (i && !roll(4))
			break;
		at += snprintf(text + at, sizeof(text) - at,
			       "%s{'name': '%s', 'listen': '192.0.2.1%d:80/tcp', 'rows': 251,"
			       " 'mode': '%s', 'backends': [",
			       i ? ", " : "", i ? "api" : "web", i, modes[roll(7)]);
		for (int j = 0; j < BACKENDS; j++) {
			if (!roll(3))
				continue;
			at += snprintf(text + at, sizeof(text) - at, "%s'10.0.0.%d:80%d'",
				       separator, 11 + j, i);
			separator = ", ";
		}
		at += snprintf(text + at, sizeof(text) - at, "]}");
	}
	snprintf(text + at, sizeof(text) - at, "]}");
	assert_int_equal(apply(text), 0);
	turn();
}

static void hops_tell(void)
{
	for (int i = 0; i < FAKE_WATCHES; i++) {
		struct nexthop hop = { .state = roll(10) ? NEXTHOP_READY : NEXTHOP_NO_NEIGHBOUR,
				       .ifindex = 2,
				       .ifname = "eth0",
				       .mtu = 1500,
				       .direct = true };

		assert_int_equal(addr_parse(roll(5) ? "10.0.0.1" : "10.0.0.2", &hop.source), 0);
		if (watches[i])
			watches[i]->changed(watches[i]->arg, &hop);
	}
	turn();
}

/* A client begins a flow, if the first service is by nat and has a backend. */
static void client_begins(void)
{
	const struct live_service *service = service_find(model, "web");
	__u32 at = roll(FLOWS);
	const struct target *target;
	__u16 number;

	if (service->delivery.mode != MODE_NAT || seen[at].word)
		return;
	number = kernel.tables[service->number].rows[roll(ROWS)].current_target;
	target = &kernel.targets[number];
	if (!number || target->owner != (service->number | TARGET_SERVES))
		return;
	assert_int_equal(target->mode, MODE_NAT);
	seen[at].word = nat_flow(at, number, 1 + roll(40), roll(2) ? OPEN : 0);
	seen[at].target = number;
	seen[at].number = service->number;
	seen[at].source = target->nat.first_source;
	seen[at].source_value = kernel.nat_sources[seen[at].source];
	seen[at].lost = false;
	memcpy(seen[at].dst, target->dst, sizeof(target->dst));
}

static bool goes_on(const struct seen *flow)
{
	const struct target *target = &kernel.targets[flow->target];

	return !flow->lost && target->mode == MODE_NAT &&
	       target->owner == (flow->number | TARGET_SERVES) &&
	       !memcmp(target->dst, flow->dst, sizeof(target->dst));
}

/* Checks what each flow's packets meet now. */
static void flows_fare_well(void)
{
	for (int i = 0; i < FLOWS; i++) {
		struct service_key key = { .port = 0 };
		struct seen *flow = &seen[i];

		if (!flow->word)
			continue;
		flow->lost |= !goes_on(flow);
		if (!*flow->word)
			continue;
		/* Also of one that is lost, as long as its answers are found. */
		assert_memory_equal(&kernel.nat_sources[flow->source], &flow->source_value,
				    sizeof(flow->source_value));
		memcpy(key.addr, flow->source_value.addr, sizeof(key.addr));
		assert_non_null(entry_find(&key));
		assert_int_equal(entry_find(&key)->value.number, flow->source);
	}
}

/* Those that a pass has cleared had expired, or were lost. */
static void cleared_flows(void)
{
	__u32 now = nat_clock_tick(lb_clock(NULL), kernel.time_ns);

	for (int i = 0; i < FLOWS; i++) {
		struct seen *flow = &seen[i];
		const __u64 *other = &kernel.nat_sets[FAKE_NAT_SETS - 1 - i].words[0];

		if (!flow->word || *flow->word)
			continue;
		assert_int_equal(*other, 0);
		if (!flow->lost)
			fail_msg("a flow was cleared that went on");
		flow->word = NULL;
	}
	for (int i = 0; i < FLOWS; i++) {
		struct seen *flow = &seen[i];

		/* It is to expire: no packet came. */
		if (flow->word && nat_word_left(*flow->word, now) < 0)
			flow->lost = true;
	}
}

static void killed_and_changed_at_random(void **state)
{
	(void)state;
	dice = 0x9e3779b97f4a7c15;
	after_store = flows_fare_well;
	for (int round = 0; round < ROUNDS; round++) {
		if (!roll(6)) {
			kernel.stores_left = 1 + roll(60);
			configure();
			hops_tell();
			daemon_restart();
		}
		configure();
		hops_tell();
		for (int i = 0; i < 5; i++)
			client_begins();
		for (__u32 i = roll(4); i; i--) {
			cleared_flows();
			sweep_after(500 + roll(3000));
			cleared_flows();
		}
	}
	after_store = NULL;
	/* Nothing is left in the end. */
	assert_int_equal(apply("{'services': []}"), 0);
	for (int i = 0; i < 300; i++)
		sweep_after(2000);
	for (int i = 0; i < FAKE_ENTRIES; i++)
		assert_false(kernel.entries[i].used);
	for (int i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		assert_false(model->nat.sources.slots[i].used);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
	assert_int_equal(kernel.switches.nat_keep, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_and_changed_at_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
