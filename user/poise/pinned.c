// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addr.h"
#include "bpffs.h"
#include "offline.h"
#include "pinned.h"
#include "xdp_link.h"

/* What of an instance is attached in this network namespace. */
struct attached {
	bool interfaces; /* XDP, to one at least */
	bool sockets;    /* sk_lookup, for mode local */
};

static bool is_xdp_here(int fd)
{
	struct xdp_link_state state;

	return !xdp_link_state(fd, &state) && state.here;
}

static bool is_local_here(int fd)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	struct stat self;

	return !stat("/proc/self/ns/net", &self) && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       info.type == BPF_LINK_TYPE_NETNS && info.netns.netns_ino == self.st_ino;
}

static bool any_link(const char *instance_dir, const char *kind, bool (*is_here)(int fd))
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *links = NULL;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", instance_dir, kind) < sizeof(path))
		links = opendir(path);
	while (links && !found && (entry = readdir(links))) {
		char name[PATH_MAX + sizeof(entry->d_name) + 1];
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		fd = bpf_obj_get(name);
		if (fd < 0)
			continue;
		found = is_here(fd);
		close(fd);
	}
	if (links)
		closedir(links);
	return found;
}

static struct attached attached_find(const char *instance)
{
	struct attached attached = { 0 };
	char dir[PATH_MAX];

	if (bpffs_instance_dir(instance, 0, dir, sizeof(dir)))
		return attached;
	attached.interfaces = any_link(dir, "links", is_xdp_here);
	attached.sockets = any_link(dir, "local", is_local_here);
	return attached;
}

static json_t *service_object(const struct service_name *service)
{
	char listen[ENDPOINT_TEXT_SIZE];
	struct addr addr;

	memcpy(addr.b, service->key.addr, sizeof(addr.b));
	listen_format(&addr, ntohs(service->key.port), service->key.proto, listen);
	return json_pack("{s:s, s:s}", "name", service->name, "listen", listen);
}

json_t *pinned_services(const char *instance)
{
	const struct command asked = { .instance = instance };
	struct attached attached = attached_find(instance);
	struct names names = { 0 };
	json_t *array = NULL;
	struct maps maps;

	if (offline_open_silent(&asked, &maps))
		return NULL;
	if (!names_read(&maps, &names))
		array = json_array();
	for (size_t i = 0; array && i < POISE_MAX_SERVICES; i++) {
		const struct service_name *service = &names.services[i];

		if (service->name[0] &&
		    (service->mode == MODE_LOCAL ? attached.sockets : attached.interfaces))
			json_array_append_new(array, service_object(service));
	}
	names_free(&names);
	maps_close(&maps);
	return array;
}

int pinned_each(int (*seen)(const char *instance, void *arg), void *arg)
{
	/* Of any instance: it is told where that would be, too, and they lie side by side. */
	char dir[PATH_MAX] = "";
	struct dirent *entry;
	DIR *entries = NULL;
	char *slash;
	int stop = 0;

	bpffs_instance_dir("default", 0, dir, sizeof(dir));
	slash = strrchr(dir, '/');
	if (slash) {
		*slash = '\0';
		entries = opendir(dir);
	}
	while (!stop && entries && (entry = readdir(entries))) {
		if (entry->d_name[0] != '.')
			stop = seen(entry->d_name, arg);
	}
	if (entries)
		closedir(entries);
	return stop;
}
