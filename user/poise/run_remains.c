// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bpffs.h"
#include "log.h"
#include "pins.h"
#include "run_remains.h"

#define RUN_DIR "/run/poise"

static void file_path(const char *instance, const char *file, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, RUN_DIR "/%s%s%s", instance, file[0] ? "/" : "", file);
}

/* Whether the `poise run` of that number has ended, and no poised holds the lock. */
static bool is_left(const char *instance)
{
	char path[PATH_MAX];
	bool left;
	int fd;

	if (!kill(atoi(instance + strlen(RUN_PREFIX)), 0) || errno != ESRCH)
		return false;
	file_path(instance, "poised.pid", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; /* it may be about to make it */
	left = !flock(fd, LOCK_EX | LOCK_NB);
	close(fd);
	return left;
}

void run_remains_remove(const char *instance)
{
	static const char *const files[] = { "poised.sock", "poised.pid" };
	char path[PATH_MAX];
	int err = bpffs_instance_dir(instance, 0, path, sizeof(path));

	if (!err)
		err = pins_remove(path);
	if (err && err != -ENOENT)
		log_warn("instance %s: its pins are not removed: %s", instance, strerror(-err));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_path(instance, files[i], path);
		unlink(path);
	}
	file_path(instance, "", path);
	if (!rmdir(path))
		rmdir(RUN_DIR);
}

void run_remains_sweep(void)
{
	DIR *entries = opendir(RUN_DIR);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		const char *name = entry->d_name;

		if (strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)) ||
		    !isdigit((unsigned char)name[strlen(RUN_PREFIX)]) || strlen(name) > 32)
			continue;
		if (is_left(name))
			run_remains_remove(name);
	}
	if (entries)
		closedir(entries);
}
