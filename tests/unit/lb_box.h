/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of user/poised/lb*.c need root and BPF. They run in a network namespace and a mount
 * namespace of their own, so that neither pins nor links outlive them.
 */
#ifndef POISE_TEST_LB_BOX_H
#define POISE_TEST_LB_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "poised/lb.h"

static char dir[256];
static struct lb_error error;

static inline void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("%s: status %d", command, status);
}

static inline struct lb *open_with(const struct lb_options *options)
{
	struct lb *lb = NULL;
	int err = lb_open(options, &lb, &error);

	if (err)
		fail_msg("lb_open: %d: %s", err, error.text);
	return lb;
}

static inline struct lb *open_sized(__u32 max_targets)
{
	struct lb_options options = { .instance_dir = dir, .max_targets = max_targets };

	return open_with(&options);
}

/* Path of the instance's maps directory with something behind it. */
static inline const char *maps_path(const char *behind)
{
	static char path[400];

	assert_int_equal(maps_dir(dir, path, sizeof(path)), 0);
	strncat(path, behind, sizeof(path) - strlen(path) - 1);
	return path;
}

static inline __u32 id_of_map(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

static inline struct bpf_link_info pinned_link(const char *ifname)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/links/%u", dir, if_nametoindex(ifname));
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info;
}

static inline int setup(void **state)
{
	(void)state;
	assert_int_equal(bpffs_instance_dir("test", 1, dir, sizeof(dir)), 0);
	run("ip link add lbt0 type veth peer name lbt1 && ip link set lbt0 up && "
	    "ip link set lbt1 up");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	run("ip link del lbt0 2>/dev/null || true");
	if (!access(dir, F_OK))
		assert_int_equal(lb_remove(dir), 0);
	return 0;
}

static inline void check_child(int (*body)(__u32), __u32 argument)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(body(argument));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Why the tests cannot run here; NULL: they can. */
static inline const char *box_enter(void)
{
	if (geteuid())
		return "not root";
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return "unshare is not permitted";
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
		return "a BPF file system cannot be mounted";
	if (bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, NULL) < 0)
		return "bpf(2) is not permitted";
	return NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
