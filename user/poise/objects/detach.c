// SPDX-License-Identifier: BSD-2-Clause
/* poise detach: takes the program off interfaces, also where poised does not run. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ask/client.h"
#include "maps/bpffs.h"
#include "maps/pins.h"
#include "objects/objects.h"
#include "pinned/links.h"
#include "print/json.h"

static int interface_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "/v1/interfaces");
	if (client_path_add(buf, size, name))
		return command_refuse("\"%s\" is longer than any interface's name", name);
	return EXIT_DONE;
}

static int detach_one_offline(const struct command *cmd, const char *ifname)
{
	int err = links_detach(cmd->instance, ifname);

	switch (err) {
	case 0:
		return EXIT_DONE;
	case -ENODEV:
		return command_refuse("%s: no such interface", ifname);
	case -ENOENT:
		return command_refuse("%s: instance %s is not attached to it", ifname,
				      cmd->instance);
	default:
		return command_refuse("%s: cannot be detached: %s", ifname, strerror(-err));
	}
}

/* *answer may stay NULL. */
static int detach_one(const struct command *cmd, const char *ifname, json_t **answer)
{
	char path[512];
	int status = interface_path(ifname, path, sizeof(path));

	if (status == EXIT_DONE)
		status = client_try(cmd, "DELETE", path, NULL, answer);
	if (status == EXIT_NO_DAEMON)
		status = detach_one_offline(cmd, ifname);
	return status;
}

static int detach_all_offline(const struct command *cmd)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir));

	if (!err)
		err = pins_remove(dir);
	/* The rest belongs to `poise decap`. */
	if (err == -ENOTEMPTY)
		err = 0;
	if (err == -ENOENT)
		return command_refuse("instance %s does not run: there is nothing to detach",
				      cmd->instance);
	if (err)
		return command_refuse("instance %s: cannot be taken off whole: %s", cmd->instance,
				      strerror(-err));
	return EXIT_DONE;
}

static void say_what_stays(const json_t *state)
{
	unsigned long long local = member_number(state, "local_services");

	if (local)
		command_refuse(
			"%llu service%s by sockets of this host (mode local) go%s on: `poise "
			"service del` ends one",
			local, local == 1 ? "" : "s", local == 1 ? "es" : "");
}

/* A running poised keeps its maps: only interfaces are let go. */
static int detach_all(const struct command *cmd)
{
	const json_t *interface;
	json_t *state = NULL;
	int status = client_try(cmd, "GET", "/v1/status", NULL, &state);
	int worst = status;
	size_t i;

	if (status == EXIT_NO_DAEMON)
		return detach_all_offline(cmd);
	if (status != EXIT_DONE)
		return status;
	json_array_foreach (json_object_get(state, "interfaces"), i, interface) {
		status = detach_one(cmd, member_text(interface, "name"), NULL);
		if (status != EXIT_DONE)
			worst = status;
	}
	say_what_stays(state);
	json_decref(state);
	return worst;
}

static int detach_run(struct command *cmd)
{
	bool all = command_option(cmd, "all");
	json_t *answer = NULL;
	int status;

	if (all && cmd->argc)
		return command_misuse("detach: --all or one interface, not both");
	status = cmd->argc ? detach_one(cmd, cmd->argv[0], &answer) : detach_all(cmd);
	return status == EXIT_DONE ? client_done(cmd, answer) : status;
}

static const struct option_row options[] = {
	{ "all", NULL, "every interface; without a running poised the maps and counters, too" },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "detach", "[IFACE | --all]",
	  "take the program off an interface, or off all; works without poised", 0, 1, options,
	  detach_run },
};

const struct object object_detach = {
	"detach",
	"take it off again",
	verbs,
	ARRAY_SIZE(verbs),
};
