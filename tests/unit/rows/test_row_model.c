// SPDX-License-Identifier: BSD-2-Clause
/*
 * No connection broken, tried on a model: the rules of rows (row.c), the entries of flows
 * (poise/flow.h) and passes over them (sweep.c), between clients, changes of all kinds, and a
 * daemon that is killed now and then. Each packet of a flow has to go to the backend that got its
 * first one, as long as that one serves without a break and the flow is not silent for too long.
 */
#include "fixtures/row_model_daemon.h"

#define BASE_SEED 20240611
#define SEEDS     150
#define TICKS     400

static const __u32 weights[] = { 0, 1, 2, 5 };

static void backend_add(int i)
{
	struct backend *b = &m.backends[i];

	if (b->leaving) {
		m.revived++;
		b->leaving = false;
		b->wanted = true;
	} else if (!b->number) {
		b->number = number_take();
		b->wanted = b->number;
		b->healthy = true;
		b->admin = ADMIN_READY;
	}
}

static void backend_remove(int i)
{
	struct backend *b = &m.backends[i];

	if (!b->wanted)
		return;
	b->wanted = false;
	if (b->serves)
		b->leaving = true;
	else
		backend_lose(b);
}

/* A change of one backend or of the service; what it was is in the trace. */
static void change(void)
{
	int i = below(BACKENDS);
	struct backend *b = &m.backends[i];

	switch (below(12)) {
	case 0:
	case 1:
		backend_add(i);
		trace("add %d (target %u)", i, b->number);
		break;
	case 2:
		trace("remove %d (target %u)", i, b->number);
		backend_remove(i);
		break;
	case 3:
		b->admin = ADMIN_DRAIN;
		trace("drain %d", i);
		break;
	case 4:
	case 5:
		b->admin = ADMIN_READY;
		trace("ready %d", i);
		break;
	case 6:
		b->admin = ADMIN_MAINT;
		trace("maint %d", i);
		break;
	case 7:
		b->weight = weights[below(LEN(weights))];
		trace("weight of %d: %u", i, b->weight);
		break;
	case 8:
		b->healthy = false;
		trace("%d (target %u) fails", i, b->number);
		break;
	case 9:
	case 10:
		b->healthy = true;
		trace("%d (target %u) recovers", i, b->number);
		break;
	case 11:
		m.scheduler = chance(60) ? SCHEDULER_MAGLEV : below(SCHEDULER_MAX);
		m.track_always = chance(10);
		trace("scheduler %u%s", m.scheduler, m.track_always ? ", tracks always" : "");
		break;
	}
}

static void model_make(__u64 seed)
{
	memset(&m, 0, sizeof(m));
	memset(&pass, 0, sizeof(pass));
	m.seed = seed;
	m.moment = 1;
	m.random = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	m.kind = seed % 4 < 2 ? KIND_TCP : seed % 4 - 1;
	m.clears = seed / 16 % 2;
	m.set_count = seed % 10 == 9 ? 16 : MAX_SETS;
	/* Time is about to go round, or far from it. */
	m.tick = below(2) ? FLOW_TICK_MASK - below(TICKS) : 1000;
	for (int i = 0; i < BACKENDS; i++) {
		m.backends[i].weight = 1 + below(3);
		if (chance(60))
			backend_add(i);
	}
	clients_make();
	publish(0);
}

static void tick_go(__u32 changes_percent)
{
	packets_come(below(200));
	for (int i = below(20); i; i--)
		stranger_sends();
	while (chance(changes_percent)) {
		/* several at once: a reload */
		do
			change();
		while (chance(10));
		publish(chance(15) ? 10 : 0);
		packets_come(below(60));
	}
	if (!pass.running && chance(60))
		sweep_begin();
	if (pass.running && chance(70))
		pass_step();
	if (changes_percent && chance(2)) {
		trace("killed while it waits");
		daemon_start();
		publish(5);
	}
	packets_end_tick();
	m.tick++;
}

