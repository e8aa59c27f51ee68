// SPDX-License-Identifier: BSD-2-Clause
/* poise apply: a file becomes the running configuration. */
#include <stdio.h>
#include <string.h>

#include "ask/client.h"
#include "ask/config_file.h"
#include "objects/objects.h"

/* Prints the error that poised found in the tree, at its place in the file. */
static int apply_refused(const struct config_file *file, const struct client_reply *reply)
{
	const char *text = json_string_value(json_object_get(reply->body, "error"));
	const char *path = json_string_value(json_object_get(reply->body, "path"));
	struct conf_error error = { 0 };
	struct conf_path at = { 0 };

	if (!text)
		return client_refused(reply);
	snprintf(error.text, sizeof(error.text), "%s", text);
	snprintf(error.path, sizeof(error.path), "%s", path ? path : "");
	snprintf(at.text, sizeof(at.text), "%s", error.path);
	at.length = strlen(at.text);
	conf_mark_find(file->marks, &at, &error.line, &error.column);
	return config_file_refuse(file->name, &error);
}

static int apply_run(struct command *cmd)
{
	struct client_reply reply;
	struct config_file file;
	int status = config_file_load(cmd->argv[0], &file);

	if (status != EXIT_DONE)
		return status;
	status = client_answer(cmd, "PUT", "/v1/config", file.tree, &reply);
	if (status == EXIT_DONE && reply.status >= 400) {
		status = apply_refused(&file, &reply);
	} else if (status == EXIT_DONE && cmd->json) {
		status = client_done(cmd, json_incref(reply.body));
	} else if (status == EXIT_DONE) {
		config_file_print(&file, "applied");
	}
	client_reply_free(&reply);
	config_file_free(&file);
	return status;
}

static const struct verb verbs[] = {
	{ "apply", "FILE", "check a file and make it the running configuration (-: stdin)", 1, 1,
	  NULL, apply_run },
};

const struct object object_apply = {
	"apply",
	"make a file the running configuration",
	verbs,
	ARRAY_SIZE(verbs),
};
