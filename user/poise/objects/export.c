// SPDX-License-Identifier: BSD-2-Clause
/* poise export: the running configuration as a file. */
#include <string.h>

#include "ask/client.h"
#include "conf/conf.h"
#include "objects/objects.h"
#include "print/json.h"

static int export_run(struct command *cmd)
{
	json_t *tree = NULL;
	int status = client_call(cmd, "GET", "/v1/config", NULL, &tree);
	int err;

	if (status != EXIT_DONE)
		return status;
	if (!tree)
		return command_refuse("poised answered with something that is not JSON");
	if (cmd->json)
		return print_json(tree);
	err = conf_tree_to_yaml(tree, stdout);
	json_decref(tree);
	return err ? command_refuse("cannot print YAML: %s", strerror(-err)) : EXIT_DONE;
}

static const struct verb verbs[] = {
	{ "export", "", "print the running configuration as YAML", 0, 0, NULL, export_run },
};

const struct object object_export = {
	"export",
	"print the running configuration",
	verbs,
	ARRAY_SIZE(verbs),
};
