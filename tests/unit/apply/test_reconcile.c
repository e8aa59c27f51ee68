// SPDX-License-Identifier: BSD-2-Clause
/* Configuration, health and next hops -> rows, with no packet on a wrong way in between. */
#include "fixtures/reconcile_box.h"

#define CHECKED "'mode': 'ipip', 'check': {'tcp': true},"
#define TWO     "'10.0.0.11', '10.0.0.12'"
#define THREE   "'10.0.0.11', '10.0.0.12', '10.0.0.13'"

static void ready(unsigned int count)
{
	static const char *const addrs[] = { "10.0.0.11", "10.0.0.12", "10.0.0.13" };

	for (unsigned int i = 0; i < count; i++)
		hop_ready(addrs[i]);
}

/* All that moves has moved, and backends that left are gone. */
static void settle(void)
{
	for (int i = 0; i < 12; i++)
		sweep_after(120000);
}

static void needs_hop_and_health(void **state)
{
	(void)state;
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	turn();
	assert_int_equal(rows_of("web", NULL), ROWS);
	ready(2);
	assert_int_equal(rows_of("web", NULL), ROWS);
	health_tell("10.0.0.11", HEALTH_UP);
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
	health_tell("10.0.0.12", HEALTH_UP);
	assert_in_range(rows_of("web", "10.0.0.11"), ROWS / 2, ROWS / 2 + 1);
	assert_int_equal(rows_of("web", NULL), 0);
	assert_int_equal(health_changes, 2);
	health_tell("10.0.0.11", HEALTH_DOWN);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_string_equal(backend("web", "10.0.0.11")->reason, "connection refused");
	health_tell("10.0.0.12", HEALTH_DOWN);
	assert_int_equal(rows_of("web", NULL), ROWS);
	health_tell("10.0.0.11", HEALTH_UP);
	sweep_after(101);
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
	assert_string_equal(backend("web", "10.0.0.11")->reason, "");
}

static void unchecked_is_taken_as_up(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	assert_int_equal(rows_of("web", NULL), ROWS);
	hop_ready("10.0.0.12");
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_int_equal(backend("web", "10.0.0.12")->health, HEALTH_UNCHECKED);
	assert_null(check_of("10.0.0.12"));
}

static void lost_hop_moves_rows_resolving_does_not(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	ready(2);
	kernel.always_rows = true;
	hop_tell("10.0.0.11", NEXTHOP_RESOLVING, true);
	assert_in_range(rows_of("web", "10.0.0.11"), ROWS / 2, ROWS / 2 + 1);
	hop_tell("10.0.0.11", NEXTHOP_NO_NEIGHBOUR, true);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	hop_tell("10.0.0.11", NEXTHOP_RESOLVING, true);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	/* Not before nothing is known of its flows any more. */
	hop_ready("10.0.0.11");
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	sweep_after(99);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	sweep_after(101);
	assert_in_range(rows_of("web", "10.0.0.11"), ROWS / 2, ROWS / 2 + 1);
}

static void weights_are_followed(void **state)
{
	unsigned int made;

	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	ready(2);
	kernel.always_rows = true;
	made = kernel.tables_made;
	assert_int_equal(apply_web("", "{'address': '10.0.0.11', 'weight': 300}, '10.0.0.12'"), 0);
	assert_in_range(rows_of("web", "10.0.0.11"), ROWS * 3 / 4, ROWS * 3 / 4 + 1);
	assert_int_equal(kernel.target_names[backend("web", "10.0.0.11")->target].weight, 300);
	assert_int_equal(apply_web("", "{'address': '10.0.0.11', 'weight': 0}, '10.0.0.12'"), 0);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_int_equal(kernel.tables_made, made);
}

