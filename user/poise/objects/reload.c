// SPDX-License-Identifier: BSD-2-Clause
/* poise reload: poised reads its own file again. */
#include "ask/client.h"
#include "objects/objects.h"

static int reload_run(struct command *cmd)
{
	return client_change(cmd, "POST", "/v1/reload", NULL);
}

static const struct verb verbs[] = {
	{ "reload", "",
	  "read the configuration file again; what was changed at run time stays unless the file "
	  "changed it, too",
	  0, 0, NULL, reload_run },
};

const struct object object_reload = {
	"reload",
	"have poised read its file again",
	verbs,
	ARRAY_SIZE(verbs),
};
