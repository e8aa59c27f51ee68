// SPDX-License-Identifier: BSD-2-Clause
/* poise run: a poised of its own in the foreground, without a file; all of it goes with us. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/numbers.h"
#include "maps/bpffs.h"
#include "ask/client.h"
#include "print/format.h"
#include "sockets/socket_owner.h"
#include "base/needs.h"
#include "run/run.h"
#include "run/run_child.h"
#include "base/run_dir.h"
#include "run/run_lock.h"
#include "run/run_prepare.h"
#include "run/run_remains.h"
#include "run/run_rivals.h"
#include "run/run_view.h"

#define DEFAULT_TABLE_MS 1000
#define START_TICK_MS    10
#define START_MS         30000 /* for poised to answer */
#define ASK_MS           5000

struct run {
	char instance[40], socket_path[PATH_MAX];
	struct run_child child;
	struct run_view view;
	struct run_out out, err; /* standard output, standard error */
	const char *failure;     /* of poised; NULL: none */
	int signals, lock;       /* descriptors; lock -1: none */
};

/* ---- before anything is started */

static int owners_check(const struct run_plan *plan)
{
	char want[ENDPOINT_TEXT_SIZE], where[ENDPOINT_TEXT_SIZE];
	struct socket_owner owner;

	for (size_t i = 0; i < plan->listen_count; i++) {
		const struct run_listen *listen = &plan->listens[i];

		if (socket_owner_find(&listen->addr, listen->port, listen->proto, &owner) <= 0)
			continue;
		run_listen_format(listen, want);
		listen_format(&owner.addr, owner.port, listen->proto, where);
		if (!owner.pid)
			return command_refuse("%s is taken: somebody listens on %s already", want,
					      where);
		return command_refuse("%s is taken: %s (process %ld) listens on %s", want,
				      owner.name, owner.pid, where);
	}
	return EXIT_DONE;
}

static int needs_ask(void)
{
	char text[256];

	if (!needs_check(text, sizeof(text)))
		return EXIT_DONE;
	return command_refuse("%s%s", text, geteuid() ? ": try `sudo poise run ...`" : "");
}

/* Chooses a name of our own: what another instance left or serves is not ours to take away. */
static int instance_choose(const struct command *cmd, char *buf, size_t size)
{
	char path[PATH_MAX];

	if (strcmp(cmd->instance, "default"))
		snprintf(buf, size, "%s", cmd->instance);
	else
		snprintf(buf, size, "run-%d", getpid());
	snprintf(path, sizeof(path), RUN_DIR "/%s", buf);
	if (access(path, F_OK) && bpffs_instance_dir(buf, 0, path, sizeof(path)) == -ENOENT)
		return EXIT_DONE;
	return command_refuse("instance %s is there already (%s): choose another --instance", buf,
			      path);
}

/* ---- while it runs */

/* Reads the signals that came. Returns one to end by, or 0. */
static int signal_take(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return info.ssi_signo;
	}
	return 0;
}

/* The descriptor to poll for room, or -1: poll(2) would report at once that nobody reads it, even
 * if asked for nothing. */
static int room_wanted(struct run_out *out)
{
	return run_out_ready(out) ? -1 : out->fd;
}

/* Waits until a time, a signal to end by, or poised's end. Returns the signal or 0. */
static int pause_until(struct run *run, __u64 until_ms)
{
	int number = 0;

	while (!number && !run_child_ended(&run->child)) {
		struct pollfd fds[] = { { run->signals, POLLIN, 0 },
					{ run->child.log_fd, POLLIN, 0 },
					{ room_wanted(&run->out), POLLOUT, 0 },
					{ room_wanted(&run->err), POLLOUT, 0 } };
		__u64 now = now_ms();

		if (now >= until_ms)
			return 0;
		poll(fds, ARRAY_SIZE(fds), until_ms - now);
		run_child_read(&run->child);
		number = signal_take(run);
	}
	return number;
}

/* NULL: no answer, or a signal came first. */
static json_t *ask(const struct run *run, const char *path)
{
	const struct client_limits limits = { ASK_MS, run->signals };
	struct client_reply reply;

	if (client_get_within(run->socket_path, path, &limits, &reply))
		return NULL;
	if (reply.status < 400)
		return reply.body;
	client_reply_free(&reply);
	return NULL;
}

static int fail(struct run *run, const char *what)
{
	run->failure = what;
	return EXIT_REFUSED;
}

/* Waits until poised answers. *number: a signal came first. */
static int wait_ready(struct run *run, int *number)
{
	__u64 deadline = now_ms() + START_MS;
	json_t *answer = NULL;

	while (!*number && !run_child_ended(&run->child)) {
		answer = ask(run, "/v1/status");
		if (answer)
			break;
		if (now_ms() > deadline)
			return fail(run, "does not answer");
		*number = pause_until(run, now_ms() + START_TICK_MS);
	}
	json_decref(answer);
	return answer || *number ? EXIT_DONE : fail(run, "did not start");
}

