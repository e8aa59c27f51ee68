// SPDX-License-Identifier: BSD-2-Clause
/* Changes of the flow table's size, while packets use it. */
#include "fixtures/lb_flows_box.h"

#include <linux/if_packet.h>
#include <pthread.h>
#include <time.h>

#define FLOWS 200

static void all_flows_stay(const struct lb *lb)
{
	__u64 entry;

	for (__u16 port = 1; port <= FLOWS; port++) {
		assert_int_equal(entries_of(lb, port, &entry), 1);
		assert_int_equal(target_met(lb, port, false), 1);
	}
	assert_int_equal(target_met(lb, FLOWS + 1, true), 2);
}

static void another_size_keeps_the_flows(void **state)
{
	static const struct {
		__u32 flows;
		const char *says;
	} steps[] = {
		{ 1024, "flow table: 1K entries instead of 8K; 200 flows carried over" },
		{ 1024, NULL },
		{ 0, "flow table: 1M entries instead of 1K; 201 flows carried over" },
	};
	struct lb *lb = open_flows(8192);
	struct lb_rows *rows = service_make(lb);

	(void)state;
	assert_int_equal(maps_flow_sets(lb_maps(lb)), 1024);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(target_met(lb, port, true), 1);
	rows_give(rows, 2);
	lb_rows_close(rows);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		__u32 want = steps[i].flows ? steps[i].flows : POISE_DEFAULT_FLOWS, count;

		lb = reopen(lb, steps[i].flows);
		assert_true(lb_adopted(lb));
		lb_flows(lb, &count);
		assert_int_equal(count, want / FLOWS_PER_SET);
		assert_int_equal(maps_flow_sets(lb_maps(lb)), count);
		assert_int_equal(pinned_link("lbt0").prog_id, lb->prog_id);
		assert_int_equal(access(maps_path("-old"), F_OK), -1);
		if (steps[i].says)
			assert_non_null(strstr(said, steps[i].says));
		else
			assert_string_equal(said, "");
		all_flows_stay(lb);
	}
	lb_close(lb);
}

/* Killed when the new table was pinned and no link used it: what packets did meanwhile is in the
 * one that the links' program reads. */
static void a_crash_before_the_switch_loses_no_flow(void **state)
{
	char links[300], aside[300];
	struct lb *first = open_flows(8192), *lb;
	struct lb_rows *rows = service_make(first);

	(void)state;
	assert_int_equal(lb_attach(first, "lbt0", XDP_MODE_AUTO, &error), 0);
	for (__u16 port = 1; port <= FLOWS / 2; port++)
		target_met(first, port, true);
	snprintf(links, sizeof(links), "%s/links", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	assert_int_equal(rename(links, aside), 0);
	lb_close(open_flows(4096));
	assert_int_equal(rmdir(links), 0);
	assert_int_equal(rename(aside, links), 0);
	for (__u16 port = FLOWS / 2 + 1; port <= FLOWS; port++)
		assert_int_equal(target_met(first, port, true), 1);
	rows_give(rows, 2);
	lb_rows_close(rows);
	lb_close(first);

	lb = open_flows(4096);
	assert_non_null(strstr(said, "4K entries instead of 8K; 200 flows carried over"));
	assert_int_equal(pinned_link("lbt0").prog_id, lb->prog_id);
	all_flows_stay(lb);
	lb_close(lb);
}

static void targets_and_flows_grow_at_once(void **state)
{
	struct lb_options options = { .instance_dir = dir, .max_targets = 65535, .flows = 65536 };
	struct lb *lb = open_flows(8192);
	struct lb_rows *rows = service_make(lb);

	(void)state;
	for (__u16 port = 1; port <= FLOWS; port++)
		target_met(lb, port, true);
	rows_give(rows, 2);
	lb_rows_close(rows);
	lb_close(lb);
	lb = open_with(&options);
	assert_int_equal(lb_max_targets(lb), 65535);
	all_flows_stay(lb);
	lb_close(lb);
	options.max_targets = 65536;
	assert_int_equal(lb_open(&options, &lb, &error), -EINVAL);
}

struct sender {
	int socket;
	__u32 ifindex;
	__u16 sent; /* the source port last used */
	bool stop;
};

static void *send_flows(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	struct sender *sender = arg;
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = sender->ifindex,
				  .sll_halen = 6 };

	while (!__atomic_load_n(&sender->stop, __ATOMIC_RELAXED) && sender->sent < 60000) {
		struct frame frame = frame_of(sender->sent + 1, true);

		sendto(sender->socket, &frame, sizeof(frame), 0, (struct sockaddr *)&to,
		       sizeof(to));
		__atomic_add_fetch(&sender->sent, 1, __ATOMIC_RELAXED);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void wait_until_sent(const struct sender *sender, __u16 count)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (__atomic_load_n(&sender->sent, __ATOMIC_RELAXED) < count)
		nanosleep(&pause, NULL);
}

/* Each entry made by whichever program is in the one table that is left. */
static void flows_begun_during_a_change_are_kept(void **state)
{
	static const __u32 sizes[] = { 1 << 20, 1 << 19, 1 << 21, 1 << 19 };
	struct sender sender = { .socket = socket(AF_PACKET, SOCK_RAW, 0),
				 .ifindex = if_nametoindex("lbt1") };
	struct lb *lb = open_flows(sizes[0]);
	struct flow_counter counter;
	pthread_t thread;
	__u64 kept = 0, entry;

	(void)state;
	lb_rows_close(service_make(lb));
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_true(sender.socket >= 0);
	assert_int_equal(pthread_create(&thread, NULL, send_flows, &sender), 0);
	for (size_t i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		wait_until_sent(&sender, i * 1000);
		lb_close(lb);
		lb = open_flows(sizes[i]);
		assert_non_null(strstr(said, "carried over"));
	}
	wait_until_sent(&sender, sender.sent + 1000);
	__atomic_store_n(&sender.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(sender.socket);
	for (__u32 port = 1; port <= sender.sent; port++)
		kept += entries_of(lb, port, &entry);
	assert_int_equal(flow_counters_read(lb_maps(lb), &counter), 0);
	print_message("%u flows begun, %llu tracked\n", sender.sent,
		      (unsigned long long)counter.tracked);
	assert_true(counter.tracked > 4000);
	assert_int_equal(kept, counter.tracked);
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_size_keeps_the_flows),
		TEST(a_crash_before_the_switch_loses_no_flow),
		TEST(targets_and_flows_grow_at_once),
		TEST(flows_begun_during_a_change_are_kept),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_carry: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
