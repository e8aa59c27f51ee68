// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps/bpffs.h"
#include "base/log.h"

#define MOUNT_POINT "/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* In a child, as the caller must stay in its own mount namespace. 0 or -errno. */
static int mount_in(int ns_fd)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		/* Who can write to a pin can redirect traffic: only root passes. */
		if ((ns_fd >= 0 && setns(ns_fd, CLONE_NEWNS)) ||
		    mount("bpf", MOUNT_POINT, "bpf", 0, "mode=0700"))
			_exit(errno);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/*
 * Mounts one at `path`, which is MOUNT_POINT as seen from here, unless there is one. The lock keeps
 * two starters from mounting one over the other, which would hide the first one's pins.
 */
static int mount_once(const char *path, int ns_fd)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (dir < 0)
		return -errno;
	if (flock(dir, LOCK_EX))
		err = -errno;
	else if (!is_bpffs(path))
		err = mount_in(ns_fd);
	close(dir);
	return err;
}

/* The parent's process number; 0: none, or not readable. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[128];
	FILE *status;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status)) {
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	}
	fclose(status);
	return parent;
}

static int ns_open(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * A process whose mount namespace is the machine's as far as can be seen from here: process 1, or,
 * where it may not be looked into (containers, sandboxes), the eldest ancestor that may be. Returns
 * a descriptor of that namespace, or -1.
 */
static int outer_ns(pid_t *pid)
{
	int ns = ns_open(1), fd;

	*pid = 1;
	if (ns >= 0)
		return ns;
	for (pid_t p = parent_of(getpid()); p > 1; p = parent_of(p)) {
		fd = ns_open(p);
		if (fd < 0)
			break;
		if (ns >= 0)
			close(ns);
		ns = fd;
		*pid = p;
	}
	return ns;
}

static bool is_own_ns(int ns_fd)
{
	struct stat own, other;

	return !stat("/proc/self/ns/mnt", &own) && !fstat(ns_fd, &other) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/* The file system of another mount namespace, by a path that works for as long as this process
 * does. */
static int outer_path(pid_t pid, int ns_fd, int create, char *root, size_t size)
{
	static int root_fd = -1; /* open to the end: the process it was found through may go */
	int err;

	snprintf(root, size, "/proc/%d/root" MOUNT_POINT, (int)pid);
	if (!is_bpffs(root)) {
		err = create ? mount_once(root, ns_fd) : -ENOENT;
		if (err)
			return err;
	}
	if (pid == 1)
		return 0;
	if (root_fd < 0)
		root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	snprintf(root, size, "/proc/self/fd/%d", root_fd);
	return 0;
}

static int find_root(int create, char *root, size_t size)
{
	const char *why = "no other can be looked into";
	pid_t pid;
	int ns, err;

	snprintf(root, size, MOUNT_POINT);
	if (is_bpffs(root))
		return 0;
	ns = outer_ns(&pid);
	if (ns >= 0 && is_own_ns(ns)) {
		why = NULL;
	} else if (ns >= 0) {
		err = outer_path(pid, ns, create, root, size);
		if (!err || !create) {
			close(ns);
			return err;
		}
		why = strerror(-err);
		snprintf(root, size, MOUNT_POINT);
	}
	if (ns >= 0)
		close(ns);
	if (!create)
		return -ENOENT;
	if (why)
		log_warn("mounting a BPF file system in this mount namespace (%s): what is pinned "
			 "ends with it",
			 why);
	return mount_once(root, -1);
}

static bool is_instance_name(const char *name)
{
	/* '.' is refused in names by bpffs itself. */
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

static int make_dirs(const char *parent, const char *dir)
{
	/* Again, as removing the last instance removes the parent, too. */
	for (int i = 0; i < 3; i++) {
		if (mkdir(parent, 0700) && errno != EEXIST)
			return -errno;
		if (!mkdir(dir, 0700) || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			break;
	}
	return -errno;
}

int bpffs_instance_dir(const char *instance, int create, char *buf, size_t size)
{
	char root[64], parent[80];
	struct stat st;
	int err, len;

	if (!is_instance_name(instance))
		return -EINVAL;
	err = find_root(create, root, sizeof(root));
	if (err)
		return err;
	snprintf(parent, sizeof(parent), "%s/poise", root);
	len = snprintf(buf, size, "%s/%s", parent, instance);
	if (len < 0 || (size_t)len >= size)
		return -ENAMETOOLONG;
	if (create)
		return make_dirs(parent, buf);
	return stat(buf, &st) ? -errno : 0;
}

int bpffs_instances_dir(char *buf, size_t size)
{
	char root[64];
	int err = find_root(0, root, sizeof(root)), len;

	if (err)
		return err;
	len = snprintf(buf, size, "%s/poise", root);
	if (len < 0 || (size_t)len >= size)
		return -ENAMETOOLONG;
	return access(buf, F_OK) ? -errno : 0;
}