static void removed_backend_goes_after_its_rows(void **state)
{
	__u16 target;

	(void)state;
	assert_int_equal(apply_web(CHECKED, THREE), 0);
	ready(3);
	health_tell("10.0.0.11", HEALTH_UP);
	health_tell("10.0.0.12", HEALTH_UP);
	health_tell("10.0.0.13", HEALTH_UP);
	kernel.always_rows = true;
	target = backend("web", "10.0.0.12")->target;
	health_tell("10.0.0.12", HEALTH_DOWN);
	assert_int_equal(kernel.targets[target].owner & TARGET_SERVES, 0);
	assert_int_equal(apply_web(CHECKED, "'10.0.0.13', '10.0.0.11'"), 0);
	assert_int_equal(kernel.target_names[target].service[0], '\0');
	/* Packets that have read its row still find it. */
	sweep_after(50);
	assert_int_equal(kernel.targets[target].mode, MODE_IPIP);
	sweep_after(51);
	assert_int_equal(kernel.targets[target].mode, MODE_NONE);
	assert_int_equal(rows_of("web", NULL), 0);
}

static void numbers_come_back_late_and_counters_start_anew(void **state)
{
	__u16 first, again;

	(void)state;
	assert_int_equal(apply_web("", "'10.0.0.11'"), 0);
	first = backend("web", "10.0.0.11")->target;
	assert_true(kernel.zeroed[first]);
	assert_int_equal(apply_web("", "'10.0.0.12'"), 0);
	sweep_after(101);
	assert_int_equal(apply_web("", "'10.0.0.11'"), 0);
	again = backend("web", "10.0.0.11")->target;
	assert_int_not_equal(again, first);
	assert_true(kernel.zeroed[again]);
}

static void another_table_size_interrupts_nothing(void **state)
{
	__u16 target;

	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	ready(2);
	kernel.always_rows = true;
	target = backend("web", "10.0.0.11")->target;
	assert_int_equal(apply("{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', "
			       "'mode': 'ipip', 'rows': 257, 'backends': [" TWO "]}]}"),
			 0);
	assert_int_equal(rows_of("web", "10.0.0.11") + rows_of("web", "10.0.0.12"), 257);
	assert_int_equal(backend("web", "10.0.0.11")->target, target);
	assert_null(kernel.tables[0].rows);
	assert_int_equal(kernel.service_names[0].name[0], '\0');
	assert_string_equal(kernel.service_names[1].name, "web");
}

static const char *swapped(const char *a, const char *b)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{'services': ["
		 "{'name': 'a', 'listen': '%s', 'mode': 'l2', 'rows': 251, 'backends': [" TWO "]},"
		 "{'name': 'b', 'listen': '%s', 'mode': 'l2', 'rows': 251, 'backends': [" TWO
		 "]}]}",
		 a, b);
	return text;
}

static unsigned int entry_count(void)
{
	unsigned int count = 0;

	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		count += kernel.entries[i].used;
	return count;
}

static void endpoints_change_hands(void **state)
{
	struct service value = { 0 };

	(void)state;
	assert_int_equal(apply(swapped("192.0.2.10:80/tcp", "192.0.2.10:81/tcp")), 0);
	ready(2);
	kernel.always_rows = true;
	assert_int_equal(entry_count(), 3); /* two services, one address */
	assert_int_equal(apply(swapped("192.0.2.10:81/tcp", "192.0.2.10:80/tcp")), 0);
	assert_int_equal(entry_count(), 3);
	assert_int_equal(lb_service_get(NULL, &service_find(model, "a")->key, &value), 0);
	assert_int_equal(value.number, service_find(model, "a")->number);
	assert_int_equal(ntohs(service_find(model, "a")->key.port), 81);
	assert_int_equal(apply(swapped("192.0.2.10:82/tcp", "192.0.2.11:80/tcp")), 0);
	assert_int_equal(entry_count(), 4);
}

