// SPDX-License-Identifier: BSD-2-Clause
/* poise apply, check, export, reload: configurations as a whole. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "conf_error.h"
#include "tree.h"

struct loaded {
	const char *name; /* of the file, for messages */
	json_t *tree;
	conf_marks *marks;
	size_t services, backends;
};

static int print_error(const char *file, const struct conf_error *error)
{
	char text[1024];

	fflush(stdout);
	fprintf(stderr, "%s\n", conf_error_format(error, file, text, sizeof(text)));
	return EXIT_REFUSED;
}

static void loaded_free(struct loaded *loaded)
{
	json_decref(loaded->tree);
	json_decref(loaded->marks);
}

/* Reads and decodes, "-" being standard input; says what is wrong. Returns an enum poise_exit. */
static int load(const char *file, struct loaded *out)
{
	bool piped = !strcmp(file, "-");
	struct loaded loaded = { .name = piped ? "standard input" : file };
	struct conf_error error = { 0 };
	struct conf *conf;
	size_t i;

	if (conf_tree_from_file(piped ? "/dev/stdin" : file, &loaded.tree, &loaded.marks, &error))
		return print_error(loaded.name, &error);
	if (conf_decode(loaded.tree, loaded.marks, &conf, &error)) {
		loaded_free(&loaded);
		return print_error(loaded.name, &error);
	}
	loaded.services = conf->service_count;
	for (i = 0; i < conf->service_count; i++)
		loaded.backends += conf->services[i].backend_count;
	conf_free(conf);
	*out = loaded;
	return EXIT_DONE;
}

static void print_counts(const struct loaded *loaded, const char *verdict)
{
	printf("%s: %s: %zu service%s, %zu backend%s\n", loaded->name, verdict, loaded->services,
	       loaded->services == 1 ? "" : "s", loaded->backends,
	       loaded->backends == 1 ? "" : "s");
}

static int check_run(struct command *cmd)
{
	struct loaded loaded;
	int status = load(cmd->argv[0], &loaded);

	if (status != EXIT_DONE)
		return status;
	if (cmd->json)
		status = tree_print(json_pack("{s:s, s:I, s:I}", "file", loaded.name, "services",
					      (json_int_t)loaded.services, "backends",
					      (json_int_t)loaded.backends));
	else
		print_counts(&loaded, "good");
	loaded_free(&loaded);
	return status;
}

/* What poised says of the tree, where it stands in the file. */
static int apply_refused(const struct loaded *loaded, const struct client_reply *reply)
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
	conf_mark_find(loaded->marks, &at, &error.line, &error.column);
	return print_error(loaded->name, &error);
}

static int apply_run(struct command *cmd)
{
	struct client_reply reply;
	struct loaded loaded;
	int status = load(cmd->argv[0], &loaded);

	if (status != EXIT_DONE)
		return status;
	status = client_answer(cmd, "PUT", "/v1/config", loaded.tree, &reply);
	if (status == EXIT_DONE && reply.status >= 400) {
		status = apply_refused(&loaded, &reply);
	} else if (status == EXIT_DONE && cmd->json) {
		status = client_done(cmd, json_incref(reply.body));
	} else if (status == EXIT_DONE) {
		print_counts(&loaded, "applied");
	}
	client_reply_free(&reply);
	loaded_free(&loaded);
	return status;
}

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
		return tree_print(tree);
	err = conf_tree_to_yaml(tree, stdout);
	json_decref(tree);
	return err ? command_refuse("cannot print YAML: %s", strerror(-err)) : EXIT_DONE;
}

static int reload_run(struct command *cmd)
{
	return client_change(cmd, "POST", "/v1/reload", NULL);
}

int cmd_apply(struct command *cmd)
{
	static const struct verb verb = {
		"apply",   "FILE", "check a file and make it the running configuration (-: stdin)",
		1,         1,      NULL,
		apply_run,
	};

	return verb_run(cmd, &verb);
}

int cmd_check(struct command *cmd)
{
	static const struct verb verb = {
		"check",   "FILE", "check a file, change nothing; needs no poised (-: stdin)",
		1,         1,      NULL,
		check_run,
	};

	return verb_run(cmd, &verb);
}

int cmd_export(struct command *cmd)
{
	static const struct verb verb = {
		"export", "", "print the running configuration as YAML", 0, 0, NULL, export_run,
	};

	return verb_run(cmd, &verb);
}

int cmd_reload(struct command *cmd)
{
	static const struct verb verb = {
		"reload",
		"",
		"read the configuration file again; what was changed at run time stays unless the "
		"file changed it, too",
		0,
		0,
		NULL,
		reload_run,
	};

	return verb_run(cmd, &verb);
}
