// SPDX-License-Identifier: BSD-2-Clause
/* Maps of other layouts: those that the last build of ABI version 3 left, and newer ones. */
#include "fixtures/lb_flows_box.h"

#include "abi3/abi3.h"
#include "maps/layout.h"

#include <bpf/libbpf.h>
#include <sys/stat.h>

#define FLOWS 100

static __u64 packets_of(const struct maps *maps, __u32 target)
{
	struct counter counters[3];

	assert_int_equal(counters_read(maps, counters, 3), 0);
	return counters[target].packets;
}

static __u64 drops_of(const struct maps *maps, enum drop_reason reason)
{
	__u64 drops[DROP_MAX];

	assert_int_equal(drops_read(maps, drops), 0);
	return drops[reason];
}

static __u32 linked_program(void)
{
	return pinned_link("lbt0").prog_id;
}

/* The target of a flow, chosen by the program on the interface. */
static int linked_target_met(__u16 source_port, bool syn)
{
	struct lb lb = { .prog_fd = bpf_prog_get_fd_by_id(linked_program()) };
	int target;

	assert_true(lb.prog_fd >= 0);
	target = target_met(&lb, source_port, syn);
	close(lb.prog_fd);
	return target;
}

/* A frame to the service that ends within its TCP header. */
static void linked_drop(void)
{
	struct frame in = frame_of(1, true), out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);
	int fd = bpf_prog_get_fd_by_id(linked_program());

	in.ip.tot_len = htons(sizeof(struct iphdr) + 8);
	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	assert_int_equal(opts.retval, XDP_DROP);
	close(fd);
}

static const struct service_name web = {
	.name = "web", .row_count = 251, .mode = MODE_NAT_KEEP, .flags = SERVICE_NAT_KEEP
};
static const struct target_name backend = { .service = "web", .weight = 7, .flags = 1 };

/* A balancer of ABI version 3 that has a service, and knows FLOWS flows of target 1, while new ones
 * are given to target 2. *services: the id of its map. */
static void abi3_make(__u32 *services)
{
	const struct switches switches = { .nat_keep = 5 };
	struct lb *lb = open_flows(8192);
	struct lb_rows *rows = service_make(lb);

	assert_int_equal(lb_service_name_set(lb, 0, &web), 0);
	assert_int_equal(lb_target_name_set(lb, 1, &backend), 0);
	lb_loads(lb)[1] = (struct load){ .base = 7, .assigned = 8, .weight = 9 };
	lb_switches_set(lb, &switches);
	*services = id_of_map(lb_maps(lb)->services);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	lb_close(lb);
	assert_int_equal(abi3_go_back(dir), 0);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(linked_target_met(port, true), 1);
	rows_give(rows, 2);
	lb_rows_close(rows);
	linked_drop();
}

static bool has(const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

static void what_abi3_left(const struct lb *lb, __u32 services)
{
	struct service_name name;
	struct target_name target_name;
	struct target target;
	struct flow_counter flows;
	__u32 zero = 0, one = 1;
	__u64 entry;

	assert_true(lb_adopted(lb));
	assert_int_equal(id_of_map(lb_maps(lb)->services), services);
	assert_int_equal(lb_seed(lb)[0], 1);
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->service_names, &zero, &name), 0);
	assert_memory_equal(&name, &web, sizeof(web));
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->target_names, &one, &target_name), 0);
	assert_memory_equal(&target_name, &backend, sizeof(backend));
	assert_int_equal(lb_target_get(lb, 2, &target), 0);
	assert_int_equal(target.mode, MODE_L2);
	assert_int_equal(target.owner, TARGET_SERVES);
	assert_int_equal(target.dst_mac[5], 2);
	assert_int_equal(lb_loads(lb)[1].assigned, 8);
	assert_int_equal(lb->switches->nat_keep, 5);
	assert_int_equal(flow_counters_read(lb_maps(lb), &flows), 0);
	assert_true(flows.tracked >= FLOWS);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(entries_of(lb, port, &entry), 1);
}

static void flows_and_counters_go_on(void **state)
{
	__u32 services, old;
	struct lb *lb;

	(void)state;
	abi3_make(&services);
	old = linked_program();
	assert_true(has("maps-v3") && !has("maps-v4"));
	lb = open_flows(8192);
	assert_non_null(strstr(said, "maps of older layouts are carried over: targets, "
				     "flow_counters, nat_counters, switches, counters, drops, "
				     "service_names, target_names"));
	assert_null(strstr(said, "forgotten"));
	assert_null(strstr(said, "zero"));
	what_abi3_left(lb, services);
	assert_int_not_equal(linked_program(), old);
	assert_int_equal(linked_program(), lb->prog_id);
	assert_false(has("maps-v3") || has("maps-v4-new") || has("maps-v4-old"));
	assert_int_equal(packets_of(lb_maps(lb), 1), FLOWS);
	assert_int_equal(drops_of(lb_maps(lb), DROP_MALFORMED_TRANSPORT), 1);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(target_met(lb, port, false), 1);
	assert_int_equal(target_met(lb, FLOWS + 1, true), 2);
	linked_drop();
	assert_int_equal(packets_of(lb_maps(lb), 1), 2 * FLOWS);
	assert_int_equal(packets_of(lb_maps(lb), 2), 1);
	assert_int_equal(drops_of(lb_maps(lb), DROP_MALFORMED_TRANSPORT), 2);
	lb_close(lb);

	/* And are what they are from then on. */
	lb = open_flows(8192);
	assert_string_equal(said, "");
	what_abi3_left(lb, services);
	assert_int_equal(packets_of(lb_maps(lb), 1), 2 * FLOWS);
	assert_int_equal(drops_of(lb_maps(lb), DROP_MALFORMED_TRANSPORT), 2);
	lb_close(lb);
}

