// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pins must outlive who made them, however it was started. Needs root and BPF. Plays a machine of
 * its own: process 1 of a process namespace with private mounts, so that nothing is left behind.
 * Started as `test_bpffs --hold INSTANCE` it pins a map, says "held", and waits to be killed; as
 * `--find INSTANCE` it opens that pin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps/bpffs.h"

#define DIRECT       ""
#define NSENTER      "nsenter --net=/run/netns/bpffs-test "
#define IP_EXEC      "ip netns exec bpffs-test "
#define IP_OTHER     "ip netns exec bpffs-other "
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static char self[256];

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("%s: status %d", command, status);
}

static int pin_path(const char *instance, int create, char *path, size_t size)
{
	char dir[256];
	int err = bpffs_instance_dir(instance, create, dir, sizeof(dir));

	snprintf(path, size, "%s/map", dir);
	return err;
}

static int hold(const char *instance)
{
	char path[300];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "held", 4, 4, 1, NULL);
	int err = pin_path(instance, 1, path, sizeof(path));

	if (!err)
		err = fd < 0 ? fd : bpf_obj_pin(fd, path);
	if (err) {
		printf("%s: %s\n", path, strerror(-err));
		return 1;
	}
	printf("held\n");
	fflush(stdout);
	for (;;)
		pause();
}

static int find(const char *instance)
{
	char path[300];
	int err = pin_path(instance, 0, path, sizeof(path));

	if (!err)
		err = bpf_obj_get(path) < 0 ? -errno : 0;
	if (err)
		printf("%s: %s\n", instance, strerror(-err));
	return err ? 1 : 0;
}

/* Runs `test_bpffs --hold` under a wrapper, kills it once it holds its pin. */
static void hold_and_kill(const char *wrapper, bool sandboxed)
{
	char command[512], line[300] = "";
	int pipe_fds[2], status = 0;
	FILE *said;
	pid_t child;

	snprintf(command, sizeof(command), "exec %s%s --hold test", wrapper, self);
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (!child) {
		/* Process 1 has a capability that its looker lacks: it may not be looked into. A
		 * shell stays between, whose mount namespace is still the machine's. */
		if (sandboxed)
			prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE);
		dup2(pipe_fds[1], STDOUT_FILENO);
		close(pipe_fds[0]);
		if (sandboxed)
			execl("/bin/sh", "sh", "-c", "sh -c \"$1\" & echo $!; wait", "sh", command,
			      NULL);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	said = fdopen(pipe_fds[0], "r");
	while (strcmp(line, "held\n")) {
		if (sandboxed && atoi(line) > 0)
			status = atoi(line);
		if (!fgets(line, sizeof(line), said))
			fail_msg("%s: ended", command);
	}
	kill(sandboxed ? status : child, SIGKILL);
	waitpid(child, &status, 0);
	fclose(said);
}

static void check_found(const char *wrapper, const char *held_under)
{
	char command[512];

	snprintf(command, sizeof(command), "%s%s --find test", wrapper, self);
	if (system(command))
		fail_msg("pinned under '%s', not found under '%s'", held_under, wrapper);
}

static void pins_outlive_the_process(void **state)
{
	static const char *const wrappers[] = { DIRECT, NSENTER, IP_EXEC };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		hold_and_kill(wrappers[i], false);
		for (size_t j = 0; j < ARRAY_LEN(wrappers); j++)
			check_found(wrappers[j], wrappers[i]);
		check_found(IP_OTHER, wrappers[i]);
		run("umount /sys/fs/bpf");
	}
}

static void an_ancestor_stands_in_for_process_1(void **state)
{
	(void)state;
	hold_and_kill(IP_EXEC, true);
	check_found(DIRECT, IP_EXEC);
	check_found(IP_OTHER, IP_EXEC);
	run("umount /sys/fs/bpf");
}

static void looking_mounts_nothing(void **state)
{
	char dir[256];

	(void)state;
	assert_int_equal(bpffs_instance_dir("test", 0, dir, sizeof(dir)), -ENOENT);
	assert_int_not_equal(system("umount /sys/fs/bpf 2>/dev/null"), 0);
	assert_int_equal(bpffs_instance_dir("test", 1, dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/sys/fs/bpf/poise/test");
	assert_int_equal(bpffs_instance_dir("other", 0, dir, sizeof(dir)), -ENOENT);
	assert_int_equal(bpffs_instance_dir("test", 0, dir, sizeof(dir)), 0);
	run("umount /sys/fs/bpf && ! grep -q ' /sys/fs/bpf ' /proc/mounts");
}

static void names_that_make_no_directory_are_refused(void **state)
{
	static const char *const names[] = { "", ".", "..", "a.b", "a/b", "a b" };
	char dir[12];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(bpffs_instance_dir(names[i], 1, dir, sizeof(dir)), -EINVAL);
	assert_int_equal(bpffs_instance_dir("test", 1, dir, sizeof(dir)), -ENAMETOOLONG);
	run("umount /sys/fs/bpf");
}

/* Why the tests cannot run here; NULL: they can. */
static const char *play_machine(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL) || mount("run", "/run", "tmpfs", 0, NULL))
		return "mounting is not permitted";
	if (system("umount -q /sys/fs/bpf; ip netns add bpffs-test && ip netns add bpffs-other"))
		return "no network namespaces";
	if (bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, NULL) < 0)
		return "bpf(2) is not permitted";
	return NULL;
}

static int skipped(const char *reason)
{
	printf("skip - bpffs: %s\n", reason);
	return 0;
}

static int machine(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looking_mounts_nothing),
		cmocka_unit_test(names_that_make_no_directory_are_refused),
		cmocka_unit_test(pins_outlive_the_process),
		cmocka_unit_test(an_ancestor_stands_in_for_process_1),
	};
	const char *reason = play_machine();

	return reason ? skipped(reason) : cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t child;

	if (argc == 3 && !strcmp(argv[1], "--hold"))
		return hold(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--find"))
		return find(argv[2]);
	if (len < 0 || geteuid())
		return skipped("not root");
	if (unshare(CLONE_NEWNS | CLONE_NEWPID))
		return skipped("unshare is not permitted");
	child = fork();
	if (!child)
		exit(machine());
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	/* Without LeakSanitizer, whose helper process would need the namespace that just ended. */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
