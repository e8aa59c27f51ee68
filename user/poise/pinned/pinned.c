// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "maps/bpffs.h"
#include "mode/mode.h"
#include "pinned/links.h"
#include "pinned/offline.h"
#include "pinned/pinned.h"
#include "maps/pins.h"
#include "maps/xdp_link.h"

/* The programs of an instance that are attached in this network namespace. */
struct attached {
	bool interfaces; /* XDP, to one at least */
	bool sockets;    /* sk_lookup, for mode local */
};

static bool is_xdp_here(int fd)
{
	struct xdp_link_state state;

	return !xdp_link_state(fd, &state) && state.here;
}

static bool any_interface(const char *instance)
{
	char instance_dir[PATH_MAX], dir[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *links = NULL;

	if (!bpffs_instance_dir(instance, 0, instance_dir, sizeof(instance_dir)) &&
	    !pins_links_dir(instance_dir, dir, sizeof(dir)))
		links = opendir(dir);
	while (links && !found && (entry = readdir(links))) {
		char path[PATH_MAX + sizeof(entry->d_name) + 1];
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		found = is_xdp_here(fd);
		close(fd);
	}
	if (links)
		closedir(links);
	return found;
}

static struct attached attached_find(const char *instance)
{
	struct attached attached = { .interfaces = any_interface(instance) };
	struct stat self;

	attached.sockets =
		!stat("/proc/self/ns/net", &self) && links_local(instance) == self.st_ino;
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
		    (mode_has_sockets(service->mode) ? attached.sockets : attached.interfaces))
			json_array_append_new(array, service_object(service));
	}
	names_free(&names);
	maps_close(&maps);
	return array;
}

int pinned_each(int (*seen)(const char *instance, void *arg), void *arg)
{
	char dir[PATH_MAX];
	struct dirent *entry;
	DIR *entries = NULL;
	int stop = 0;

	if (!bpffs_instances_dir(dir, sizeof(dir)))
		entries = opendir(dir);
	while (!stop && entries && (entry = readdir(entries))) {
		if (entry->d_name[0] != '.')
			stop = seen(entry->d_name, arg);
	}
	if (entries)
		closedir(entries);
	return stop;
}
