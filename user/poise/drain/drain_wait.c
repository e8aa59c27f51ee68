// SPDX-License-Identifier: BSD-2-Clause
/* poise backend drain, ready, maint: what is wanted of a backend, and waiting until it is empty. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "client.h"
#include "drain.h"
#include "format.h"
#include "offline.h"
#include "tree.h"

#define POLL_MS  1000
#define RETRY_MS 15000 /* how long poised may be away, restarting */

const struct option_row drain_options[] = {
	{ "wait", NULL, "until its last connection has ended" },
	{ "timeout", "TIME", "with --wait: give up after that, with exit status 1 (never)" },
	{ "silent", "TIME", "with --wait: not for connections silent for longer" },
	{ 0 },
};

struct drain {
	const struct command *cmd;
	char id[ENDPOINT_TEXT_SIZE];
	char path[512]; /* of the service */
	__u64 timeout_ms, silent_ms;
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

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static int state_set(struct command *cmd, const char *state, json_t **answer)
{
	json_t *body = json_pack("{s:s}", "state", state);
	char path[512];
	int status = backend_path(cmd, path, sizeof(path));

	if (status == EXIT_DONE)
		status = client_call(cmd, "PATCH", path, body, answer);
	json_decref(body);
	return status;
}

static int state_run(struct command *cmd, const char *state)
{
	json_t *answer = NULL;
	int status = state_set(cmd, state, &answer);

	return status == EXIT_DONE ? client_done(cmd, answer) : status;
}

int ready_run(struct command *cmd)
{
	return state_run(cmd, "ready");
}

int maint_run(struct command *cmd)
{
	return state_run(cmd, "maint");
}

/* ---- waiting */

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

/* How much longer rows may wait for connections that send nothing, in words. */
static const char *settle_text(const struct drain_seen *seen, __u64 elapsed_ms,
			       char buf[FORMAT_SIZE + 16])
{
	char text[FORMAT_SIZE];

	/* Then the judge says that it is over. */
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
			       format_duration(drain->silent_ms / 1000, text));
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
					 format_duration(drain->silent_ms / 1000, time), text,
					 sizeof(text)));
		return EXIT_DONE;
	}
}

static int finish(const struct drain *drain, enum drain_verdict verdict,
		  const struct drain_seen *seen, __u64 elapsed_ms)
{
	int status = verdict_tell(drain, verdict, seen, elapsed_ms);

	if (drain->cmd->json &&
	    tree_print(json_pack(
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

/* poised counts all. Those not heard of within the time that is waited for the silent are set
 * aside, where anybody knows. */
static void find_silent(const struct drain *drain, struct drain_seen *seen)
{
	struct maps maps;
	__u64 heard;

	if (!seen->flows || seen->sockets || offline_open_silent(drain->cmd, &maps))
		return;
	if (!tracking_heard(&maps, seen->target, drain->silent_ms, &heard) && heard < seen->flows)
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
		if (drain->silent_ms != DRAIN_FOREVER)
			find_silent(drain, seen);
		tell(drain, seen, elapsed_ms);
		*verdict = drain_judge(seen, elapsed_ms, drain->silent_ms, drain->timeout_ms);
	} else if (elapsed_ms >= drain->timeout_ms) {
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
			pause_ms(drain->timeout_ms - elapsed_ms < POLL_MS
					 ? drain->timeout_ms - elapsed_ms
					 : POLL_MS);
		if (interrupted)
			return command_refuse("not waiting any more; %s goes on draining: `poise "
					      "backend ready %s %s` ends that",
					      drain->id, drain->cmd->argv[0], drain->id);
	}
}

/* A time that an option may give. EXIT_DONE or EXIT_USAGE. */
static int limit_take(const struct command *cmd, const char *option, __u64 *out)
{
	const char *text = command_option(cmd, option);

	*out = DRAIN_FOREVER;
	if (!text)
		return EXIT_DONE;
	if (!command_option(cmd, "wait"))
		return command_misuse("backend drain: --%s is for --wait", option);
	if (duration_parse(text, out))
		return command_misuse("--%s: expected a time like 30s or 5m, found \"%s\"", option,
				      text);
	return EXIT_DONE;
}

int drain_run(struct command *cmd)
{
	struct drain drain = { .cmd = cmd, .path = "/v1/services" };
	json_t *answer = NULL;
	int status = limit_take(cmd, "timeout", &drain.timeout_ms);

	if (status == EXIT_DONE)
		status = limit_take(cmd, "silent", &drain.silent_ms);
	if (status == EXIT_DONE)
		status = backend_spelling(cmd, drain.id);
	if (status != EXIT_DONE)
		return status;
	if (!command_option(cmd, "wait"))
		return state_run(cmd, "drain");
	if (client_path_add(drain.path, sizeof(drain.path), cmd->argv[0]))
		return command_refuse("no service \"%s\"", cmd->argv[0]);
	status = state_set(cmd, "drain", &answer);
	if (status == EXIT_DONE)
		drain_name(answer, drain.id);
	json_decref(answer);
	drain.began_ms = now_ms();
	return status == EXIT_DONE ? wait_empty(&drain) : status;
}
