// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "maps/bpffs.h"
#include "base/log.h"
#include "maps/pins.h"
#include "base/run_dir.h"
#include "run/run_remains.h"

static void file_path(const char *instance, const char *file, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, RUN_DIR "/%s/%s", instance, file);
}

static bool is_marked(const char *instance)
{
	char path[PATH_MAX];

	file_path(instance, RUN_MARK_FILE, path);
	return !access(path, F_OK);
}

/* Takes the lock that keeps out poised and others who clear up. A descriptor; -1: there is nothing,
 * or one of them has it. */
static int lock_take(const char *instance)
{
	struct stat held, there;
	char path[PATH_MAX];
	int fd;

	file_path(instance, RUN_PID_FILE, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &held) && !stat(path, &there) &&
	    held.st_ino == there.st_ino)
		return fd;
	close(fd);
	return -1;
}

/* 0 or -errno; -EEXIST: pinned by one that is not transient, whose traffic goes on. */
static int unpin(const char *instance)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(instance, 0, dir, sizeof(dir));

	if (!err)
		err = is_marked(instance) ? pins_remove(dir) : -EEXIST;
	return err == -ENOENT ? 0 : err;
}

void run_remains_remove(const char *instance)
{
	/* The lock's last, as until then another poised keeps out. */
	static const char *const files[] = { RUN_SOCKET_FILE, RUN_MARK_FILE, RUN_PID_FILE, "" };
	int lock = lock_take(instance), err;
	char path[PATH_MAX];

	if (lock < 0)
		return;
	err = unpin(instance);
	/* The mark stays, so that the next one tries again. */
	if (err && err != -EEXIST)
		log_warn("instance %s: its pins are not removed: %s", instance, strerror(-err));
	for (size_t i = 0; !err && i < ARRAY_SIZE(files); i++) {
		file_path(instance, files[i], path);
		remove(path);
	}
	close(lock);
	rmdir(RUN_DIR);
}

void run_remains_sweep(void)
{
	DIR *entries = opendir(RUN_DIR);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		if (entry->d_name[0] != '.' && is_marked(entry->d_name))
			run_remains_remove(entry->d_name);
	}
	if (entries)
		closedir(entries);
}
