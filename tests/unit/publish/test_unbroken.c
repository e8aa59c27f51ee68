// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections over random changes, failures, time and deaths of poised: after every single store to
 * the maps some clients send, and none may get to another backend than the one it began at, unless
 * that one failed.
 */
#include "fixtures/reconcile_box.h"
#include "fixtures/fake_flows.h"
#include "sweeper/sweep.h"

#define SERVICES 4
#define BACKENDS 6
#define STEPS    1500
#define SEEDS    6

/* The backends as they really are, and what the operator wants of them. */
struct wanted_backend {
	bool configured, sorry;
	unsigned int weight;
	enum poise_admin state;
};

struct wanted_service {
	const char *scheduler, *hash, *track;
	bool slow_start;
	struct wanted_backend backends[BACKENDS];
};

static struct wanted_service wanted[SERVICES];
static bool up[BACKENDS], reached[BACKENDS];
static json_t *saved_health;

static const char *address(int i)
{
	static char text[ADDR_TEXT_SIZE];

	snprintf(text, sizeof(text), "10.0.0.%d", 11 + i);
	return text;
}

static void configuration(char *text, size_t size)
{
	static const char *const states[] = { "ready", "drain", "maint" };
	size_t at = snprintf(text, size, "{'services': [");

	for (int i = 0; i < SERVICES; i++) {
		const struct wanted_service *service = &wanted[i];
		bool first = true;

		at += snprintf(text + at, size - at,
			       "%s{'name': 's%d', 'listen': '192.0.2.10:%d/%s', 'mode': 'ipip',"
			       " 'rows': 251, 'settle': '60s', 'idle_timeout': '5m',"
			       " 'scheduler': '%s', 'hash': '%s', 'track': '%s',"
			       " 'check': {'tcp': true, 'port': 80},%s%s 'backends': [",
			       i ? ", " : "", i, 80 + i, i == 3 ? "udp" : "tcp", service->scheduler,
			       service->hash, service->track,
			       service->slow_start ? " 'slow_start': '20s'," : "",
			       i == 1 ? " 'panic': '60%'," : "");
		for (int j = 0; j < BACKENDS; j++) {
			const struct wanted_backend *backend = &service->backends[j];

			if (!backend->configured)
				continue;
			at += snprintf(text + at, size - at,
				       "%s{'address': '%s', 'weight': %u, 'state': '%s', 'sorry':"
				       " %s}",
				       first ? "" : ", ", address(j), backend->weight,
				       states[backend->state], backend->sorry ? "true" : "false");
			first = false;
		}
		at += snprintf(text + at, size - at, "]}");
	}
	snprintf(text + at, size - at, "]}");
}

static void look(void)
{
	unsigned int before = broken;

	some_clients_send();
	if (broken != before)
		fail_msg("a connection got to another backend");
}

/* Whoever has this address, also if it leaves. */
static void address_fails(int i, bool fails)
{
	for (size_t s = 0; s < model->service_count; s++)
		for (size_t j = 0; j < service_members(model->services[s]); j++) {
			const struct live_backend *member = service_member(model->services[s], j);

			if (member->addr.b[15] == 11 + i)
				failed[member->target] = fails || member->admin == ADMIN_MAINT;
		}
	failed_clients();
}

/* Reports what checks and next hops find, for each backend that differs from what poised knows. */
static void truth_tell(void)
{
	for (int i = 0; i < FAKE_WATCHES; i++) {
		struct nexthop hop = { .ifindex = 2, .ifname = "eth0", .mtu = 1500 };
		const struct live_backend *member;

		if (!watches[i])
			continue;
		member = watches[i]->arg;
		hop.state = reached[member->addr.b[15] - 11] ? NEXTHOP_READY : NEXTHOP_NO_NEIGHBOUR;
		assert_int_equal(addr_parse("10.0.0.1", &hop.source), 0);
		watches[i]->changed(watches[i]->arg, &hop);
	}
	for (int i = 0; i < FAKE_WATCHES; i++) {
		const struct live_backend *member;
		bool is_up;

		if (!checks[i])
			continue;
		member = checks[i]->arg;
		is_up = up[member->addr.b[15] - 11];
		if (is_up != (member->health == HEALTH_UP))
			checks[i]->changed(checks[i]->arg, is_up ? HEALTH_UP : HEALTH_DOWN, "gone");
	}
	turn();
}

static void truth_changes(void)
{
	int i = roll(BACKENDS);
	bool was = up[i] && reached[i], is;

	if (roll(2))
		up[i] = !up[i];
	else
		reached[i] = !reached[i];
	is = up[i] && reached[i];
	if (was && !is)
		address_fails(i, true);
	truth_tell();
	if (is && !kernel.dead)
		address_fails(i, false);
}

static void backend_changes(int service)
{
	struct wanted_backend *backend = &wanted[service].backends[roll(BACKENDS)];

	switch (roll(5)) {
	case 0:
	case 1:
		backend->configured = !backend->configured;
		break;
	case 2:
		backend->weight = roll(4) * 50;
		break;
	case 3:
		backend->state = roll(ADMIN_MAX);
		break;
	default:
		backend->sorry = !roll(4);
	}
}

static void service_changes(int i)
{
	static const char *const schedulers[] = { "maglev", "roundrobin", "random", "leastconn" };
	struct wanted_service *service = &wanted[i];

	switch (roll(3)) {
	case 0:
		service->scheduler = schedulers[roll(4)];
		break;
	case 1:
		service->track = roll(2) ? "always" : "auto";
		break;
	default:
		service->slow_start = roll(2);
	}
}

