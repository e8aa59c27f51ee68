/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths in the tree, marks of lines and columns, and errors. Only this room includes it. */
#ifndef POISE_CONF_ERROR_H
#define POISE_CONF_ERROR_H

#include <stdarg.h>

#include "conf/conf.h"

#define CONF_PATH_SIZE  256
#define CONF_QUOTE_SIZE 128

struct conf_path {
	char text[CONF_PATH_SIZE]; /* "services[1].backends[0]", cut where it does not fit */
	size_t length;             /* of the whole */
};

/* Go down into a key's value or a list's item; returns what conf_path_cut takes to come back. */
size_t conf_path_key(struct conf_path *path, const char *key);
size_t conf_path_item(struct conf_path *path, size_t index);
void conf_path_cut(struct conf_path *path, size_t length);

/* A mark stands for a value, or for the key before it. */
enum conf_mark_kind { CONF_MARK_VALUE, CONF_MARK_KEY };

/* A path that was cut is not marked: it might be another one's. 0 or -ENOMEM. */
int conf_mark_set(conf_marks *marks, const struct conf_path *path, enum conf_mark_kind kind,
		  int line, int column);
/* The mark of exactly this path; false: there is none. */
bool conf_mark_get(const conf_marks *marks, const struct conf_path *path, enum conf_mark_kind kind,
		   int *line, int *column);
/* The mark of a value or, where it has none, of what it is part of; 0 and 0 without marks. */
void conf_mark_find(const conf_marks *marks, const struct conf_path *path, int *line, int *column);

/*
 * Fill *error and return -EINVAL. conf_refuse writes "LAST PART OF PATH: text" and finds line and
 * column in the marks. conf_refuse_at writes the text as it is.
 */
__attribute__((format(printf, 4, 0))) int conf_refuse(struct conf_error *error,
						      const conf_marks *marks,
						      const struct conf_path *path,
						      const char *format, va_list args);
__attribute__((format(printf, 5, 6))) int conf_refuse_at(struct conf_error *error,
							 const struct conf_path *path, int line,
							 int column, const char *format, ...);
/* Fills *error with "out of memory"; returns -ENOMEM. */
int conf_no_memory(struct conf_error *error);

/* Text in double quotes, control characters escaped, the end left out where it is long. */
const char *conf_quote(const char *text, size_t length, char buf[CONF_QUOTE_SIZE]);
/* A value as an error names it: "heavy" in quotes, 12, true, nothing, a list, a mapping. */
const char *conf_describe(const json_t *value, char buf[CONF_QUOTE_SIZE]);

#endif
