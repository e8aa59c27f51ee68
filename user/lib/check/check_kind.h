/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of health checks. A kind is one file in this room, which defines its `struct
 * check_kind`, and one row of CHECK_KINDS. The configuration, the command line, what is shown and
 * the daemon's checker know kinds from here alone.
 */
#ifndef POISE_CHECK_KIND_H
#define POISE_CHECK_KIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct probe;

struct check_kind {
	const char *word; /* key of the mapping `check`, and what --check calls it */
	/* The value's name in help, "PATH". NULL: the value is `true`, and --check takes no more
	 * than the word. */
	const char *argument;
	const char *begins;   /* what every such text begins with; "" where that may be anything */
	const char *expected; /* what a value has to be, in the words of an error */
	bool (*valid)(const json_t *value); /* also takes NULL: false */
	/*
	 * Begins one check of an address and port. When it has ended, probe_end() is called from
	 * the loop, unless stop() gave the check up before. start() returns 0 or -errno.
	 */
	int (*start)(struct probe *probe);
	void (*stop)(struct probe *probe);
};

/* The rows: X(tcp) stands for check_tcp. Their order is that of every list of kinds. */
#define CHECK_KINDS(X)                                                                             \
	X(tcp)                                                                                     \
	X(http)

#define CHECK_KIND_DECLARE(name) extern const struct check_kind check_##name;
CHECK_KINDS(CHECK_KIND_DECLARE)
#undef CHECK_KIND_DECLARE

#define CHECK_KIND_ONE(name) +1
enum { CHECK_KIND_COUNT = 0 CHECK_KINDS(CHECK_KIND_ONE) };
#undef CHECK_KIND_ONE

/* Help shows this for --check. A unit test compares it with the rows. */
#define CHECK_OPTION "tcp|http:/PATH|none"

extern const struct check_kind *const check_kinds[CHECK_KIND_COUNT];

const struct check_kind *check_kind_find(const char *word);  /* NULL: there is none */
const struct check_kind *check_kind_of(const json_t *check); /* whose key a mapping has */

/*
 * The value of --check, "tcp" or "http:/PATH", as a member of the mapping `check`. Returns 0,
 * -EINVAL (it is of no kind) or -EILSEQ (it is not UTF-8).
 */
int check_kind_parse(const char *text, json_t *check);
/* The way back: "http:/PATH". NULL where the mapping has no kind. */
const char *check_kind_format(const json_t *check, char *buf, size_t size);

#define CHECK_LIST_SIZE 512

/* All kinds as the configuration has them: "tcp: true or http: PATH". */
const char *check_kinds_in_yaml(char buf[CHECK_LIST_SIZE]);
/* All kinds as --check takes them, `before` in front of each: "tcp, http:/PATH", then `last` in
 * front of the last one instead of the comma. */
const char *check_kinds_on_command_line(const char *before, const char *last,
					char buf[CHECK_LIST_SIZE]);

#endif