static void removed_service_takes_its_address_along(void **state)
{
	(void)state;
	assert_int_equal(apply(swapped("192.0.2.10:80/tcp", "192.0.2.11:80/tcp")), 0);
	ready(2);
	assert_int_equal(entry_count(), 4);
	assert_int_equal(apply_web("", TWO), 0); /* the first one's address */
	assert_int_equal(entry_count(), 2);
	assert_int_equal(apply("{}"), 0);
	assert_int_equal(entry_count(), 0);
	for (size_t i = 0; i < FAKE_SERVICES; i++)
		assert_null(kernel.tables[i].rows);
	for (size_t i = 0; i < FAKE_TARGETS; i++)
		assert_int_equal(kernel.targets[i].owner & TARGET_SERVES, 0);
	sweep_after(101);
	for (size_t i = 0; i < FAKE_TARGETS; i++)
		assert_int_equal(kernel.targets[i].mode, MODE_NONE);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
}

static void too_many_backends_change_nothing(void **state)
{
	char many[1024] = "";

	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	ready(2);
	kernel.always_rows = true;
	for (int i = 1; i <= FAKE_TARGETS; i++) {
		size_t length = strlen(many);

		snprintf(many + length, sizeof(many) - length, "%s'10.0.1.%d'", i > 1 ? ", " : "",
			 i);
	}
	assert_int_equal(apply_web("", many), -EINVAL);
	assert_non_null(strstr(problem.text, "max_backends"));
	assert_int_equal(service_find(model, "web")->backend_count, 2);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 3);
}

/* Numbers of backends that are gone come free by a pass: that is worth waiting for. */
static void room_is_waited_for_if_it_may_come(void **state)
{
	char text[4096];
	struct conf *conf;

	(void)state;
	assert_int_equal(apply_web("", many_backends(1, 40)), 0);
	assert_int_equal(apply_web("", many_backends(101, 20)), 0);
	snprintf(text, sizeof(text),
		 "{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', 'mode': 'ipip',"
		 " 'rows': 251, 'backends': [%s]}]}",
		 many_backends(201, 30));
	conf = conf_of(text);
	assert_int_equal(reconcile_room(model, conf), -EAGAIN);
	assert_int_equal(reconcile_apply(model, conf, &problem), -EINVAL);
	assert_int_equal(service_find(model, "web")->backend_count, 20);
	turn();
	assert_int_equal(reconcile_room(model, conf), -EAGAIN);
	sweep_after(101);
	assert_int_equal(reconcile_room(model, conf), 0);
	assert_int_equal(reconcile_apply(model, conf, &problem), 0);
	assert_int_equal(service_find(model, "web")->backend_count, 30);
	/* There is nothing to wait for. */
	sweep_after(101);
	conf = conf_of(text);
	conf->services[0].backend_count = 0;
	assert_int_equal(reconcile_room(model, conf), 0);
	conf_free(conf);
}

static void failed_tables_change_nothing(void **state)
{
	(void)state;
	assert_int_equal(apply(swapped("192.0.2.10:80/tcp", "192.0.2.10:81/tcp")), 0);
	ready(2);
	kernel.always_rows = true;
	kernel.full = true;
	assert_int_not_equal(
		apply("{'services': ["
		      "{'name': 'a', 'listen': '192.0.2.10:80/tcp', 'mode': 'l2', 'rows': 257,"
		      " 'backends': [" THREE "]},"
		      "{'name': 'b', 'listen': '192.0.2.10:81/tcp', 'mode': 'l2', 'rows': 251,"
		      " 'backends': [" TWO "]},"
		      "{'name': 'c', 'listen': '192.0.2.10:82/tcp', 'mode': 'l2', 'rows': 251,"
		      " 'backends': [" TWO "]}]}"),
		0);
	assert_non_null(strstr(problem.text, "row tables"));
	assert_int_equal(model->service_count, 2);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 5);
	assert_int_equal(numbers_left(&model->service_numbers), POISE_MAX_SERVICES - 2);
	assert_int_equal(rows_of("a", NULL), 0);
	/* Marks that the refused change left would keep these now. */
	kernel.full = false;
	assert_int_equal(apply("{'services': [{'name': 'b', 'listen': '192.0.2.10:81/tcp', 'mode': "
			       "'l2', 'rows': 251, 'backends': ['10.0.0.11']}]}"),
			 0);
	assert_int_equal(rows_of("b", "10.0.0.11"), ROWS);
	settle();
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 2);
	assert_int_equal(numbers_left(&model->service_numbers), POISE_MAX_SERVICES - 1);
}

