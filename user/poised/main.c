// SPDX-License-Identifier: BSD-2-Clause
/* poised: options, signals, the loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <uv.h>

#include "api/api.h"
#include "config/control.h"
#include "base/instance_name.h"
#include "base/log.h"
#include "base/options.h"
#include "config/notify.h"

#define DEFAULT_FILE     "/etc/poise/poise.yaml"
#define DEFAULT_INSTANCE "default"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct daemon {
	uv_loop_t loop;
	uv_signal_t term, interrupt, hangup;
	struct control *control;
	struct api *api;
	bool transient;
};

/* If an option is given twice, the last one counts. */
static const struct option_row option_rows[] = {
	{ "config", "FILE", "configuration (default " DEFAULT_FILE ")", .many = true,
	  .letter = 'c' },
	{ "instance", "NAME", "which of several on this machine (default " DEFAULT_INSTANCE ")",
	  .many = true, .letter = 'i' },
	{ "transient", NULL, "leave nothing behind, end with the parent process, and keep no state",
	  .many = true },
	{ "version", NULL, "print the version", .many = true, .letter = 'V' },
	{ "help", NULL, "print this", .many = true, .letter = 'h' },
	{ 0 },
};

static void usage_print(FILE *out)
{
	char text[64];

	fputs("Usage: poised [--config FILE] [--instance NAME] [--transient]\n"
	      "Balances services over backends in XDP; runs in the foreground, logs to standard "
	      "error.\n"
	      "\n",
	      out);
	for (const struct option_row *row = option_rows; row->name; row++)
		fprintf(out, "  %-21s%s\n", option_text(row, text, sizeof(text)), row->help);
	fputs("\n"
	      "Signals: HUP reads the configuration again; TERM and INT end poised, traffic goes "
	      "on\n"
	      "(`poise detach` takes it off) unless it is transient. Exit status: 0 ended, 1 "
	      "refused or failed, 2 usage.\n",
	      out);
}

/* Returns an exit status to end with, or -1 to go on. */
static int option_apply(const struct option_given *given, struct control_options *options)
{
	switch (given->row->letter) {
	case 'c':
		options->file = given->value;
		options->file_needed = true;
		return -1;
	case 'i':
		options->instance = given->value;
		return -1;
	case 'V':
		puts("poised " POISE_VERSION);
		return EXIT_SUCCESS;
	case 'h':
		usage_print(stdout);
		return EXIT_SUCCESS;
	default:
		options->transient = true;
		return -1;
	}
}

static int misuse(const char *text)
{
	log_err("%s", text);
	usage_print(stderr);
	return EXIT_USAGE;
}

/* Fills options; returns an exit status to end with, or -1 to go on. */
static int options_parse(int argc, char **argv, struct control_options *options)
{
	static const struct option_row *const tables[] = { option_rows, NULL };
	char error[OPTIONS_ERROR_SIZE];
	struct options_given given;
	int words = options_take(tables, argc, argv, &given, error), status = -1;

	for (size_t i = 0; i < given.count && status < 0; i++)
		status = option_apply(&given.list[i], options);
	options_free(&given);
	if (status >= 0)
		return status;
	if (words > 0)
		snprintf(error, sizeof(error), "%s: poised takes options only", argv[0]);
	if (words)
		return misuse(error);
	if (!instance_name_valid(options->instance)) {
		log_err("--instance: expected a letter or digit, then up to 31 letters, digits, "
			"underscores and hyphens, found \"%s\"",
			options->instance);
		return EXIT_USAGE;
	}
	return -1;
}

/* Every check in flight and every client is a descriptor. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn("RLIMIT_NOFILE: %s", strerror(errno));
}

static void end_asked(uv_signal_t *signal, int number)
{
	struct daemon *daemon = signal->loop->data;

	log_info("%s: ending; %s", number == SIGTERM ? "SIGTERM" : "SIGINT",
		 daemon->transient ? "everything is taken away" : "traffic goes on");
	uv_stop(&daemon->loop);
}

static void reload_asked(uv_signal_t *signal, int number)
{
	struct daemon *daemon = signal->loop->data;

	(void)number;
	control_reload_soon(daemon->control);
}

static int signals_open(struct daemon *daemon)
{
	int err;

	/* A client that went away is the reader's business, not the process's end. */
	signal(SIGPIPE, SIG_IGN);
	uv_signal_init(&daemon->loop, &daemon->term);
	uv_signal_init(&daemon->loop, &daemon->interrupt);
	uv_signal_init(&daemon->loop, &daemon->hangup);
	err = uv_signal_start(&daemon->term, end_asked, SIGTERM);
	if (!err)
		err = uv_signal_start(&daemon->interrupt, end_asked, SIGINT);
	if (!err)
		err = uv_signal_start(&daemon->hangup, reload_asked, SIGHUP);
	return err;
}

static int serve(struct daemon *daemon, struct control_options *options)
{
	int err = uv_loop_init(&daemon->loop);

	if (err)
		return err;
	daemon->loop.data = daemon;
	options->loop = &daemon->loop;
	err = signals_open(daemon);
	if (!err)
		err = control_start(options, &daemon->control);
	if (!err)
		err = api_open(&daemon->loop, daemon->control, &daemon->api);
	if (!err) {
		control_ready(daemon->control);
		uv_run(&daemon->loop, UV_RUN_DEFAULT);
		notify_stopping();
	}
	api_close(daemon->api);
	control_stop(daemon->control);
	uv_close((uv_handle_t *)&daemon->term, NULL);
	uv_close((uv_handle_t *)&daemon->interrupt, NULL);
	uv_close((uv_handle_t *)&daemon->hangup, NULL);
	/* Until the last handle has told that it is closed. */
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	uv_loop_close(&daemon->loop);
	return err;
}

int main(int argc, char **argv)
{
	struct control_options options = { .file = DEFAULT_FILE, .instance = DEFAULT_INSTANCE };
	struct daemon daemon = { 0 };
	int status;

	log_init("poised");
	status = options_parse(argc > 0 ? argc - 1 : 0, argv + (argc > 0), &options);
	if (status >= 0)
		return status;
	raise_limits();
	daemon.transient = options.transient;
	if (options.transient && prctl(PR_SET_PDEATHSIG, SIGTERM))
		log_warn("the end of the parent process will go unnoticed: %s", strerror(errno));
	return serve(&daemon, &options) ? EXIT_REFUSED : EXIT_SUCCESS;
}
