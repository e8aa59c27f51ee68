// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockets/listening.h"
#include "sockets/socket_owner.h"

static bool has_socket(int proc, const char *pid, __u32 inode)
{
	char path[64], want[64], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *entries;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%u]", inode);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	entries = fd < 0 ? NULL : fdopendir(fd);
	if (!entries)
		return false;
	while (!found && (entry = readdir(entries))) {
		ssize_t length = readlinkat(dirfd(entries), entry->d_name, target, sizeof(target));

		found = length == (ssize_t)strlen(want) && !memcmp(target, want, length);
	}
	closedir(entries);
	return found;
}

static void name_read(struct socket_owner *owner)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", owner->pid);
	file = fopen(path, "re");
	if (file && fgets(owner->name, sizeof(owner->name), file))
		owner->name[strcspn(owner->name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* A socket that several processes share belongs to the eldest: to the master of a server. */
static void owner_find(__u32 inode, struct socket_owner *owner)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		long pid = isdigit((unsigned char)entry->d_name[0]) ? atol(entry->d_name) : 0;

		if (!pid || (owner->pid && pid > owner->pid) ||
		    !has_socket(dirfd(proc), entry->d_name, inode))
			continue;
		owner->pid = pid;
	}
	if (proc)
		closedir(proc);
	if (owner->pid)
		name_read(owner);
}

struct place {
	const struct addr *addr;
	__u16 port;
	struct listening_socket socket; /* the one that was found there */
};

static bool place_take(const struct listening_socket *socket, void *arg)
{
	struct place *place = arg;

	place->socket = *socket;
	return listening_collides(socket, place->addr, place->port);
}

int socket_owner_find(const struct addr *addr, __u16 port, __u8 proto, struct socket_owner *out)
{
	struct place place = { .addr = addr, .port = port };
	int found = listening_each(proto, place_take, &place);

	memset(out, 0, sizeof(*out));
	if (found > 0) {
		out->addr = place.socket.addr;
		out->port = place.socket.port;
		owner_find(place.socket.inode, out);
	}
	return found;
}