/* Skips the query while output is blocked: what changed is told once there is room. */
static void show(struct run *run)
{
	json_t *services, *stats;

	if (!run_out_ready(&run->out)) {
		run->view.stalled = true;
		return;
	}
	services = ask(run, "/v1/services");
	stats = services ? ask(run, "/v1/stats") : NULL;
	if (services && stats) {
		run_view_update(&run->view, services, stats);
	} else {
		json_decref(services);
		json_decref(stats);
	}
}

static int watch(struct run *run, int *number)
{
	while (!*number) {
		show(run);
		if (run->out.error)
			return EXIT_REFUSED;
		*number = pause_until(run, now_ms() + run_view_wait_ms(&run->view));
		if (!*number && run_child_ended(&run->child))
			return fail(run, "has ended");
	}
	return EXIT_DONE;
}

static int signals_open(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int child_failed(const struct run *run)
{
	const struct run_child *child = &run->child;

	run_child_log_print(child);
	if (child->stopped)
		return command_refuse("poised %s", run->failure);
	if (WIFSIGNALED(child->status))
		return command_refuse("poised %s: it was ended by signal %d (%s)", run->failure,
				      WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
	return command_refuse("poised %s: the lines above say why", run->failure);
}

static int run_child(struct run *run, const struct run_plan *plan, bool verbose)
{
	int number = 0, status;

	status = run_child_start(run->instance, plan->config, verbose ? &run->err : NULL,
				 &run->child);
	if (status != EXIT_DONE)
		return status;
	status = wait_ready(run, &number);
	run_lock_release(&run->lock);
	if (status == EXIT_DONE && !number) {
		run_view_begin(&run->view);
		status = watch(run, &number);
	}
	run_child_stop(&run->child);
	run_remains_remove(run->instance);
	run_view_end(&run->view, status == EXIT_DONE ? "ended: everything is taken away" : NULL);
	return status;
}

static int run_plan(struct run *run, const struct run_plan *plan, bool verbose)
{
	sigset_t before;
	int status = EXIT_DONE;

	run->signals = signals_open(&before);
	if (run->signals < 0)
		return command_refuse("signals: %s", strerror(errno));
	if (run_out_open(STDOUT_FILENO, &run->out) || run_out_open(STDERR_FILENO, &run->err))
		status = command_refuse("out of memory");
	if (status == EXIT_DONE)
		status = run_child(run, plan, verbose);
	/* Nothing is left to be taken away: a signal may end us now while we wait for standard
	 * error. */
	if (status != EXIT_DONE)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (run->failure)
		status = child_failed(run);
	else if (run->out.error)
		status = command_refuse("standard output: %s", strerror(run->out.error));
	run_child_free(&run->child);
	run_out_close(&run->out);
	run_out_close(&run->err);
	close(run->signals);
	return status;
}

int run_run(struct command *cmd)
{
	struct run run = { .view.terminal = isatty(STDOUT_FILENO), .lock = -1 };
	const char *interval = command_option(cmd, "interval");
	struct run_request request = { 0 };
	struct run_plan plan = { 0 };
	int status = run_request_take(cmd, &request);

	run.view.interval_ms = run.view.terminal ? DEFAULT_TABLE_MS : 0;
	if (interval)
		duration_parse(interval, &run.view.interval_ms);
	if (status == EXIT_DONE && cmd->json)
		status = command_misuse("run: there is no JSON of it; `poise -j --instance NAME "
					"stats` asks what runs");
	if (status == EXIT_DONE)
		status = needs_ask();
	/* This comes first, as a dead one may have the port or the name. */
	if (status == EXIT_DONE)
		run_remains_sweep();
	if (status == EXIT_DONE)
		status = run_prepare(cmd, &request, &plan);
	/* The lock is held until poised serves: others see it from then on. */
	if (status == EXIT_DONE)
		status = run_lock_take(&run.lock);
	if (status == EXIT_DONE)
		status = owners_check(&plan);
	if (status == EXIT_DONE)
		status = run_rivals_check(&plan);
	if (status == EXIT_DONE)
		status = instance_choose(cmd, run.instance, sizeof(run.instance));
	if (status == EXIT_DONE) {
		client_socket_path(run.instance, run.socket_path, sizeof(run.socket_path));
		run.view.instance = run.instance;
		run.view.out = &run.out;
		run.view.err = &run.err;
		run.view.plan = &plan;
		run.view.backends = request.backend_count;
		status = run_plan(&run, &plan, command_option(cmd, "verbose"));
	}
	run_lock_release(&run.lock);
	run_plan_free(&plan);
	run_request_free(&request);
	return status;
}