static void mode_change_rewrites_targets(void **state)
{
	__u16 target;

	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	hop_ready("10.0.0.11");
	hop_tell("10.0.0.12", NEXTHOP_READY, false);
	kernel.always_rows = true;
	target = backend("web", "10.0.0.11")->target;
	assert_int_equal(apply_web("'mode': 'gue', 'gue_port': 6081,", TWO), 0);
	assert_int_equal(kernel.targets[target].mode, MODE_GUE);
	assert_int_equal(ntohs(kernel.targets[target].port), 6081);
	assert_int_not_equal(rows_of("web", "10.0.0.12"), 0);
	/* Behind a router, which would look at the service's address. */
	assert_int_equal(apply_web("'mode': 'l2',", TWO), 0);
	assert_int_equal(kernel.targets[target].mode, MODE_L2);
	assert_int_equal(rows_of("web", "10.0.0.12"), 0);
	sweep_after(101);
	assert_int_equal(apply_web("", TWO), 0);
	assert_int_not_equal(rows_of("web", "10.0.0.12"), 0);
}

static void a_new_check_takes_nobody_out(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	ready(2);
	kernel.always_rows = true;
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	assert_int_equal(check_of("10.0.0.11")->from, HEALTH_UP);
	assert_int_equal(check_of("10.0.0.11")->port, 80);
	health_tell("10.0.0.11", HEALTH_DOWN);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	/* Another interval: the check starts anew, what it found stays. */
	assert_int_equal(
		apply_web("'mode': 'ipip', 'check': {'tcp': true, 'interval': '5s'},", TWO), 0);
	assert_int_equal(check_of("10.0.0.11")->from, HEALTH_DOWN);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	sweep_after(101);
	assert_int_equal(apply_web("", TWO), 0);
	assert_null(check_of("10.0.0.11"));
	assert_int_not_equal(rows_of("web", "10.0.0.11"), 0);
}

static void urgent_ones_go_first(void **state)
{
	(void)state;
	assert_int_equal(apply(swapped("192.0.2.10:80/tcp", "192.0.2.10:81/tcp")), 0);
	turn();
	service_dirty(model->services[0], false);
	service_dirty(model->services[1], false);
	assert_ptr_equal(TAILQ_FIRST(&model->dirty), model->services[0]);
	service_dirty(model->services[1], true);
	assert_ptr_equal(TAILQ_FIRST(&model->dirty), model->services[1]);
	publish_urgent(model);
	assert_ptr_equal(TAILQ_FIRST(&model->dirty), model->services[0]);
	turn();
	assert_true(TAILQ_EMPTY(&model->dirty));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(needs_hop_and_health),
		TEST(unchecked_is_taken_as_up),
		TEST(lost_hop_moves_rows_resolving_does_not),
		TEST(weights_are_followed),
		TEST(removed_backend_goes_after_its_rows),
		TEST(numbers_come_back_late_and_counters_start_anew),
		TEST(another_table_size_interrupts_nothing),
		TEST(endpoints_change_hands),
		TEST(removed_service_takes_its_address_along),
		TEST(too_many_backends_change_nothing),
		TEST(room_is_waited_for_if_it_may_come),
		TEST(failed_tables_change_nothing),
		TEST(mode_change_rewrites_targets),
		TEST(a_new_check_takes_nobody_out),
		TEST(urgent_ones_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
