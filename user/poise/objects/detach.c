// SPDX-License-Identifier: BSD-2-Clause
/* poise attach, detach: interfaces. Taking off works without poised, too. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "bpffs.h"
#include "client.h"
#include "links.h"
#include "pins.h"
#include "tree.h"
#include "words.h"

static int attach_run(struct command *cmd)
{
	static const char *const modes[] = { "auto", "native", "generic" };
	const char *mode = command_option(cmd, "xdp");
	json_t *body;

	if (mode && word_find(mode, modes, ARRAY_SIZE(modes)) < 0)
		return word_misuse("--xdp", mode, modes, ARRAY_SIZE(modes));
	body = json_pack("{s:s}", "name", cmd->argv[0]);
	if (!body)
		return command_misuse("attach: the name is not UTF-8");
	if (mode)
		json_object_set_new(body, "xdp",
				    json_string(modes[word_find(mode, modes, ARRAY_SIZE(modes))]));
	return client_change(cmd, "POST", "/v1/interfaces", body);
}

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
	/* What is left there is `poise decap`'s. */
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
	unsigned long long local = tree_number(state, "local_services");

	if (local)
		command_refuse(
			"%llu service%s by sockets of this host (mode local) go%s on: `poise "
			"service del` ends one",
			local, local == 1 ? "" : "s", local == 1 ? "es" : "");
}

/* With poised running the maps stay, as they are its own: only interfaces are let go. */
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
		status = detach_one(cmd, tree_text(interface, "name"), NULL);
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

int cmd_attach(struct command *cmd)
{
	static const struct option_row options[] = {
		{ "xdp", "auto|native|generic",
		  "auto: native, generic where the driver has no native mode" },
		{ 0 },
	};
	static const struct verb verb = {
		"attach", "IFACE [--xdp MODE]", "put the program on an interface", 1, 1,
		options,  attach_run,
	};

	return verb_run(cmd, &verb);
}

int cmd_detach(struct command *cmd)
{
	static const struct option_row options[] = {
		{ "all", NULL,
		  "every interface; without a running poised the maps and counters, too" },
		{ 0 },
	};
	static const struct verb verb = {
		"detach",
		"[IFACE | --all]",
		"take the program off an interface, or off all; works without poised",
		0,
		1,
		options,
		detach_run,
	};

	return verb_run(cmd, &verb);
}
