// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "maps/bpffs.h"
#include "pinned/links.h"
#include "show/show.h"
#include "maps/maps.h"
#include "maps/pins.h"

static int links_dir(const char *instance, char *buf, size_t size)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(instance, 0, dir, sizeof(dir));

	return err ? err : pins_links_dir(dir, buf, size);
}

static int link_open(const char *dir, const char *name, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);
	char path[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	err = bpf_obj_get_info_by_fd(fd, info, &size);
	if (err || info->type != BPF_LINK_TYPE_XDP) {
		close(fd);
		return err ? err : -EPROTO;
	}
	return fd;
}

__u32 links_local(const char *instance)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	char dir[PATH_MAX], path[PATH_MAX + 16];
	__u32 netns = 0;
	int fd;

	if (bpffs_instance_dir(instance, 0, dir, sizeof(dir)))
		return 0;
	snprintf(path, sizeof(path), "%s/local/link", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	/* 0 where the network namespace is gone. */
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_LINK_TYPE_NETNS)
		netns = info.netns.netns_ino;
	close(fd);
	return netns;
}

/* A link's information does not say in which mode it is attached, its interface does. */
static bool is_generic(__u32 ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return ifindex && !bpf_xdp_query(ifindex, 0, &query) &&
	       query.attach_mode == XDP_ATTACHED_SKB;
}

static json_t *link_object(const struct bpf_link_info *info)
{
	char name[IF_NAMESIZE];
	__u32 ifindex = info->xdp.ifindex;

	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "elsewhere");
	return show_interface(name, ifindex, is_generic(ifindex), info->prog_id);
}

json_t *links_list(const char *instance)
{
	json_t *array = json_array();
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir = NULL;

	if (!links_dir(instance, path, sizeof(path)))
		dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct bpf_link_info info = { 0 };
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = link_open(path, entry->d_name, &info);
		if (fd < 0)
			continue;
		close(fd);
		/* Zero: the interface is gone, only the pin is not. */
		if (info.xdp.ifindex)
			json_array_append_new(array, link_object(&info));
	}
	if (dir)
		closedir(dir);
	return array;
}

int links_detach(const char *instance, const char *ifname)
{
	unsigned int ifindex = if_nametoindex(ifname);
	char dir[PATH_MAX], path[PATH_MAX + 16], name[16];
	struct bpf_link_info info;
	int fd, err;

	if (!ifindex)
		return -ENODEV;
	err = links_dir(instance, dir, sizeof(dir));
	if (err)
		return err;
	snprintf(name, sizeof(name), "%u", ifindex);
	fd = link_open(dir, name, &info);
	if (fd < 0)
		return fd;
	/* The pin need not be the last reference. */
	err = bpf_link_detach(fd);
	close(fd);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return unlink(path) ? -errno : 0;
}
