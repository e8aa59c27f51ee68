// SPDX-License-Identifier: BSD-2-Clause
/* poise answers: what the balancer answers by itself. */
#include <string.h>

#include "maps/answer.h"
#include "objects/objects.h"
#include "pinned/offline.h"
#include "print/format.h"
#include "print/json.h"
#include "print/table.h"

static int print_counts(const struct answer_counter counts[ANSWER_MAX])
{
	json_t *object = json_object();

	for (int kind = 0; kind < ANSWER_MAX; kind++)
		json_object_set_new(object, answer_name(kind),
				    json_pack("{s:I, s:I}", "sent", (json_int_t)counts[kind].sent,
					      "limited", (json_int_t)counts[kind].limited));
	return print_json(object);
}

static int print_table(const struct answer_counter counts[ANSWER_MAX])
{
	static const struct table_column columns[] = {
		{ "ANSWER" },
		{ "SENT", TABLE_RIGHT },
		{ "LIMITED", TABLE_RIGHT },
		{ "MEANING", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	char text[FORMAT_SIZE];

	for (int kind = 0; kind < ANSWER_MAX; kind++) {
		table_row(table);
		table_cell(table, "%s", answer_name(kind));
		table_cell(table, "%s", format_count(counts[kind].sent, text));
		table_cell(table, "%s", format_count(counts[kind].limited, text));
		table_paint(table, counts[kind].limited ? TABLE_UNSURE : TABLE_PLAIN);
		table_cell(table, "%s", answer_text(kind));
	}
	return table_print(table);
}

static int answers_show(struct command *cmd)
{
	struct answer_counter counts[ANSWER_MAX];
	struct maps maps;
	int status = offline_open_maps(cmd, &maps);
	int err;

	if (status != EXIT_DONE)
		return status;
	err = answers_read(&maps, counts);
	maps_close(&maps);
	if (err)
		return command_refuse("answers: %s", strerror(-err));
	return cmd->json ? print_counts(counts) : print_table(counts);
}

static const struct verb verbs[] = {
	{ "answers", "", "packets answered by the balancer itself; needs no poised", 0, 0, NULL,
	  answers_show },
};

const struct object object_answers = {
	"answers",
	"packets answered by the balancer itself, by kind",
	verbs,
	ARRAY_SIZE(verbs),
};
