// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "run/run_child.h"

#define LOG_KEPT_BYTES 8192
#define LOG_PIPE_BYTES (1 << 20)
#define STOP_WAIT_MS   3000 /* it takes a tenth of a second; what it leaves we remove */
#define STOP_TICK_MS   10

/* Beside us, as built; where `make install` puts it; else somewhere in PATH. */
static void poised_find(char path[PATH_MAX])
{
	static const char *const places[] = { "poised", "../sbin/poised" };
	char self[PATH_MAX] = "";
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = length > 0 ? strrchr(self, '/') : NULL;

	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		slash[1] = '\0';
		if (snprintf(path, PATH_MAX, "%s%s", self, places[i]) < PATH_MAX &&
		    !access(path, X_OK))
			return;
	}
	snprintf(path, PATH_MAX, "poised");
}

/* A file without a name, so that none is left behind. The descriptor or -errno. */
static int config_write(const json_t *config)
{
	int fd = memfd_create("poise-run", 0), err = 0;

	if (fd < 0)
		return -errno;
	if (json_dumpfd(config, fd, JSON_INDENT(2)))
		err = errno ? -errno : -EIO;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* In the child. A terminal's signals are ours alone: we tell poised when to end. */
static void become_poised(const char *instance, int config, int output, pid_t parent)
{
	char path[PATH_MAX], file[64];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	/* Our standard error is no journal's any more. */
	unsetenv("JOURNAL_STREAM");
	unsetenv("NOTIFY_SOCKET");
	snprintf(file, sizeof(file), "/proc/self/fd/%d", config);
	poised_find(path);
	execlp(path, "poised", "--transient", "--instance", instance, "--config", file,
	       (char *)NULL);
	fprintf(stderr, "poised is neither beside poise nor in PATH, or does not start: %s\n",
		strerror(errno));
	_exit(127);
}

int run_child_start(const char *instance, const json_t *config, struct run_out *to,
		    struct run_child *out)
{
	struct run_child child = { .to = to, .log_fd = -1 };
	pid_t parent = getpid();
	int pipes[2] = { -1, -1 }, fd = config_write(config);

	if (fd < 0)
		return command_refuse("the configuration cannot be kept: %s", strerror(-fd));
	child.log = malloc(LOG_KEPT_BYTES);
	fflush(NULL);
	child.pid = -1;
	/* Neither end blocks: poised loses lines rather than stand still while we do not read. */
	if (child.log && !pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) {
		/* Many backends may fail at once. */
		fcntl(pipes[0], F_SETPIPE_SZ, LOG_PIPE_BYTES);
		child.pid = fork();
	}
	if (!child.pid)
		become_poised(instance, fd, pipes[1], parent);
	close(fd);
	if (pipes[1] >= 0)
		close(pipes[1]);
	if (child.pid < 0) {
		free(child.log);
		if (pipes[0] >= 0)
			close(pipes[0]);
		return command_refuse("poised is not started: %s", strerror(errno));
	}
	child.log_fd = pipes[0];
	*out = child;
	return EXIT_DONE;
}

/* length: at most LOG_KEPT_BYTES. */
static void log_keep(struct run_child *child, const char *text, size_t length)
{
	if (child->log_length + length > LOG_KEPT_BYTES) {
		size_t gone = child->log_length + length - LOG_KEPT_BYTES;
		char *end = memchr(child->log + gone, '\n', child->log_length - gone);

		/* Whole lines only. */
		gone = end ? (size_t)(end - child->log) + 1 : child->log_length;
		for (size_t i = 0; i < gone; i++)
			child->log_lost += child->log[i] == '\n';
		child->log_length -= gone;
		memmove(child->log, child->log + gone, child->log_length);
	}
	memcpy(child->log + child->log_length, text, length);
	child->log_length += length;
}

/* Whole lines, so that what is said of lost ones stands between two. */
static void log_pass(struct run_child *child)
{
	const char *end = memrchr(child->log, '\n', child->log_length);
	size_t length = end ? end + 1 - child->log : 0;

	if (!child->to || !length || !run_out_ready(child->to))
		return;
	if (child->log_lost)
		fprintf(child->to->file, "poise: %zu lines of poised are left out\n",
			child->log_lost);
	fwrite(child->log, 1, length, child->to->file);
	fflush(child->to->file);
	child->log_length -= length;
	memmove(child->log, child->log + length, child->log_length);
	child->log_lost = 0;
}

void run_child_read(struct run_child *child)
{
	char text[4096];
	ssize_t length;

	log_pass(child);
	while (child->log_fd >= 0) {
		length = read(child->log_fd, text, sizeof(text));
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == EAGAIN)
			return;
		if (length <= 0) {
			close(child->log_fd);
			child->log_fd = -1;
		} else {
			log_keep(child, text, length);
			log_pass(child);
		}
	}
}

void run_child_log_print(const struct run_child *child)
{
	fwrite(child->log, 1, child->log_length, stderr);
}

bool run_child_ended(struct run_child *child)
{
	int status;

	if (child->pid <= 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return child->pid <= 0;
	child->pid = 0;
	child->status = status;
	run_child_read(child);
	return true;
}

void run_child_stop(struct run_child *child)
{
	const struct timespec tick = { .tv_nsec = STOP_TICK_MS * 1000000 };
	int waited_ms = 0;

	child->stopped = child->pid > 0;
	if (child->stopped) {
		kill(child->pid, SIGTERM);
		/* One that was stopped as by SIGSTOP would not see it. */
		kill(child->pid, SIGCONT);
	}
	while (!run_child_ended(child)) {
		run_child_read(child);
		nanosleep(&tick, NULL);
		waited_ms += STOP_TICK_MS;
		if (waited_ms == STOP_WAIT_MS)
			kill(child->pid, SIGKILL);
	}
}

void run_child_free(struct run_child *child)
{
	if (child->log && child->log_fd >= 0)
		close(child->log_fd);
	child->log_fd = -1;
	free(child->log);
	child->log = NULL;
	child->log_length = 0;
}