static void sizes_may_change_at_once(void **state)
{
	const struct lb_options options = { .instance_dir = dir,
					    .max_targets = 10000,
					    .flows = 65536 };
	__u32 services;
	struct lb *lb;

	(void)state;
	abi3_make(&services);
	lb = open_with(&options);
	assert_int_equal(lb_max_targets(lb), 10000);
	what_abi3_left(lb, services);
	assert_int_equal(packets_of(lb_maps(lb), 1), FLOWS);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(target_met(lb, port, false), 1);
	lb_close(lb);
}

/* Pinned, and no link switched yet: the older program goes on over what is shared. */
static void a_crash_in_between_loses_no_flow(void **state)
{
	char links[300], aside[300];
	__u32 services;
	struct lb *lb;

	(void)state;
	abi3_make(&services);
	snprintf(links, sizeof(links), "%s/links", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	assert_int_equal(rename(links, aside), 0);
	lb_close(open_flows(8192));
	assert_int_equal(rmdir(links), 0);
	assert_int_equal(rename(aside, links), 0);
	assert_int_equal(linked_target_met(FLOWS + 1, true), 2);

	lb = open_flows(8192);
	what_abi3_left(lb, services);
	assert_int_equal(linked_program(), lb->prog_id);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(target_met(lb, port, false), 1);
	assert_int_equal(target_met(lb, FLOWS + 1, false), 2);
	lb_close(lb);
}

static void meta_set(const char *map, __u32 version)
{
	struct maps maps;
	struct meta meta;
	__u32 zero = 0;

	assert_int_equal(maps_open(maps_path(""), &maps), 0);
	assert_int_equal(meta_read(&maps, &meta), 0);
	for (size_t i = 0; i < POISE_MAX_MAPS; i++) {
		if (!strcmp(meta.layouts[i].map, map))
			meta.layouts[i].version = version;
	}
	assert_int_equal(bpf_map_update_elem(maps.meta, &zero, &meta, 0), 0);
	maps_close(&maps);
}

static void a_newer_layout_costs_what_is_in_that_map(void **state)
{
	static const struct {
		const char *map, *says;
		bool flows, counts; /* that stay */
	} cases[] = {
		{ "counters",
		  "counters has layout 9, expected 2 or an older one: made anew: the counters of "
		  "backends start from zero",
		  true, false },
		{ "flows", "flows has layout 9, expected 1: made anew: tracked flows are forgotten",
		  false, true },
		{ "loads", "loads has layout 9, expected 1: made anew: leastconn", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lb *lb = open_flows(8192);
		struct lb_rows *rows = service_make(lb);
		struct maps maps;
		char why[200];
		__u64 before;
		__u32 services = id_of_map(lb_maps(lb)->services);

		assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
		assert_int_equal(target_met(lb, 1, true), 1);
		before = packets_of(lb_maps(lb), 1);
		rows_give(rows, 2);
		lb_rows_close(rows);
		lb_close(lb);
		meta_set(cases[i].map, 9);
		assert_int_equal(maps_open_why(maps_path(""), &maps, why, sizeof(why)), -EPROTO);
		assert_non_null(strstr(cases[i].says, why));

		lb = open_flows(8192);
		assert_non_null(strstr(said, cases[i].says));
		assert_true(lb_adopted(lb));
		assert_int_equal(id_of_map(lb_maps(lb)->services), services);
		assert_int_equal(linked_program(), lb->prog_id);
		assert_int_equal(packets_of(lb_maps(lb), 1), cases[i].counts ? before : 0);
		assert_int_equal(target_met(lb, 1, false), cases[i].flows ? 1 : 2);
		lb_close(lb);
		assert_int_equal(maps_open(maps_path(""), &maps), 0);
		maps_close(&maps);
		assert_int_equal(lb_remove(dir), 0);
		assert_int_equal(bpffs_instance_dir("test", 1, dir, sizeof(dir)), 0);
	}
}

static void without_its_core_a_set_is_made_anew(void **state)
{
	struct lb *lb = open_flows(8192);
	__u32 services = id_of_map(lb_maps(lb)->services);

	(void)state;
	lb_close(lb);
	meta_set("targets", 9);
	lb = open_flows(8192);
	assert_non_null(strstr(said, "the pinned maps cannot be kept, as targets has layout 9, "
				     "expected 2 or an older one"));
	assert_false(lb_adopted(lb));
	assert_int_not_equal(id_of_map(lb_maps(lb)->services), services);
	lb_close(lb);
}

/* One that the set does not know is not missed. */
static void a_map_that_is_new_is_made(void **state)
{
	struct lb *lb = open_flows(8192);
	__u32 services = id_of_map(lb_maps(lb)->services);

	(void)state;
	lb_close(lb);
	meta_set("rotations", 0);
	assert_int_equal(unlink(maps_path("/rotations")), 0);
	lb = open_flows(8192);
	assert_string_equal(said, "");
	assert_true(lb_adopted(lb));
	assert_int_equal(id_of_map(lb_maps(lb)->services), services);
	assert_true(has("maps-v4/rotations"));
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flows_and_counters_go_on),
		TEST(sizes_may_change_at_once),
		TEST(a_crash_in_between_loses_no_flow),
		TEST(a_newer_layout_costs_what_is_in_that_map),
		TEST(without_its_core_a_set_is_made_anew),
		TEST(a_map_that_is_new_is_made),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_abi3: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
