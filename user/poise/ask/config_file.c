// SPDX-License-Identifier: BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ask/config_file.h"
#include "cli/refuse.h"

int config_file_refuse(const char *name, const struct conf_error *error)
{
	char text[1024];

	fflush(stdout);
	fprintf(stderr, "%s\n", conf_error_format(error, name, text, sizeof(text)));
	return EXIT_REFUSED;
}

void config_file_free(struct config_file *file)
{
	json_decref(file->tree);
	json_decref(file->marks);
}

int config_file_load(const char *path, struct config_file *out)
{
	bool piped = !strcmp(path, "-");
	struct config_file loaded = { .name = piped ? "standard input" : path };
	struct conf_error error = { 0 };
	struct conf *conf;
	size_t i;

	if (conf_tree_from_file(piped ? "/dev/stdin" : path, &loaded.tree, &loaded.marks, &error))
		return config_file_refuse(loaded.name, &error);
	if (conf_decode(loaded.tree, loaded.marks, &conf, &error)) {
		config_file_free(&loaded);
		return config_file_refuse(loaded.name, &error);
	}
	loaded.services = conf->service_count;
	for (i = 0; i < conf->service_count; i++)
		loaded.backends += conf->services[i].backend_count;
	conf_free(conf);
	*out = loaded;
	return EXIT_DONE;
}

void config_file_print(const struct config_file *file, const char *verdict)
{
	printf("%s: %s: %zu service%s, %zu backend%s\n", file->name, verdict, file->services,
	       file->services == 1 ? "" : "s", file->backends, file->backends == 1 ? "" : "s");
}