/* Nobody comes any more and nothing changes: it all has to come to rest. */
static void come_to_rest(void)
{
	bool empty = chance(25);

	trace("come to rest%s", empty ? ", all removed" : "");
	m.end = true;
	m.scheduler = SCHEDULER_MAGLEV;
	m.track_always = false;
	for (int i = 0; i < BACKENDS; i++) {
		if (empty)
			backend_remove(i);
		m.backends[i].healthy = true;
	}
	if (!empty) {
		/* Numbers may have run out. */
		publish(0);
		pass_whole();
		pass_whole();
		backend_add(0);
		m.backends[0].weight = 1;
		m.backends[0].admin = ADMIN_READY;
	}
	publish(0);
	for (int i = 0; i < 40 * QUIET_TICKS; i++)
		tick_go(0);
	for (int i = 0; i < 3; i++)
		pass_whole();
}

static void assert_rest(void)
{
	for (__u32 i = 0; i < m.set_count * FLOWS_PER_SET; i++)
		if (m.sets[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET])
			broken(NULL, "the table is not empty in the end");
	for (__u32 i = 0; i < ROWS; i++) {
		if (m.kind == KIND_UDP ? row_moving(m.rows[i]) : row_tracks(m.rows[i]))
			broken(NULL, "a row has not settled in the end");
		if (m.rows[i].current_target && !target_serves(m.rows[i].current_target))
			broken(NULL, "a row names who does not serve");
	}
	for (__u16 number = 1; number < TARGETS; number++) {
		bool wanted = false;

		for (int i = 0; i < BACKENDS; i++)
			wanted |= m.backends[i].number == number && m.backends[i].wanted;
		if (m.used[number] != wanted)
			broken(NULL, "a number is not free in the end");
	}
}

static struct {
	__u64 packets, strangers, followed, homes_kept, evicted, excused, stabilized, settled,
		freed, kills, revived;
} sum;

static void sum_up(void)
{
	sum.packets += m.packets;
	sum.strangers += m.strangers;
	sum.followed += m.followed;
	sum.homes_kept += m.homes_kept;
	sum.evicted += m.evicted;
	sum.excused += m.excused;
	sum.stabilized += m.stabilized;
	sum.settled += m.settled;
	sum.freed += m.freed;
	sum.kills += m.kills;
	sum.revived += m.revived;
}

static void run(__u64 seed)
{
	/* From storm to a change now and then, so that rows settle in between. */
	static const __u32 changes_percent[] = { 50, 20, 8, 3 };

	model_make(seed);
	for (int i = 0; i < TICKS; i++)
		tick_go(changes_percent[seed / 4 % LEN(changes_percent)]);
	come_to_rest();
	assert_rest();
	sum_up();
}

static void no_flow_is_broken(void **state)
{
	const char *only = getenv("ROW_MODEL_SEED"), *many = getenv("ROW_MODEL_SEEDS");
	int seeds = many ? atoi(many) : SEEDS;

	(void)state;
	if (only) {
		run(strtoull(only, NULL, 10));
		return;
	}
	for (int i = 0; i < seeds; i++)
		run(BASE_SEED + i);
	print_message("  packets %llu: %llu of flows that went on, %llu by their entries, %llu "
		      "with an excuse; evicted %llu\n",
		      sum.packets, sum.homes_kept, sum.followed, sum.excused, sum.evicted);
	print_message("  rows settled %llu, became stable %llu; numbers freed %llu, revived %llu; "
		      "kills %llu\n",
		      sum.settled, sum.stabilized, sum.freed, sum.revived, sum.kills);
	/* The run must have tried what it is made for. */
	assert_true(sum.homes_kept > sum.excused * 10);
	assert_true(sum.strangers > sum.packets / 1000);
	assert_true(sum.followed && sum.evicted && sum.settled && sum.stabilized && sum.freed &&
		    sum.kills && sum.revived);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_flow_is_broken) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
