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
#include <time.h>
#include <unistd.h>

#include "bpffs.h"
#include "client.h"
#include "format.h"
#include "holder.h"
#include "needs.h"
#include "run_child.h"
#include "run_dir.h"
#include "run_lock.h"
#include "run_prepare.h"
#include "run_remains.h"
#include "run_rivals.h"
#include "run_view.h"

#define DEFAULT_TABLE_MS 1000
#define LEAST_TABLE_MS   100
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

static int holders_check(const struct run_plan *plan)
{
	char want[ENDPOINT_TEXT_SIZE], where[ENDPOINT_TEXT_SIZE];
	struct holder holder;

	for (size_t i = 0; i < plan->listen_count; i++) {
		const struct run_listen *listen = &plan->listens[i];

		if (holder_find(&listen->addr, listen->port, listen->proto, &holder) <= 0)
			continue;
		run_listen_format(listen, want);
		listen_format(&holder.addr, holder.port, listen->proto, where);
		if (!holder.pid)
			return command_refuse("%s is taken: somebody listens on %s already", want,
					      where);
		return command_refuse("%s is taken: %s (process %ld) listens on %s", want,
				      holder.name, holder.pid, where);
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

/* One of our own; what another instance left or serves is not ours to take away. */
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

/* What came: a signal to end by, or 0. */
static int signal_take(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return info.ssi_signo;
	}
	return 0;
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* What is polled for nothing still reports that nobody reads it, at once: not polled, then. */
static int room_wanted(struct run_out *out)
{
	return run_out_ready(out) ? -1 : out->fd;
}

/* Up to a time; a signal to end by or poised's end is sooner. Returns the signal or 0. */
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

/* Until poised answers. *number: a signal came first. */
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

/* What there is no room for is not asked for: what changed is told when there is. */
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
	/* Nothing is left to be taken away: who waits for standard error now can be ended. */
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

static int interval_take(const struct command *cmd, bool terminal, __u64 *out_ms)
{
	const char *interval = command_option(cmd, "interval");

	*out_ms = terminal ? DEFAULT_TABLE_MS : 0;
	if (!interval || (!duration_parse(interval, out_ms) && *out_ms >= LEAST_TABLE_MS))
		return EXIT_DONE;
	return command_misuse("--interval: expected a time of at least %dms, like 500ms or 2s, "
			      "found \"%s\"",
			      LEAST_TABLE_MS, interval);
}

static int run_run(struct command *cmd)
{
	struct run run = { .view.terminal = isatty(STDOUT_FILENO), .lock = -1 };
	struct run_request request = { 0 };
	struct run_plan plan = { 0 };
	int status = run_request_take(cmd, &request);

	if (status == EXIT_DONE)
		status = interval_take(cmd, run.view.terminal, &run.view.interval_ms);
	if (status == EXIT_DONE && cmd->json)
		status = command_misuse("run: there is no JSON of it; `poise -j --instance NAME "
					"stats` asks what runs");
	if (status == EXIT_DONE)
		status = needs_ask();
	/* First, as it may have the port or the name. */
	if (status == EXIT_DONE)
		run_remains_sweep();
	if (status == EXIT_DONE)
		status = run_prepare(cmd, &request, &plan);
	/* Until poised serves, as others see it from then on. */
	if (status == EXIT_DONE)
		status = run_lock_take(&run.lock);
	if (status == EXIT_DONE)
		status = holders_check(&plan);
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

int cmd_run(struct command *cmd)
{
	static const struct option_row options[] = {
		{ "listen", "[ADDR]:PORT[/udp]", "where clients connect to: :8080", true },
		{ "scheduler", "maglev|roundrobin|leastconn|random",
		  "how a backend is chosen (maglev)" },
		{ "check", "tcp|http:/PATH|none", "how to tell whether a backend is up (tcp)" },
		{ "interface", "NAME", "where clients' packets come in (by the address)", true },
		{ "xdp", "auto|native|generic", "how the program is attached to them (auto)" },
		{ "interval", "TIME", "between tables (1s); off a terminal: between figures" },
		{ "verbose", NULL, "show what poised says" },
		{ 0 },
	};
	static const struct verb verb = {
		"run",
		"--listen [ADDR]:PORT[/udp] [OPTION]... BACKEND...",
		"Balances connections to a port over backends (ADDR:PORT) until Ctrl-C:\n"
		"  sudo poise run --listen :8080 127.0.0.1:8001 127.0.0.1:8002 127.0.0.1:8003\n"
		"Backends on this host are given the connections themselves (mode local), others\n"
		"get their packets by nat, for clients elsewhere. Nothing is left behind.",
		0,
		-1,
		options,
		run_run,
	};

	return verb_run(cmd, &verb);
}
