// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maps/pins.h"

#define MAPS_PREFIX  "maps-v"
#define DECAP_PREFIX "decap-"

struct map_dirs {
	char current[PATH_MAX], staged[PATH_MAX], older[PATH_MAX];
};

static int concat(char *buf, size_t size, const char *a, const char *b, const char *c)
{
	int len = snprintf(buf, size, "%s%s%s", a, b, c);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int pins_links_dir(const char *instance_dir, char *buf, size_t size)
{
	return concat(buf, size, instance_dir, "/links", "");
}

static int link_detach(const char *path)
{
	int fd = bpf_obj_get(path), err;

	if (fd < 0)
		return -errno;
	/* The daemon may hold it open: then removing the pin alone detaches nothing. */
	err = bpf_link_detach(fd);
	close(fd);
	return err;
}

/* Unlinks what is in the directory, and it. 0, -ENOENT or the first error. */
static int dir_remove(const char *dir, int (*before)(const char *path))
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];
	int err = 0, ret;

	if (!entries)
		return -errno;
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		ret = concat(path, sizeof(path), dir, "/", entry->d_name);
		if (!ret && before)
			ret = before(path);
		if (!ret && unlink(path))
			ret = -errno;
		if (ret && !err)
			err = ret;
	}
	closedir(entries);
	if (rmdir(dir) && !err)
		err = -errno;
	return err;
}

static bool is_link(const char *path, __u32 link_id)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);
	bool same;

	if (fd < 0)
		return false;
	same = !bpf_obj_get_info_by_fd(fd, &info, &len) && info.id == link_id;
	close(fd);
	return same;
}

int pins_link_owner(const char *instances_dir, __u32 ifindex, __u32 link_id, char *name,
		    size_t size)
{
	DIR *entries = opendir(instances_dir);
	struct dirent *entry;
	char path[PATH_MAX];
	int err = -ENOENT, len;

	if (!entries)
		return -errno;
	while (err == -ENOENT && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		len = snprintf(path, sizeof(path), "%s/%s/links/%u", instances_dir, entry->d_name,
			       ifindex);
		if (len < 0 || (size_t)len >= sizeof(path) || !is_link(path, link_id))
			continue;
		err = concat(name, size, entry->d_name, "", "");
	}
	closedir(entries);
	return err;
}

static int map_dirs(const char *instance_dir, struct map_dirs *dirs)
{
	int err = maps_dir(instance_dir, dirs->current, sizeof(dirs->current));

	if (!err)
		err = concat(dirs->staged, sizeof(dirs->staged), dirs->current, "-new", "");
	if (!err)
		err = concat(dirs->older, sizeof(dirs->older), dirs->current, "-old", "");
	return err;
}

static int dir_remove_if_there(const char *dir)
{
	int err = dir_remove(dir, NULL);

	return err == -ENOENT ? 0 : err;
}

/* The staged directory becomes the current one. */
static int commit(const struct map_dirs *dirs)
{
	int err;

	if (access(dirs->current, F_OK))
		return rename(dirs->staged, dirs->current) ? -errno : 0;
	err = dir_remove_if_there(dirs->older);
	if (err)
		return err;
	if (!renameat2(AT_FDCWD, dirs->staged, AT_FDCWD, dirs->current, RENAME_EXCHANGE))
		return rename(dirs->staged, dirs->older) ? -errno : 0;
	/* Before Linux 5.16 bpffs exchanges nothing; pins_recover() sees to a crash in between. */
	if (rename(dirs->current, dirs->older) || rename(dirs->staged, dirs->current))
		return -errno;
	return 0;
}

int pins_replace_maps(const char *instance_dir, const struct maps *maps)
{
	struct map_dirs dirs;
	char path[PATH_MAX];
	const int *fds = (const int *)maps;
	int err = map_dirs(instance_dir, &dirs);

	if (!err)
		err = dir_remove_if_there(dirs.staged);
	if (!err && mkdir(dirs.staged, 0700))
		err = -errno;
	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		err = concat(path, sizeof(path), dirs.staged, "/", maps_name(i));
		if (!err)
			err = bpf_obj_pin(fds[i], path);
	}
	if (!err)
		err = commit(&dirs);
	if (err)
		dir_remove_if_there(dirs.staged);
	return err;
}

