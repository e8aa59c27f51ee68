// SPDX-License-Identifier: BSD-2-Clause
/* poise drops: why packets were dropped. */
#include <string.h>

#include "maps/drop.h"
#include "objects/objects.h"
#include "print/format.h"
#include "pinned/offline.h"
#include "print/table.h"
#include "print/json.h"

static int print_counts(const __u64 counts[DROP_MAX])
{
	json_t *object = json_object();
	int reason;

	for (reason = DROP_NONE + 1; reason < DROP_MAX; reason++)
		json_object_set_new(object, drop_name(reason), json_integer(counts[reason]));
	return print_json(object);
}

static int print_table(const __u64 counts[DROP_MAX])
{
	static const struct table_column columns[] = {
		{ "REASON" },
		{ "PACKETS", TABLE_RIGHT },
		{ "MEANING", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	char text[FORMAT_SIZE];
	int reason;

	for (reason = DROP_NONE + 1; reason < DROP_MAX; reason++) {
		table_row(table);
		table_cell(table, "%s", drop_name(reason));
		table_cell(table, "%s", format_count(counts[reason], text));
		table_paint(table, counts[reason] ? TABLE_UNSURE : TABLE_PLAIN);
		table_cell(table, "%s", drop_text(reason));
	}
	return table_print(table);
}

static int drops_show(struct command *cmd)
{
	__u64 counts[DROP_MAX];
	struct maps maps;
	int status = offline_open_maps(cmd, &maps);
	int err;

	if (status != EXIT_DONE)
		return status;
	err = drops_read(&maps, counts);
	maps_close(&maps);
	if (err)
		return command_refuse("drops: %s", strerror(-err));
	return cmd->json ? print_counts(counts) : print_table(counts);
}

static const struct verb verbs[] = {
	{ "drops", "", "packets dropped, by reason; needs no poised", 0, 0, NULL, drops_show },
};

const struct object object_drops = {
	"drops",
	"packets dropped, by reason, and what to do about it",
	verbs,
	ARRAY_SIZE(verbs),
};
