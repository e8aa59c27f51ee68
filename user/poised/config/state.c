// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/state.h"

#define STATE_VERSION 1
#define SEED_FORMAT   "%016llx%016llx"
#define SEED_DIGITS   32

static int seed_parse(const char *text, __u64 seed[2])
{
	unsigned long long high, low;

	if (strlen(text) != SEED_DIGITS || strspn(text, "0123456789abcdef") != SEED_DIGITS ||
	    sscanf(text, "%16llx%16llx", &high, &low) != 2)
		return -EPROTO;
	seed[0] = high;
	seed[1] = low;
	return 0;
}

int state_load(const char *path, struct state *out)
{
	struct state state = { 0 };
	json_error_t problem;
	const char *seed;
	json_t *root;
	int version, err = -EPROTO;
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
	fclose(file);
	if (!root)
		return -EPROTO;
	if (json_unpack(root, "{s:i, s:s, s:O, s:O, s:O}", "version", &version, "seed", &seed,
			"file", &state.file, "running", &state.running, "health", &state.health))
		goto out;
	if (version != STATE_VERSION || seed_parse(seed, state.seed) ||
	    !json_is_object(state.file) || !json_is_object(state.running) ||
	    !json_is_array(state.health))
		goto out;
	*out = state;
	state = (struct state){ 0 };
	err = 0;
out:
	state_free(&state);
	json_decref(root);
	return err;
}

static int text_write(const char *path, const char *text, bool durable)
{
	size_t length = strlen(text), done = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	while (done < length && !err) {
		ssize_t written = write(fd, text + done, length - done);

		if (written >= 0)
			done += written;
		else if (errno != EINTR)
			err = -errno;
	}
	if (!err && durable && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* The name in its directory, without which a synced file may still be the old one. */
static int directory_sync(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, err = 0;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

int state_save(const char *path, const struct state *state, bool durable)
{
	char seed[SEED_DIGITS + 1], new_path[PATH_MAX];
	json_t *root;
	char *text;
	int err;

	if ((size_t)snprintf(new_path, sizeof(new_path), "%s.new", path) >= sizeof(new_path))
		return -ENAMETOOLONG;
	snprintf(seed, sizeof(seed), SEED_FORMAT, (unsigned long long)state->seed[0],
		 (unsigned long long)state->seed[1]);
	root = json_pack("{s:i, s:s, s:O, s:O, s:O}", "version", STATE_VERSION, "seed", seed,
			 "file", state->file, "running", state->running, "health", state->health);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		return -ENOMEM;
	err = text_write(new_path, text, durable);
	free(text);
	if (!err && rename(new_path, path))
		err = -errno;
	if (!err && durable)
		err = directory_sync(path);
	return err;
}

void state_free(struct state *state)
{
	json_decref(state->file);
	json_decref(state->running);
	json_decref(state->health);
	*state = (struct state){ 0 };
}