int pins_recover(const char *instance_dir)
{
	struct map_dirs dirs;
	struct maps maps;
	int err = map_dirs(instance_dir, &dirs);

	if (err || !access(dirs.current, F_OK))
		return err;
	if (!maps_open(dirs.staged, &maps)) {
		maps_close(&maps);
		return rename(dirs.staged, dirs.current) ? -errno : 0;
	}
	if (!access(dirs.older, F_OK))
		return rename(dirs.older, dirs.current) ? -errno : 0;
	return 0;
}

bool pins_exist(const char *instance_dir)
{
	DIR *entries = opendir(instance_dir);
	struct dirent *entry;
	bool found = false;

	while (entries && !found && (entry = readdir(entries)))
		found = entry->d_name[0] != '.' &&
			strncmp(entry->d_name, DECAP_PREFIX, strlen(DECAP_PREFIX)) != 0;
	if (entries)
		closedir(entries);
	return found;
}

int pins_other_abi(const char *instance_dir)
{
	DIR *entries = opendir(instance_dir);
	struct dirent *entry;
	int found = 0;

	while (entries && !found && (entry = readdir(entries))) {
		char *end;
		long version;

		if (strncmp(entry->d_name, MAPS_PREFIX, strlen(MAPS_PREFIX)))
			continue;
		version = strtol(entry->d_name + strlen(MAPS_PREFIX), &end, 10);
		if (!*end && version > 0 && version != POISE_ABI_VERSION)
			found = version;
	}
	if (entries)
		closedir(entries);
	return found;
}

static int maps_remove(const char *instance_dir, const char *keep)
{
	DIR *entries = opendir(instance_dir);
	struct dirent *entry;
	char path[PATH_MAX];
	int err = 0, ret;

	if (!entries)
		return -errno;
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, MAPS_PREFIX, strlen(MAPS_PREFIX)))
			continue;
		ret = concat(path, sizeof(path), instance_dir, "/", entry->d_name);
		if (!ret && (!keep || strcmp(path, keep)))
			ret = dir_remove(path, NULL);
		if (ret && !err)
			err = ret;
	}
	closedir(entries);
	return err;
}

int pins_remove_older(const char *instance_dir)
{
	char current[PATH_MAX];
	int err = maps_dir(instance_dir, current, sizeof(current));

	return err ? err : maps_remove(instance_dir, current);
}

/* Its map is no link. */
static int local_detach(const char *path)
{
	int err = link_detach(path);

	return err == -EINVAL || err == -EBADF ? 0 : err;
}

int pins_remove_local(const char *instance_dir)
{
	char path[PATH_MAX];
	int err = concat(path, sizeof(path), instance_dir, "/local", "");

	if (!err)
		err = dir_remove(path, local_detach);
	return err == -ENOENT ? 0 : err;
}

int pins_remove(const char *instance_dir)
{
	char path[PATH_MAX], *slash;
	int err = pins_links_dir(instance_dir, path, sizeof(path)), ret;

	if (err)
		return err;
	if (access(instance_dir, F_OK))
		return -errno;
	err = dir_remove(path, link_detach);
	if (err == -ENOENT)
		err = 0;
	ret = pins_remove_local(instance_dir);
	if (!err)
		err = ret;
	ret = maps_remove(instance_dir, NULL);
	if (!err)
		err = ret;
	/* `poise decap` keeps pins of its own there, which outlive the balancer. */
	if (rmdir(instance_dir) && errno != ENOTEMPTY && !err)
		err = -errno;
	/* The directory of all instances goes with the last one. */
	snprintf(path, sizeof(path), "%s", instance_dir);
	slash = strrchr(path, '/');
	if (!err && slash && slash != path) {
		*slash = '\0';
		rmdir(path);
	}
	return err;
}
