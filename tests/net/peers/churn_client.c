// SPDX-License-Identifier: BSD-2-Clause
/*
 * Holds many TCP connections to one address while what is behind it changes, and tells which broke.
 * Each connection asks now and then; the answer, "NAME NONCE COUNT\n" (churn_server, or nginx with
 * its variables), must name the backend and the connection that it has always named. SIGUSR1 prints
 * a report; so does the end (SIGTERM, SIGINT or --seconds), once each connection has been asked a
 * last time. Exit status 1: one broke.
 *
 * Lines to the FIFO of --control, each answered by a line when it is done:
 *	report          the report
 *	ask             asks every connection at once: "asked"
 *	answers N       waits until N more answers have come: "answered N"
 *	leave NAME      ends the connections to a backend in good order and makes others: "left N"
 *	allow NAME      what this backend breaks is counted apart from now on: "allowed"
 *	forbid          nothing may break any more: "forbidden"
 *	short N         short connections per second from now on: "short N"
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "churn/churn.h"

#define TICK_MS 10

static struct churn_options options;
static struct churn_conn *longs, *shorts;
static size_t short_slots;
static int epoll_fd, signal_fd, control_fd = -1;
static long long start_ms, tick_ms, short_credit, open_credit;
static bool round_runs, ending, told_ready;
static long answers_wanted, answers_until; /* wanted 0: nobody waits for answers */

/* ---- time */

static void open_longs(long long elapsed_ms)
{
	long long now = churn_now_ms();

	open_credit += elapsed_ms * options.pace;
	for (size_t i = 0; i < options.long_count && open_credit >= 1000; i++) {
		if (longs[i].state != STATE_CLOSED || longs[i].due_ms > now)
			continue;
		open_credit -= 1000;
		conn_open(&longs[i]);
	}
	/* Unused credit is not saved up. */
	if (open_credit > 1000)
		open_credit = 1000;
}

static void open_shorts(long long elapsed_ms)
{
	size_t slot = 0;

	for (short_credit += elapsed_ms * options.short_rate; short_credit >= 1000;
	     short_credit -= 1000) {
		while (slot < short_slots && shorts[slot].state != STATE_CLOSED)
			slot++;
		if (slot < short_slots)
			conn_open(&shorts[slot]);
	}
}

static void look_after(struct churn_conn *conn, long long now)
{
	switch (conn->state) {
	case STATE_QUIET:
		if (conn->due_ms <= now)
			conn_ask(conn);
		break;
	case STATE_CONNECTING:
	case STATE_WAITING:
		if (now - conn->since_ms > options.stall_ms)
			conn_break(conn, WHY_STALLED);
		break;
	case STATE_CLOSED:
		break;
	}
}

static size_t established(void)
{
	size_t count = 0;

	for (size_t i = 0; i < options.long_count; i++)
		count += longs[i].backend >= 0 && longs[i].state != STATE_CLOSED;
	return count;
}