/* Told to serve nothing: it need not. Its flows are lost with the change, made or not. */
static void maintained_fail(void)
{
	for (size_t s = 0; s < model->service_count; s++)
		for (size_t j = 0; j < service_members(model->services[s]); j++) {
			const struct live_backend *member = service_member(model->services[s], j);
			const struct wanted_backend *backend =
				&wanted[s].backends[member->addr.b[15] - 11];

			if (backend->configured && backend->state == ADMIN_MAINT)
				failed[member->target] = true;
		}
	failed_clients();
}

static void numbers_clear(void)
{
	bool taken[FAKE_TARGETS] = { false };

	for (size_t s = 0; s < model->service_count; s++)
		for (size_t j = 0; j < service_members(model->services[s]); j++) {
			const struct live_backend *member = service_member(model->services[s], j);
			int i = member->addr.b[15] - 11;

			taken[member->target] = true;
			failed[member->target] =
				!up[i] || !reached[i] || member->admin == ADMIN_MAINT;
		}
	for (int i = 0; i < FAKE_TARGETS; i++)
		failed[i] &= taken[i];
}

static void configuration_applies(void)
{
	char text[8192];

	configuration(text, sizeof(text));
	assert_int_equal(apply(text), 0);
	turn();
}

static void restart(void)
{
	json_t *health = saved_health;

	kernel.dead = true;
	daemon_restart();
	if (health)
		reconcile_health_restore(model, health);
	configuration_applies();
	truth_tell();
	numbers_clear();
}

static void configuration_changes(void)
{
	struct wanted_service before[SERVICES];
	int service = roll(SERVICES);

	memcpy(before, wanted, sizeof(before));
	if (roll(4))
		backend_changes(service);
	else
		service_changes(service);
	maintained_fail();
	configuration_applies();
	/* Read from a file, a change is there again; asked for by a client, it has not been made.
	 */
	if (kernel.dead && roll(2))
		memcpy(wanted, before, sizeof(before));
	if (!kernel.dead) {
		truth_tell();
		numbers_clear();
	}
}

/* Makes changes while a thread is busy with a sweep. */
static void sweep_amid_changes(void)
{
	struct sweep sweep;

	/* A change may need numbers, and so a sweep of its own; the sweeper sees to it that there
	 * is one at a time. */
	if (model->retired_count)
		sweeper_sweep(model->sweeper);
	if (model->retired_count)
		return;
	assert_int_equal(sweep_begin(model, &sweep), 0);
	if (roll(2))
		configuration_changes();
	else
		truth_changes();
	if (!kernel.dead)
		sweep_run(&sweep);
	if (!kernel.dead && roll(2))
		configuration_changes();
	if (!kernel.dead)
		sweep_end(model, &sweep);
	sweep_free(&sweep);
}

static void time_passes(void)
{
	kernel.time_ns += roll(4000) * 1000000ULL;
	silent_clients_send(20 * SECOND_NS);
	if (uv_is_active((uv_handle_t *)&model->steps))
		serving_steps(&model->steps);
	if (!roll(4))
		sweep_amid_changes();
	else if (roll(3))
		sweeper_sweep(model->sweeper);
	turn();
}

static void step(void)
{
	if (!roll(8))
		kernel.stores_left = 1 + roll(roll(2) ? 20 : 400);
	switch (roll(6)) {
	case 0:
		truth_changes();
		break;
	case 1:
	case 2:
		configuration_changes();
		break;
	default:
		time_passes();
	}
	look();
	if (kernel.dead || !roll(40)) {
		restart();
	} else {
		json_decref(saved_health);
		saved_health = reconcile_health_encode(model);
	}
}

static void clients_make(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		int service = roll(SERVICES);

		clients[i] = (struct client){ .hash = (__u64)roll(1U << 31) << 33 | i };
		clients[i].key.addr[10] = clients[i].key.addr[11] = 0xff;
		memcpy(clients[i].key.addr + 12, "\xc0\x00\x02\x0a", 4);
		clients[i].key.port = htons(80 + service);
		clients[i].key.proto = service == 3 ? IPPROTO_UDP : IPPROTO_TCP;
	}
}

static void wanted_make(void)
{
	for (int i = 0; i < SERVICES; i++) {
		wanted[i] = (struct wanted_service){ .scheduler = i == 2 ? "roundrobin" : "maglev",
						     .hash = i == 1 ? "source" : "5-tuple",
						     .track = "auto",
						     .slow_start = i == 0 };
		for (int j = 0; j < BACKENDS; j++)
			wanted[i].backends[j] =
				(struct wanted_backend){ .configured = j < 4, .weight = 100 };
	}
	for (int j = 0; j < BACKENDS; j++)
		up[j] = reached[j] = true;
}

static void no_connection_breaks(void **state)
{
	(void)state;
	for (__u64 seed = 1; seed <= SEEDS; seed++) {
		dice = seed * 0x9e3779b97f4a7c15;
		memset(failed, 0, sizeof(failed));
		wanted_make();
		clients_make();
		configuration_applies();
		truth_tell();
		after_store = look;
		for (int i = 0; i < STEPS; i++)
			step();
		after_store = NULL;
		kernel.stores_left = 0;
		assert_int_equal(apply("{}"), 0);
		sweep_after(101);
		assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
	}
	json_decref(saved_health);
	print_message("%u packets, %u broken\n", packets_sent, broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_connection_breaks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
