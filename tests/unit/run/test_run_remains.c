// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tests what `poise run` removes of other instances, and what it leaves alone. Each test has mounts
 * of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maps/bpffs.h"
#include "maps/pins.h"
#include "base/run_dir.h"
#include "run/run_remains.h"
#include "config/instance.h"

static const char *pins_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "/sys/fs/bpf/poise/%s", name);
	return path;
}

static bool is_there(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), RUN_DIR "/%s", name);
	return !access(path, F_OK);
}

static bool is_pinned(const char *name)
{
	return !access(pins_of(name), F_OK);
}

static void start(const char *name, bool transient, struct instance *instance)
{
	char dir[256], maps[300];

	assert_int_equal(instance_open(name, transient, instance), 0);
	assert_int_equal(bpffs_instance_dir(name, 1, dir, sizeof(dir)), 0);
	snprintf(maps, sizeof(maps), "%s/maps-v1", dir);
	if (access(maps, F_OK))
		assert_int_equal(mkdir(maps, 0700), 0);
}

/* Ends an instance as SIGKILL does. */
static void kill_it(struct instance *instance)
{
	close(instance->lock);
	instance->lock = -1;
}

static void a_transient_one_that_was_killed_is_swept(void **state)
{
	static const char *const names[] = { "run-99999999", "eu", "run-x" };
	struct instance instance;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start(names[i], true, &instance);
		kill_it(&instance);
	}
	run_remains_sweep();
	for (size_t i = 0; i < 3; i++) {
		assert_false(is_there(names[i]));
		assert_false(is_pinned(names[i]));
	}
	assert_int_equal(access(RUN_DIR, F_OK), -1);
	run_remains_sweep();
}

static void one_that_runs_stays(void **state)
{
	struct instance instance;

	(void)state;
	start("run-99999999", true, &instance);
	run_remains_sweep();
	run_remains_remove("run-99999999");
	assert_true(is_there("run-99999999/" RUN_MARK_FILE));
	assert_true(is_pinned("run-99999999"));
	kill_it(&instance);
	run_remains_remove("run-99999999");
	assert_false(is_there("run-99999999"));
	assert_false(is_pinned("run-99999999"));
}

/* Stopped or killed, its traffic goes on. */
static void an_ordinary_one_stays_whatever_its_name(void **state)
{
	static const char *const names[] = { "run-99999999-eu", "run-99999999" };
	struct instance instance;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(names[i], false, &instance);
		if (i)
			kill_it(&instance);
		else
			instance_close(&instance);
	}
	run_remains_sweep();
	for (size_t i = 0; i < 2; i++) {
		run_remains_remove(names[i]);
		assert_true(is_there(names[i]));
		assert_true(is_pinned(names[i]));
		assert_int_equal(pins_remove(pins_of(names[i])), 0);
		run_remains_remove(names[i]);
		assert_false(is_there(names[i]));
	}
}

/* A poised that goes on with what a transient one left has made it its own. */
static void an_ordinary_one_takes_a_transient_ones_over(void **state)
{
	struct instance instance;

	(void)state;
	start("eu", true, &instance);
	kill_it(&instance);
	start("eu", false, &instance);
	instance_close(&instance);
	run_remains_sweep();
	assert_true(is_pinned("eu"));
	start("eu", true, &instance);
	kill_it(&instance);
	run_remains_sweep();
	assert_false(is_pinned("eu"));
}

static void a_second_one_of_the_name_is_refused_and_marks_nothing(void **state)
{
	struct instance instance, second;

	(void)state;
	start("eu", false, &instance);
	assert_int_equal(instance_open("eu", true, &second), -EBUSY);
	instance_close(&second);
	kill_it(&instance);
	run_remains_sweep();
	assert_true(is_pinned("eu"));
	start("eu", true, &instance);
	instance_close(&instance);
	assert_false(is_there("eu"));
}

static const char *box_enter(void)
{
	if (geteuid())
		return "not root";
	if (unshare(CLONE_NEWNS))
		return "unshare is not permitted";
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") ||
	    mount("none", "/run", "tmpfs", 0, NULL) || mount("none", "/var/lib", "tmpfs", 0, NULL))
		return "nothing can be mounted";
	return NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transient_one_that_was_killed_is_swept),
		cmocka_unit_test(one_that_runs_stays),
		cmocka_unit_test(an_ordinary_one_stays_whatever_its_name),
		cmocka_unit_test(an_ordinary_one_takes_a_transient_ones_over),
		cmocka_unit_test(a_second_one_of_the_name_is_refused_and_marks_nothing),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - run_remains: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
