// SPDX-License-Identifier: BSD-2-Clause
/* poise check: whether a configuration file is good. */
#include "ask/config_file.h"
#include "objects/objects.h"
#include "print/json.h"

static int check_run(struct command *cmd)
{
	struct config_file file;
	int status = config_file_load(cmd->argv[0], &file);

	if (status != EXIT_DONE)
		return status;
	if (cmd->json)
		status = print_json(json_pack("{s:s, s:I, s:I}", "file", file.name, "services",
					      (json_int_t)file.services, "backends",
					      (json_int_t)file.backends));
	else
		config_file_print(&file, "good");
	config_file_free(&file);
	return status;
}

static const struct verb verbs[] = {
	{ "check", "FILE", "check a file, change nothing; needs no poised (-: stdin)", 1, 1, NULL,
	  check_run },
};

const struct object object_check = {
	"check",
	"check a file without applying it",
	verbs,
	ARRAY_SIZE(verbs),
};
