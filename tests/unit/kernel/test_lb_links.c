// SPDX-License-Identifier: BSD-2-Clause
#include "fixtures/lb_box.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

static void adoption_swaps_the_program_on_the_link(void **state)
{
	struct lb *lb = open_sized(0);
	struct bpf_link_info first, second;
	struct lb_link link;
	__u32 ifindex = if_nametoindex("lbt0"), port = 0;

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->tx_ports, &ifindex, &port), 0);
	assert_int_equal(port, ifindex);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_string_equal(link.ifname, "lbt0");
	assert_int_equal(link.ifindex, if_nametoindex("lbt0"));
	assert_false(link.generic);
	first = pinned_link("lbt0");
	assert_int_equal(link.program_id, first.prog_id);
	lb_close(lb);

	lb = open_sized(8192);
	second = pinned_link("lbt0");
	assert_int_equal(second.id, first.id);
	assert_int_not_equal(second.prog_id, first.prog_id);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(pinned_link("lbt0").id, first.id);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_GENERIC, &error), 0);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_true(link.generic);
	lb_close(lb);

	lb = open_sized(0);
	assert_int_equal(lb_detach(lb, "lbt1", &error), -ENOENT);
	assert_int_equal(lb_detach(lb, "lbt0", &error), 0);
	assert_int_equal(lb_links(lb, &link, 1), 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_NATIVE, &error), 0);
	lb_close(lb);

	run("ip link set lbt0 down && ip link set lbt0 name lbt.renamed");
	lb = open_sized(0);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_string_equal(link.ifname, "lbt.renamed");
	assert_int_equal(lb_detach(lb, "lbt.renamed", &error), 0);
	lb_close(lb);
	run("ip link set lbt.renamed name lbt0");
}

static void a_link_whose_interface_is_gone_is_dropped(void **state)
{
	struct lb *lb = open_sized(0);
	struct lb_link link;

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	run("ip link del lbt0");
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_int_equal(link.ifindex, 0);
	assert_string_equal(link.ifname, "lbt0");
	lb_close(lb);
	lb = open_sized(0);
	assert_int_equal(lb_links(lb, &link, 1), 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), -ENODEV);
	lb_close(lb);
}

/* Runs in a child; the status tells which expectation did not hold. */
static int from_another_namespace(__u32 ifindex)
{
	struct lb_options options = { .instance_dir = dir };
	char command[128];
	struct lb_link link;
	struct lb *lb;

	snprintf(command, sizeof(command),
		 "ip link add lbt0 index %u type veth peer name lbt1 && ip link set lbt0 up",
		 ifindex);
	if (unshare(CLONE_NEWNET) || system(command))
		return 1;
	if (lb_open(&options, &lb, &error))
		return 2;
	if (lb_links(lb, &link, 1) != 1 || *link.ifname || link.ifindex != ifindex)
		return 3;
	if (lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error) != -EBUSY ||
	    !strstr(error.text, "attached in another network namespace"))
		return 4;
	if (lb_detach(lb, "lbt0", &error) != -ENOENT || lb_detach(lb, "", &error) != -ENOENT)
		return 5;
	lb_close(lb);
	return 0;
}

static void another_namespaces_links_are_left_alone(void **state)
{
	struct lb *lb = open_sized(0);
	struct lb_link link;

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	lb_close(lb);
	check_child(from_another_namespace, if_nametoindex("lbt0"));
	lb = open_sized(0);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_string_equal(link.ifname, "lbt0");
	lb_close(lb);
}

