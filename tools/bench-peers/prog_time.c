// SPDX-License-Identifier: BSD-2-Clause
/*
 * prog_time PROGRAM-ID COMMAND...: runs the command and prints, as JSON in the file that
 * PEERS_PROG_TIME names, how often the BPF program ran meanwhile and how long in all. The kernel
 * keeps that count for as long as this process asks for it, at some 20 ns a run.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "prog_time: %s: %s\n", what, strerror(errno));
	return 1;
}

static int run(char **command)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

int main(int argc, char **argv)
{
	const char *name = getenv("PEERS_PROG_TIME");
	struct bpf_prog_info before = { 0 }, after = { 0 };
	__u32 size = sizeof(before);
	int program, failed;
	FILE *file;

	if (argc < 3 || !name) {
		fputs("usage: PEERS_PROG_TIME=FILE prog_time PROGRAM-ID COMMAND...\n", stderr);
		return 2;
	}
	program = bpf_prog_get_fd_by_id((__u32)atoi(argv[1]));
	if (program < 0 || bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		return fail(argv[1]);
	if (bpf_obj_get_info_by_fd(program, &before, &size))
		return fail(argv[1]);
	failed = run(argv + 2);
	size = sizeof(after);
	if (bpf_obj_get_info_by_fd(program, &after, &size))
		return fail(argv[1]);
	file = fopen(name, "w");
	if (!file)
		return fail(name);
	fprintf(file, "{\"runs\":%llu,\"run_ns\":%llu}\n", after.run_cnt - before.run_cnt,
		after.run_time_ns - before.run_time_ns);
	return fclose(file) || failed;
}
