// SPDX-License-Identifier: BSD-2-Clause
/* poise attach: puts the program on an interface. */
#include "ask/client.h"
#include "conf/conf.h"
#include "objects/objects.h"

static int attach_run(struct command *cmd)
{
	const char *mode = command_option(cmd, "xdp");
	json_t *body = json_pack("{s:s}", "name", cmd->argv[0]);

	if (!body)
		return command_misuse("attach: the name is not UTF-8");
	if (mode)
		json_object_set_new(body, "xdp", json_string(mode));
	return client_change(cmd, "POST", "/v1/interfaces", body);
}

static const struct option_row options[] = {
	{ "xdp", NULL, "auto: native, generic where the driver has no native mode",
	  .words = conf_xdp_names, .word_count = CONF_XDP_NAMES },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "attach", "IFACE [--xdp auto|native|generic]", "put the program on an interface", 1, 1,
	  options, attach_run },
};

const struct object object_attach = {
	"attach",
	"put the program on an interface",
	verbs,
	ARRAY_SIZE(verbs),
};
