// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "decap/decap_pins.h"
#include "maps/xdp_link.h"

#define PREFIX "decap-"

static const char *const names[] = { "link", "vips", "drops", "locals", "nets" };

static int *fd_of(struct decap_pins *pins, size_t name)
{
	int *const fds[] = { &pins->link, &pins->vips, &pins->drops, &pins->locals, &pins->nets };

	return fds[name];
}

static int join(char buf[PATH_MAX], const char *dir, const char *name)
{
	int len = snprintf(buf, PATH_MAX, "%s/%s", dir, name);

	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* "decap-4026531840-": what this network namespace's directories begin with. */
static int prefix_here(char *buf, size_t size)
{
	struct stat ns;

	if (stat("/proc/self/ns/net", &ns))
		return -errno;
	snprintf(buf, size, PREFIX "%llu-", (unsigned long long)ns.st_ino);
	return 0;
}

int decap_pins_lock(const char *instance_dir)
{
	int fd = open(instance_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int open_dir(const char *instance_dir, const char *name, struct decap_pins *out)
{
	char path[PATH_MAX];
	int err = join(out->dir, instance_dir, name);

	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		err = join(path, out->dir, names[i]);
		if (err)
			break;
		*fd_of(out, i) = bpf_obj_get(path);
		if (*fd_of(out, i) < 0 && errno != ENOENT)
			err = -errno;
	}
	if (err)
		decap_pins_close(out);
	return err;
}

int decap_pins_open(const char *instance_dir, __u32 ifindex, struct decap_pins *out)
{
	char name[64];
	size_t len;
	int err = prefix_here(name, sizeof(name));

	*out = (struct decap_pins)DECAP_PINS_NONE;
	if (err)
		return err;
	len = strlen(name);
	snprintf(name + len, sizeof(name) - len, "%u", ifindex);
	return open_dir(instance_dir, name, out);
}

void decap_pins_close(struct decap_pins *pins)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (*fd_of(pins, i) >= 0)
			close(*fd_of(pins, i));
		*fd_of(pins, i) = -1;
	}
}

int decap_pins_put(const struct decap_pins *pins)
{
	struct decap_pins copy = *pins;
	char path[PATH_MAX];

	if (mkdir(pins->dir, 0700) && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = *fd_of(&copy, i), err = join(path, pins->dir, names[i]);

		if (err)
			return err;
		if (unlink(path) && errno != ENOENT)
			return -errno;
		if (fd >= 0 && bpf_obj_pin(fd, path))
			return -errno;
	}
	return 0;
}

int decap_pins_remove(struct decap_pins *pins)
{
	char path[PATH_MAX];
	int err = 0;

	/* Somebody may hold the link open: then removing the pin alone detaches nothing. */
	if (pins->link >= 0 && bpf_link_detach(pins->link) && errno != ENOLINK)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		err = join(path, pins->dir, names[i]);
		if (!err && unlink(path) && errno != ENOENT)
			err = -errno;
	}
	if (!err && rmdir(pins->dir) && errno != ENOENT)
		err = -errno;
	return err;
}

static int each(const char *instance_dir, const char *prefix,
		int (*visit)(struct decap_pins *pins, void *arg), void *arg)
{
	DIR *entries = opendir(instance_dir);
	struct dirent *entry;
	int ret = 0;

	if (!entries)
		return -errno;
	while (!ret && (entry = readdir(entries))) {
		struct decap_pins pins = DECAP_PINS_NONE;

		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		ret = open_dir(instance_dir, entry->d_name, &pins);
		if (!ret)
			ret = visit(&pins, arg);
		decap_pins_close(&pins);
	}
	closedir(entries);
	return ret;
}

int decap_pins_each(const char *instance_dir, int (*visit)(struct decap_pins *pins, void *arg),
		    void *arg)
{
	char prefix[64];
	int err = prefix_here(prefix, sizeof(prefix));

	return err ? err : each(instance_dir, prefix, visit, arg);
}

static int remove_dead(struct decap_pins *pins, void *arg)
{
	struct xdp_link_state state = { 0 };

	(void)arg;
	/* Without a link: what a call that was killed left. */
	if (pins->link < 0 || (!xdp_link_state(pins->link, &state) && !state.ifindex))
		decap_pins_remove(pins);
	return 0;
}

void decap_pins_sweep(const char *instance_dir)
{
	each(instance_dir, PREFIX, remove_dead, NULL);
}
