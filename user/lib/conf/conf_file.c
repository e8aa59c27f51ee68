// SPDX-License-Identifier: BSD-2-Clause
/* A configuration file's text -> tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_error.h"

/* One byte more than conf_tree_from_yaml takes: it is what refuses longer ones. */
#define READ_BYTES ((16U << 20) + 1)

static int read_all(int fd, char **out, size_t *out_length)
{
	size_t size = 0, length = 0;
	char *text = NULL, *more;
	ssize_t n;

	/* Pipes are read, too: `poise check /dev/stdin`. */
	for (;;) {
		if (length == size) {
			size = size ? 2 * size : 65536;
			more = realloc(text, size);
			if (!more) {
				free(text);
				return -ENOMEM;
			}
			text = more;
		}
		n = read(fd, text + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			free(text);
			return n;
		}
		length += n;
		if (!n || length >= READ_BYTES) {
			*out = text;
			*out_length = length;
			return 0;
		}
	}
}

int conf_tree_from_file(const char *file, json_t **tree, conf_marks **marks,
			struct conf_error *error)
{
	char *text = NULL;
	size_t length = 0;
	int fd, err;

	memset(error, 0, sizeof(*error));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_all(fd, &text, &length);
	if (fd >= 0)
		close(fd);
	if (err) {
		snprintf(error->text, sizeof(error->text), "cannot be read: %s", strerror(-err));
		return err;
	}
	err = conf_tree_from_yaml(text, length, tree, marks, error);
	free(text);
	return err;
}
