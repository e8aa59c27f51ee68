// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ask/client.h"
#include "base/clock.h"
#include "drain/drain_judge.h"
#include "drain/drain_wait.h"
#include "print/format.h"
#include "pinned/offline.h"
#include "print/json.h"

#define POLL_MS  1000
#define RETRY_MS 15000 /* how long poised may be away, restarting */

struct drain {
	const struct command *cmd;
	char id[ENDPOINT_TEXT_SIZE];
	char path[512]; /* of the service */
	struct drain_limits limits;
	__u64 began_ms;
	__u64 told;       /* the number of connections last printed */
	__u64 told_quiet; /* and of silent ones among them */
	bool told_any;    /* one was */
	bool told_silent; /* that silent ones are waited for */
	__u64 lost_ms;    /* since when poised does not answer; 0: it does */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static const char *plural(__u64 count)
{
	return count == 1 ? "" : "s";
}

static int refuse_gone(const struct drain *drain)
{
	return command_refuse("service %s is gone: it was removed while %s drained",
			      drain->cmd->argv[0], drain->id);
}

/* Asks poised. EXIT_DONE with *out, which stays NULL where poised may be restarting. */
static int ask(struct drain *drain, json_t **out)
{
	struct client_reply reply;
	int status = client_answer_silent(drain->cmd, "GET", drain->path, NULL, &reply);

	*out = NULL;
	if (status == EXIT_NO_DAEMON) {
		if (!drain->lost_ms) {
			drain->lost_ms = now_ms();
			command_refuse("poised does not answer: waiting for it");
		}
		if (now_ms() - drain->lost_ms < RETRY_MS)
			return EXIT_DONE;
		command_refuse("poised (instance %s) is gone for %d s; %s goes on draining",
			       drain->cmd->instance, RETRY_MS / 1000, drain->id);
		return EXIT_NO_DAEMON;
	}
	drain->lost_ms = 0;
	if (reply.status == 404)
		status = refuse_gone(drain);
	else if (reply.status >= 400)
		status = client_refused(&reply);
	else
		*out = json_incref(reply.body);
	client_reply_free(&reply);
	return status;
}

/* Says how much longer rows may wait for connections that send nothing. */
static const char *settle_text(const struct drain_seen *seen, __u64 elapsed_ms,
			       char buf[FORMAT_SIZE + 16])
{
	char text[FORMAT_SIZE];

	/* The judge says that it is over then. */
	if (seen->settle_ms <= elapsed_ms)
		return "some more";
	snprintf(buf, FORMAT_SIZE + 16, "%s more at most",
		 format_duration((seen->settle_ms - elapsed_ms + 999) / 1000, text));
	return buf;
}

static void tell(struct drain *drain, const struct drain_seen *seen, __u64 elapsed_ms)
{
	char text[FORMAT_SIZE + 16];

	if (drain->cmd->json || !seen->counted)
		return;
	if (!drain->told_any || drain->told != seen->flows || drain->told_quiet != seen->silent) {
		printf("%llu connection%s left", (unsigned long long)seen->flows,
		       plural(seen->flows));
		if (seen->silent)
			printf(", %llu of them silent for %s", (unsigned long long)seen->silent,
			       format_duration(drain->limits.silent_ms / 1000, text));
		putchar('\n');
	}
	drain->told = seen->flows;
	drain->told_quiet = seen->silent;
	drain->told_any = true;
	if (seen->flows == seen->silent && seen->previous_rows && !drain->told_silent) {
		printf("waiting for connections that have sent nothing since: %s (settle)\n",
		       settle_text(seen, elapsed_ms, text));
		drain->told_silent = true;
	}
	fflush(stdout);
}

static int refuse_timeout(const struct drain *drain, const struct drain_seen *seen,
			  __u64 elapsed_ms)
{
	char elapsed[FORMAT_SIZE], text[FORMAT_SIZE + 16], count[64], rest[128] = "";

	format_duration(elapsed_ms / 1000, elapsed);
	snprintf(count, sizeof(count), "%llu connection%s", (unsigned long long)seen->flows,
		 plural(seen->flows));
	if (seen->previous_rows)
		snprintf(rest, sizeof(rest), ", and %llu row%s wait%s for silent ones: %s (settle)",
			 (unsigned long long)seen->previous_rows, plural(seen->previous_rows),
			 seen->previous_rows == 1 ? "s" : "", settle_text(seen, elapsed_ms, text));
	return command_refuse("%s: %s left after %s%s; it goes on draining", drain->id,
			      seen->counted ? count : "not yet known how many connections are",
			      elapsed, rest);
}

static int verdict_tell(const struct drain *drain, enum drain_verdict verdict,
			const struct drain_seen *seen, __u64 elapsed_ms)
{
	char time[FORMAT_SIZE], text[128];

	switch (verdict) {
	case DRAIN_UNDONE:
		return command_refuse("%s drains no more: it was made %s meanwhile", drain->id,
				      seen->state);
	case DRAIN_TIMEOUT:
		return refuse_timeout(drain, seen, elapsed_ms);
	default:
		if (!drain->cmd->json)
			puts(drain_words(verdict, seen,
					 format_duration(drain->limits.silent_ms / 1000, time),
					 text, sizeof(text)));
		return EXIT_DONE;
	}
}

static int finish(const struct drain *drain, enum drain_verdict verdict,
		  const struct drain_seen *seen, __u64 elapsed_ms)
{
	int status = verdict_tell(drain, verdict, seen, elapsed_ms);

	if (drain->cmd->json &&
	    print_json(json_pack(
		    "{s:s, s:s, s:b, s:b, s:o, s:I, s:I, s:I}", "service", drain->cmd->argv[0],
		    "backend", drain->id, "drained",
		    verdict == DRAIN_DONE || verdict == DRAIN_SILENT, "silent_left",
		    verdict == DRAIN_SILENT, "flows",
		    seen->counted || !seen->there ? json_integer(seen->flows) : json_null(),
		    "silent_flows", (json_int_t)seen->silent, "previous_rows",
		    (json_int_t)seen->previous_rows, "elapsed_ms", (json_int_t)elapsed_ms)) !=
		    EXIT_DONE)
		return EXIT_REFUSED;
	return status;
}

/* poised counts all connections. Those that were silent for longer than we wait for such are set
 * aside, as far as the tables tell. */
static void find_silent(const struct drain *drain, struct drain_seen *seen)
{
	struct maps maps;
	__u64 heard;

	if (!seen->flows || seen->sockets || offline_open_silent(drain->cmd, &maps))
		return;
	if (!tracking_heard(&maps, seen->target, drain->limits.silent_ms, &heard) &&
	    heard < seen->flows)
		seen->silent = seen->flows - heard;
	maps_close(&maps);
}

/* One look. EXIT_DONE and *verdict, or what went wrong. */
static int look(struct drain *drain, struct drain_seen *seen, enum drain_verdict *verdict)
{
	json_t *service;
	int status = ask(drain, &service);
	__u64 elapsed_ms = now_ms() - drain->began_ms;

	*verdict = DRAIN_WAIT;
	if (status != EXIT_DONE)
		return status;
	if (service) {
		drain_read(service, drain->id, elapsed_ms, seen);
		if (drain->limits.silent_ms != DRAIN_FOREVER)
			find_silent(drain, seen);
		tell(drain, seen, elapsed_ms);
		*verdict = drain_judge(seen, elapsed_ms, drain->limits.silent_ms,
				       drain->limits.timeout_ms);
	} else if (elapsed_ms >= drain->limits.timeout_ms) {
		*verdict = DRAIN_TIMEOUT;
	}
	json_decref(service);
	return EXIT_DONE;
}

static void pause_ms(__u64 ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static int wait_empty(struct drain *drain)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct drain_seen seen = { .there = true };
	enum drain_verdict verdict;
	__u64 elapsed_ms;
	int status;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (;;) {
		status = look(drain, &seen, &verdict);
		elapsed_ms = now_ms() - drain->began_ms;
		if (status != EXIT_DONE)
			return status;
		if (verdict != DRAIN_WAIT)
			return finish(drain, verdict, &seen, elapsed_ms);
		if (!interrupted)
			pause_ms(drain->limits.timeout_ms - elapsed_ms < POLL_MS
					 ? drain->limits.timeout_ms - elapsed_ms
					 : POLL_MS);
		if (interrupted)
			return command_refuse("not waiting any more; %s goes on draining: `poise "
					      "backend ready %s %s` ends that",
					      drain->id, drain->cmd->argv[0], drain->id);
	}
}

int drain_wait(const struct command *cmd, const struct drain_limits *limits,
	       const char id[ENDPOINT_TEXT_SIZE])
{
	struct drain drain = { .cmd = cmd, .limits = *limits, .path = "/v1/services" };

	snprintf(drain.id, sizeof(drain.id), "%s", id);
	if (client_path_add(drain.path, sizeof(drain.path), cmd->argv[0]))
		return command_refuse("no service \"%s\"", cmd->argv[0]);
	drain.began_ms = now_ms();
	return wait_empty(&drain);
}
