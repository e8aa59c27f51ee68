// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "print/format.h"
#include "lists/listing.h"
#include "run/run_frame.h"
#include "run/run_rows.h"
#include "run/run_view.h"
#include "print/json.h"

#define POLL_MS  500 /* for changes of health, where no table asks oftener */
#define EAGER_MS 100 /* while something is not known yet */

/* ---- lines */

static void print_listens(FILE *out, const struct run_plan *plan)
{
	char text[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < plan->listen_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", run_listen_format(&plan->listens[i], text));
}

static bool any_v6(const json_t *services)
{
	const json_t *service, *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "backends"), k, backend) {
			if (member_text(backend, "address")[0] == '[')
				return true;
		}
	}
	return false;
}

/* Says which clients mode local does not serve. */
static void print_local_hints(FILE *err, const struct run_plan *plan)
{
	bool v6 = false, udp = false;

	for (size_t i = 0; i < plan->listen_count; i++) {
		v6 |= !addr_is_v4(&plan->listens[i].addr);
		udp |= plan->listens[i].proto == IPPROTO_UDP;
	}
	if (v6 && !any_v6(json_object_get(plan->config, "services")))
		fputs("hint: clients by IPv6 are refused: no backend has an IPv6 address\n", err);
	if (udp)
		fputs("hint: UDP servers answer from their own address and port: clients get "
		      "answers from those only that are bound to all addresses and the port that "
		      "is listened on; servers elsewhere are served by nat, which has no such "
		      "limit\n",
		      err);
}

void run_view_begin(struct run_view *view)
{
	FILE *out = view->out->file;

	if (!view->terminal) {
		fputs("listening on ", out);
		print_listens(out, view->plan);
		fprintf(out, "; %zu backend%s, mode %s, instance %s\n", view->backends,
			view->backends == 1 ? "" : "s", run_plan_mode(view->plan), view->instance);
	}
	fflush(out);
	if (!view->plan->local)
		fputs("hint: mode nat serves clients elsewhere, not those on this very host: try "
		      "it from another one\n",
		      view->err->file);
	else
		print_local_hints(view->err->file, view->plan);
	fflush(view->err->file);
}

static const json_t *backend_before(const json_t *services, const struct run_row *row)
{
	const json_t *service, *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		if (strcmp(member_text(service, "name"), row->service))
			continue;
		json_array_foreach (json_object_get(service, "backends"), k, backend) {
			if (!strcmp(member_text(backend, "id"), row->id))
				return backend;
		}
	}
	return NULL;
}

/* A change that was undone meanwhile is not told. */
static void print_gap(const struct run_view *view, __u64 now_ns)
{
	char time[FORMAT_SIZE];

	if (view->stalled && view->update_ns)
		fprintf(view->out->file,
			"nothing is told of the last %s: standard output was stalled\n",
			format_duration((now_ns - view->update_ns) / 1000000000, time));
}

static void print_changes(const struct run_view *view, const struct run_row *rows, size_t count)
{
	FILE *out = view->out->file;

	for (size_t i = 0; i < count; i++) {
		const struct run_row *row = &rows[i];
		const json_t *before = row->id ? backend_before(view->services, row) : NULL;

		if (!row->id || (before && !strcmp(member_text(before, "health"), row->health)) ||
		    (strcmp(row->health, "up") && strcmp(row->health, "down")))
			continue;
		fprintf(out, "%s", row->id);
		if (view->plan->listen_count > 1)
			fprintf(out, " for %s", row->listen);
		/* The rest may not be known yet of a backend that has just come up. */
		if (!strcmp(row->health, "down") && row->reason[0])
			fprintf(out, " is down: %s\n", row->reason);
		else
			fprintf(out, " is %s\n", row->health);
	}
}

static void print_figures(FILE *out, const struct run_row *rows, size_t count)
{
	char share[FORMAT_SIZE], rate[FORMAT_SIZE], all[FORMAT_SIZE], live[FORMAT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct run_row *row = &rows[i];

		format_rate(row->new_per_s, "", rate);
		format_count(row->new_flows, all);
		format_count(row->live, live);
		if (!row->id)
			fprintf(out, "%s: %s new, %s so far, %s live\n", row->listen, rate, all,
				live);
		else
			fprintf(out, "  %s %s: %s new (%s), %s so far, %s live\n", row->id,
				row->health, rate, format_share(row->now, share), all, live);
	}
}

/* ---- a table in place */

static void draw(struct run_view *view, const struct run_row *rows, size_t count)
{
	struct winsize size = { 0 };
	FILE *out = view->out->file;
	char *frame, *line, *rest;
	size_t most, lines = 0;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	most = size.ws_row > 2 ? size.ws_row - 1 : 24;
	frame = run_frame_make(view, rows, count, most);
	if (!frame)
		return;
	if (view->lines)
		fprintf(out, "\033[%zuA", view->lines);
	/* Lines that are too long are cut: wrapped ones would take more than one. */
	fputs("\r\033[?7l", out);
	rest = frame;
	while (lines < most && (line = strsep(&rest, "\n")) && (rest || line[0])) {
		fprintf(out, "%s\033[K\n", line);
		lines++;
	}
	fputs("\033[?7h\033[J", out);
	view->lines = lines;
	free(frame);
}

/* ---- both */

static bool figures_due(const struct run_view *view, __u64 now_ns)
{
	return view->interval_ms && now_ns - view->told_ns >= view->interval_ms * 1000000;
}

void run_view_update(struct run_view *view, json_t *services, json_t *stats)
{
	__u64 now_ns = member_number(stats, "time_ns");
	/* Figures are of the time since they were printed last. */
	bool due = !view->stats || view->terminal || figures_due(view, now_ns);
	size_t count;
	struct run_row *rows = run_rows_make(services, stats, view->stats, &count);

	if (rows && view->terminal) {
		draw(view, rows, count);
	} else if (rows) {
		print_gap(view, now_ns);
		print_changes(view, rows, count);
		if (view->stats && due)
			print_figures(view->out->file, rows, count);
	}
	fflush(view->out->file);
	free(rows);
	json_decref(view->services);
	view->services = services;
	view->update_ns = now_ns;
	view->stalled = false;
	if (due) {
		json_decref(view->stats);
		view->stats = stats;
		view->told_ns = now_ns;
	} else {
		json_decref(stats);
	}
}

static bool is_known(const json_t *services)
{
	const json_t *service, *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "backends"), k, backend) {
			if (!strcmp(member_text(backend, "health"), "checking"))
				return false;
		}
	}
	return services;
}

int run_view_wait_ms(const struct run_view *view)
{
	if (!is_known(view->services))
		return EAGER_MS;
	if (view->terminal || (view->interval_ms && view->interval_ms < POLL_MS))
		return view->interval_ms;
	return POLL_MS;
}

void run_view_end(struct run_view *view, const char *why)
{
	if (view->services && why)
		fprintf(view->out->file, "%s%s\n", view->terminal ? "\n" : "", why);
	fflush(view->out->file);
	json_decref(view->services);
	json_decref(view->stats);
	view->services = view->stats = NULL;
}
