// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/instance.h"
#include "base/log.h"
#include "base/run_dir.h"

#define STATE_DIR "/var/lib/poise"

static int directory_make(const char *parent, const char *name, mode_t mode)
{
	char path[128];
	int err, tries = 3;

	snprintf(path, sizeof(path), "%s/%s", parent, name);
	do {
		if (mkdir(parent, 0755) && errno != EEXIST)
			err = -errno;
		else
			err = mkdir(path, mode) && errno != EEXIST ? -errno : 0;
		/* The last transient instance has just taken the parent along. */
	} while (err == -ENOENT && --tries);
	if (err)
		log_err("%s: %s", path, strerror(-err));
	return err;
}

/* True if it is still the file of that name: whoever clears up after a dead poised removes it. */
static bool is_there(int fd, const char *path)
{
	struct stat held, there;

	return !fstat(fd, &held) && !stat(path, &there) && held.st_ino == there.st_ino;
}

static void refusal_log(const struct instance *instance, int err)
{
	char pid[16] = "";

	if (err != -EBUSY) {
		log_err("%s: %s", instance->pid_file, strerror(-err));
		return;
	}
	if (pread(instance->lock, pid, sizeof(pid) - 1, 0) > 0)
		pid[strcspn(pid, "\n")] = '\0';
	log_err("instance %s is already run by process %s (%s)", instance->name, pid[0] ? pid : "?",
		instance->pid_file);
}

/* -EAGAIN: somebody clears up there. */
static int lock_take(struct instance *instance)
{
	int err = 0;

	instance->lock = open(instance->pid_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (instance->lock < 0)
		err = errno == ENOENT ? -EAGAIN : -errno;
	else if (flock(instance->lock, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (!is_there(instance->lock, instance->pid_file))
		err = -EAGAIN;
	else if (ftruncate(instance->lock, 0) || dprintf(instance->lock, "%d\n", getpid()) < 0)
		log_warn("%s: cannot be written: %s", instance->pid_file, strerror(errno));
	if (!err)
		return 0;
	if (err != -EAGAIN)
		refusal_log(instance, err);
	if (instance->lock >= 0)
		close(instance->lock);
	instance->lock = -1;
	return err;
}

static int run_dir_take(struct instance *instance)
{
	int err, tries = 3;

	do {
		err = directory_make(RUN_DIR, instance->name, 0755);
		if (!err)
			err = lock_take(instance);
	} while (err == -EAGAIN && --tries);
	if (err == -EAGAIN)
		refusal_log(instance, err);
	return err;
}

/* Before anything is pinned, so that `poise run` knows what nobody wants, whatever killed us. */
static int mark(const struct instance *instance)
{
	int err = 0, fd;

	if (instance->transient) {
		fd = open(instance->mark_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			err = -errno;
		else
			close(fd);
	} else if (unlink(instance->mark_file) && errno != ENOENT) {
		err = -errno;
	}
	if (err)
		log_err("%s: %s", instance->mark_file, strerror(-err));
	return err;
}

int instance_open(const char *name, bool transient, struct instance *out)
{
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->lock = -1;
	out->transient = transient;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->socket, sizeof(out->socket), RUN_DIR "/%.32s/" RUN_SOCKET_FILE, name);
	snprintf(out->pid_file, sizeof(out->pid_file), RUN_DIR "/%.32s/" RUN_PID_FILE, name);
	snprintf(out->mark_file, sizeof(out->mark_file), RUN_DIR "/%.32s/" RUN_MARK_FILE, name);
	if (!transient) {
		snprintf(out->state_file, sizeof(out->state_file), STATE_DIR "/%.32s/state.json",
			 name);
		err = directory_make(STATE_DIR, name, 0700);
	}
	if (!err)
		err = run_dir_take(out);
	return err ? err : mark(out);
}

/* The socket goes, too, if it is still there; the directory of all instances goes with the last. */
static void remove_traces(const struct instance *instance)
{
	char dir[128];

	snprintf(dir, sizeof(dir), RUN_DIR "/%.32s", instance->name);
	unlink(instance->socket);
	unlink(instance->mark_file);
	unlink(instance->pid_file);
	if (rmdir(dir))
		log_warn("%s: not removed: %s", dir, strerror(errno));
	else
		rmdir(RUN_DIR);
}

void instance_close(struct instance *instance)
{
	if (instance->lock >= 0 && instance->transient)
		remove_traces(instance);
	/* The file stays: whoever waits for the lock on a removed one would not be alone. */
	if (instance->lock >= 0 && ftruncate(instance->lock, 0))
		log_warn("%s: %s", instance->pid_file, strerror(errno));
	if (instance->lock >= 0)
		close(instance->lock);
	instance->lock = -1;
}