static bool any_in_round(void)
{
	for (size_t i = 0; i < options.long_count; i++) {
		if (longs[i].in_round)
			return true;
	}
	return false;
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void tick(void)
{
	long long now = churn_now_ms(), elapsed = now - tick_ms;

	if (elapsed < TICK_MS)
		return;
	tick_ms = now;
	if (!ending) {
		open_longs(elapsed);
		open_shorts(elapsed);
	}
	for (size_t i = 0; i < options.long_count; i++)
		look_after(&longs[i], now);
	for (size_t i = 0; i < short_slots; i++)
		look_after(&shorts[i], now);
	if (!told_ready && established() == options.long_count) {
		told_ready = true;
		say("ready");
	}
	if (answers_wanted && tally_answers() >= answers_until) {
		printf("answered %ld\n", answers_wanted);
		fflush(stdout);
		answers_wanted = 0;
	}
	if (round_runs && !ending && !any_in_round()) {
		round_runs = false;
		say("asked");
	}
}

/* ---- orders */

static void ask_all(void)
{
	round_runs = true;
	for (size_t i = 0; i < options.long_count; i++) {
		/* A busy one's answer may be on its way from before; it will be asked again. */
		longs[i].in_round = longs[i].state != STATE_CLOSED;
		if (longs[i].state == STATE_QUIET)
			conn_ask(&longs[i]);
	}
}

static void report(void)
{
	tally_report(&options, established(), (double)(churn_now_ms() - start_ms) / 1000);
}

static void leave(const char *name)
{
	int backend = tally_find(name);
	long left = 0;

	for (size_t i = 0; backend >= 0 && i < options.long_count; i++) {
		if (longs[i].state == STATE_CLOSED || longs[i].backend != backend)
			continue;
		conn_close(&longs[i]);
		tally_replaced();
		left++;
	}
	printf("left %ld\n", left);
	fflush(stdout);
}

static void obey(const char *line)
{
	char name[CHURN_NAME_SIZE];

	if (!strcmp(line, "report")) {
		report();
	} else if (!strcmp(line, "ask")) {
		ask_all();
	} else if (!strcmp(line, "forbid")) {
		tally_allow(NULL, false);
		say("forbidden");
	} else if (sscanf(line, "allow %31s", name) == 1) {
		tally_allow(name, true);
		say("allowed");
	} else if (sscanf(line, "leave %31s", name) == 1) {
		leave(name);
	} else if (sscanf(line, "answers %31s", name) == 1) {
		answers_wanted = strtol(name, NULL, 10);
		answers_until = tally_answers() + answers_wanted;
	} else if (sscanf(line, "short %31s", name) == 1) {
		options.short_rate = strtol(name, NULL, 10);
		say(line);
	} else {
		fprintf(stderr, "churn_client: unknown order: %s\n", line);
	}
}

/* A line is written, and so read, whole. */
static void orders(void)
{
	char text[1024], *rest = text;
	ssize_t got = read(control_fd, text, sizeof(text) - 1);
	const char *line;

	if (got <= 0)
		return;
	text[got] = 0;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			obey(line);
	}
}

static void signalled(void)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		report();
	} else if (!ending) {
		ending = true;
		ask_all();
	}
}

/* ---- the loop */

static void watch(int fd, void *as)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = as };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
		perror("churn_client");
		exit(2);
	}
}

static void prepare(void)
{
	struct rlimit limit;
	sigset_t signals;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	watch(signal_fd, &signal_fd);
	if (options.control) {
		/* Held open for writing, too, so that it never ends. */
		control_fd = open(options.control, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		watch(control_fd, &control_fd);
	}
	short_slots = (size_t)(options.short_rate * options.stall_ms / 1000) + 1024;
	longs = calloc(options.long_count + 1, sizeof(*longs));
	shorts = calloc(short_slots, sizeof(*shorts));
	if (!longs || !shorts || epoll_fd < 0)
		exit(2);
	for (size_t i = 0; i < options.long_count; i++) {
		longs[i].fd = -1;
		longs[i].backend = -1;
		/* Spread evenly, so that neither kind comes first. */
		longs[i].kind = (long)(i * 37 % 100) < options.busy_percent ? KIND_BUSY : KIND_IDLE;
	}
	for (size_t i = 0; i < short_slots; i++)
		shorts[i] = (struct churn_conn){ .fd = -1, .backend = -1, .kind = KIND_SHORT };
	conn_init(&options, epoll_fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];

	options_parse(argc, argv, &options);
	prepare();
	start_ms = tick_ms = churn_now_ms();
	while (!ending || any_in_round()) {
		int count = epoll_wait(epoll_fd, events, 256, TICK_MS);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &signal_fd)
				signalled();
			else if (events[i].data.ptr == &control_fd)
				orders();
			else
				conn_ready(events[i].data.ptr, events[i].events);
		}
		tick();
		if (options.seconds && !ending && tick_ms - start_ms > options.seconds * 1000) {
			ending = true;
			ask_all();
		}
	}
	report();
	free(longs);
	free(shorts);
	free(options.sources);
	return tally_broken_total() > 0;
}