static int foreign_program(void)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void a_foreign_program_is_refused(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct lb *lb = open_sized(0);
	int fd = foreign_program(), link;
	__u32 ifindex = if_nametoindex("lbt0"), len, links;
	struct bpf_prog_info info = { 0 };
	struct lb_link out;
	char want[80];

	(void)state;
	len = sizeof(info);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	snprintf(want, sizeof(want), "lbt0: XDP program %u \"stranger\" is attached already",
		 info.id);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), -EBUSY);
	assert_non_null(strstr(error.text, want));
	assert_non_null(strstr(error.text, "`ip link set dev lbt0 xdpgeneric off`"));
	run("ip link set dev lbt0 xdpgeneric off");

	link = bpf_link_create(fd, ifindex, BPF_XDP, &opts);
	assert_true(link >= 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), -EBUSY);
	assert_non_null(strstr(error.text, want));
	assert_non_null(strstr(error.text, "bpftool link detach id"));
	links = lb_links(lb, &out, 1);
	assert_int_equal(links, 0);
	close(link);
	close(fd);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	lb_close(lb);
}

static void another_instance_is_named(void **state)
{
	struct lb_options options = { .instance_dir = dir }, other = { 0 };
	char other_dir[256];
	struct lb *lb = open_with(&options), *second;

	(void)state;
	assert_int_equal(bpffs_instance_dir("other", 1, other_dir, sizeof(other_dir)), 0);
	other.instance_dir = other_dir;
	second = open_with(&other);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(lb_attach(second, "lbt0", XDP_MODE_AUTO, &error), -EBUSY);
	assert_non_null(strstr(error.text, "lbt0: is instance test's"));
	assert_non_null(strstr(error.text, "`poise --instance test service add`"));
	lb_close(second);
	lb_close(lb);
	assert_int_equal(lb_remove(other_dir), 0);
}

static void no_native_mode_means_generic_or_an_error(void **state)
{
	struct lb *lb = open_sized(0);
	struct lb_link link;

	(void)state;
	assert_int_equal(lb_attach(lb, "lo", XDP_MODE_NATIVE, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.text, "lo: driver has no native XDP"));
	assert_int_equal(lb_attach(lb, "lo", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_true(link.generic);
	/* A request that fails detaches nothing. */
	assert_int_equal(lb_attach(lb, "lo", XDP_MODE_NATIVE, &error), -EOPNOTSUPP);
	assert_int_equal(lb_links(lb, &link, 1), 1);
	assert_true(link.generic && link.program_id);
	lb_close(lb);
}

static void a_broken_set_serves_until_the_new_one_is_attached(void **state)
{
	struct lb *lb = open_sized(0);
	struct bpf_link_info first;

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	first = pinned_link("lbt0");
	lb_close(lb);
	assert_int_equal(unlink(maps_path("/services")), 0);

	lb = open_sized(0);
	assert_false(lb_adopted(lb));
	assert_int_equal(pinned_link("lbt0").prog_id, first.prog_id);
	lb_close(lb);
	/* Killed before it attached: the next one must not put empty maps in place either. */
	lb = open_sized(0);
	assert_int_equal(pinned_link("lbt0").prog_id, first.prog_id);
	assert_int_equal(access(maps_path("-old"), F_OK), 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_not_equal(pinned_link("lbt0").prog_id, first.prog_id);
	assert_int_equal(pinned_link("lbt0").id, first.id);
	assert_int_equal(access(maps_path("-old"), F_OK), -1);
	lb_close(lb);
}

static void removing_leaves_nothing(void **state)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct lb *lb = open_sized(0);

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(lb_attach(lb, "lbt1", XDP_MODE_GENERIC, &error), 0);
	assert_int_equal(lb_remove(dir), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(access("/sys/fs/bpf/poise", F_OK), -1);
	assert_int_equal(bpf_xdp_query(if_nametoindex("lbt0"), 0, &query), 0);
	assert_int_equal(query.prog_id, 0);
	assert_int_equal(lb_remove(dir), -ENOENT);
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(adoption_swaps_the_program_on_the_link),
		TEST(a_link_whose_interface_is_gone_is_dropped),
		TEST(another_namespaces_links_are_left_alone),
		TEST(a_foreign_program_is_refused),
		TEST(another_instance_is_named),
		TEST(no_native_mode_means_generic_or_an_error),
		TEST(a_broken_set_serves_until_the_new_one_is_attached),
		TEST(removing_leaves_nothing),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_links: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
