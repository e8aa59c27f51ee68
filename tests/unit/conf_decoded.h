/* SPDX-License-Identifier: BSD-2-Clause */
/* YAML text -> what it decodes to. */
#ifndef POISE_TEST_CONF_DECODED_H
#define POISE_TEST_CONF_DECODED_H

#include "conf.h"

static inline int decode(const char *yaml, struct conf **conf, struct conf_error *error)
{
	conf_marks *marks;
	json_t *tree;
	int err;

	err = conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, error);
	if (err)
		fail_msg("%s: %s", yaml, error->text);
	err = conf_decode(tree, marks, conf, error);
	json_decref(tree);
	json_decref(marks);
	return err;
}

static inline struct conf *decode_good(const char *yaml)
{
	struct conf_error error;
	struct conf *conf = NULL;

	if (decode(yaml, &conf, &error))
		fail_msg("%s: %d:%d: %s", yaml, error.line, error.column, error.text);
	return conf;
}

#endif
