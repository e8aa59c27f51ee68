// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>

#include "format.h"
#include "listing.h"
#include "run_frame.h"
#include "table.h"

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
		view->backends == 1 ? "" : "s", plan->local ? "local" : "nat");
	fprintf(out, "more: poise --instance %s stats, flows, explain, backend drain ...\n\n",
		view->instance);
}

char *run_frame_make(const struct run_view *view, const struct run_row *rows, size_t count)
{
	bool many = view->plan->listen_count > 1, reasons = any_reason(rows, count);
	struct table *table = table_make(many, reasons);
	char *body, *text = NULL;
	size_t size;
	FILE *out;

	/* The sum below its parts. */
	for (size_t i = 0; i < count; i++) {
		size_t all = i;

		while (++i < count && rows[i].id)
			row_put(table, &rows[i], many, reasons);
		row_put(table, &rows[all], many, reasons);
		i--;
	}
	body = table_text(table);
	out = open_memstream(&text, &size);
	if (body && out) {
		print_head(out, view);
		fputs(body, out);
	}
	free(body);
	if (out && fclose(out)) {
		free(text);
		text = NULL;
	}
	return text;
}
