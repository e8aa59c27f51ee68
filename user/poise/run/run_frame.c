// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "print/format.h"
#include "lists/listing.h"
#include "run/run_frame.h"
#include "print/table.h"

#define HEAD_LINES 4 /* print_head's and the columns' names */

struct layout {
	bool many, reasons; /* columns */
	size_t left;        /* rows that there is no room for */
};

static bool any_reason(const struct run_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].reason[0])
			return true;
	}
	return false;
}

static struct table *table_make(bool many, bool reasons)
{
	static const struct table_column columns[] = {
		{ "LISTEN" },
		{ "BACKEND" },
		{ "HEALTH" },
		{ "SINCE", TABLE_RIGHT },
		{ "WANTED", TABLE_RIGHT },
		{ "NOW", TABLE_RIGHT },
		{ "SHARE", TABLE_RIGHT },
		{ "CONNS/S", TABLE_RIGHT },
		{ "CONNS", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT },
		{ "REASON" },
	};

	return table_new(columns + !many, ARRAY_SIZE(columns) - !many - !reasons);
}

static void row_put(struct table *table, const struct run_row *row, bool many, bool reasons)
{
	char text[FORMAT_SIZE];

	table_row(table);
	if (many)
		table_cell(table, "%s", row->listen);
	table_cell(table, "%s", row->id ? row->id : "all");
	table_cell(table, "%s", row->health);
	table_paint(table, listing_health_color(row->health));
	table_cell(table, "%s", row->id ? format_duration(row->since_s, text) : "");
	table_cell(table, "%s", format_share(row->wanted, text));
	table_cell(table, "%s", format_share(row->now, text));
	table_cell(table, "%s", format_share(row->share, text));
	table_cell(table, "%s", format_rate(row->new_per_s, "", text));
	table_cell(table, "%s", format_count(row->new_flows, text));
	table_cell(table, "%s", format_count(row->live, text));
	if (!reasons)
		return;
	table_cell(table, "%s", row->reason);
	table_paint(table, TABLE_UNSURE);
}

static void print_head(FILE *out, const struct run_view *view)
{
	const struct run_plan *plan = view->plan;
	char listen[ENDPOINT_TEXT_SIZE];

	if (plan->listen_count == 1)
		fprintf(out, "%s", run_listen_format(&plan->listens[0], listen));
	else
		fprintf(out, "%zu services", plan->listen_count);
	fprintf(out, " over %zu backend%s, mode %s; Ctrl-C ends it\n", view->backends,
		view->backends == 1 ? "" : "s", run_plan_mode(plan));
	fprintf(out, "more: poise --instance %s stats, flows, explain, backend drain ...\n\n",
		view->instance);
}

static bool is_up(const struct run_row *row)
{
	return !strcmp(row->health, "up");
}

/* Which rows there is room for: sums, then backends that are not up, then others. How many are
 * left out. */
static size_t rows_choose(const struct run_row *rows, size_t count, size_t room, bool *shown)
{
	size_t left = count;

	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < count && room; i++) {
			if ((!rows[i].id ? 0 : is_up(&rows[i]) ? 2 : 1) != pass)
				continue;
			shown[i] = true;
			room--;
			left--;
		}
	}
	return left;
}

/* The sum below its parts; where some are left out, first those that are not up. */
static void rows_put(struct table *table, const struct run_row *rows, size_t count,
		     const bool *shown, const struct layout *layout)
{
	for (size_t all = 0, end; all < count; all = end) {
		for (end = all + 1; end < count && rows[end].id;)
			end++;
		for (int pass = 0; pass < 2; pass++) {
			for (size_t i = all + 1; i < end; i++) {
				if (shown[i] && (layout->left && is_up(&rows[i])) == pass)
					row_put(table, &rows[i], layout->many, layout->reasons);
			}
		}
		if (shown[all])
			row_put(table, &rows[all], layout->many, layout->reasons);
	}
}

char *run_frame_make(const struct run_view *view, const struct run_row *rows, size_t count,
		     size_t lines)
{
	size_t size, room = lines > HEAD_LINES ? lines - HEAD_LINES : 0;
	struct layout layout = { .many = view->plan->listen_count > 1,
				 .reasons = any_reason(rows, count) };
	struct table *table = table_make(layout.many, layout.reasons);
	bool *shown = calloc(count + 1, sizeof(*shown));
	char *body, *text = NULL;
	FILE *out;

	if (shown) {
		/* One line says that there are more. */
		layout.left =
			rows_choose(rows, count, count > room && room ? room - 1 : room, shown);
		rows_put(table, rows, count, shown, &layout);
	}
	body = table_text(table);
	out = open_memstream(&text, &size);
	if (body && out) {
		print_head(out, view);
		fprintf(out, "%s\n", body);
		if (layout.left)
			fprintf(out, "%zu more\n", layout.left);
	}
	free(shown);
	free(body);
	if (out && fclose(out)) {
		free(text);
		text = NULL;
	}
	return text;
}
