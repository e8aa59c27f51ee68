// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holder.h"

#define TABLES(proto)                                                                              \
	{                                                                                          \
		(proto) == IPPROTO_UDP ? "/proc/net/udp" : "/proc/net/tcp",                        \
			(proto) == IPPROTO_UDP ? "/proc/net/udp6" : "/proc/net/tcp6"               \
	}

/* Hexadecimal words as they lie in memory, 8 or 32 digits. 0 or -EINVAL. */
static int addr_take(const char *hex, struct addr *out)
{
	struct addr addr = { .b = { [10] = 0xff, [11] = 0xff } };
	size_t length = strlen(hex), words = length / 8;

	if (length != 8 && length != 32)
		return -EINVAL;
	for (size_t i = 0; i < words; i++) {
		char digits[9] = "";
		__u32 word;

		memcpy(digits, hex + 8 * i, 8);
		word = strtoul(digits, NULL, 16);
		memcpy(addr.b + (words == 1 ? 12 : 4 * i), &word, sizeof(word));
	}
	*out = addr;
	return 0;
}

int socket_line_parse(const char *line, __u8 proto, struct socket_line *out)
{
	char local[33], peer[33];
	unsigned int port, peer_port, state;
	struct socket_line found = { 0 };

	if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x %*s %*s %*s %*s %*s %llu",
		   local, &port, peer, &peer_port, &state, &found.inode) != 6 ||
	    addr_take(local, &found.addr) || port > 65535)
		return -EINVAL;
	found.port = port;
	found.listens = proto == IPPROTO_TCP ? state == TCP_LISTEN : !peer_port;
	*out = found;
	return 0;
}

bool socket_line_collides(const struct socket_line *line, const struct addr *addr, __u16 port)
{
	if (!line->listens || line->port != port)
		return false;
	return addr_equal(&line->addr, addr) || addr_wildcard_covers(&line->addr, addr) ||
	       addr_wildcard_covers(addr, &line->addr);
}

/* 1 with *out, 0 or -errno. */
static int table_search(const char *path, __u8 proto, const struct addr *addr, __u16 port,
			struct socket_line *out)
{
	FILE *file = fopen(path, "re");
	char line[512];
	int found = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 */
	while (!found && fgets(line, sizeof(line), file))
		found = !socket_line_parse(line, proto, out) &&
			socket_line_collides(out, addr, port);
	fclose(file);
	return found;
}

/* How close a socket is to an address: 0 not at all, 3 at it. */
static int closeness(const struct socket_line *line, const struct addr *addr, __u16 port)
{
	if (!line->listens || line->port != port)
		return 0;
	if (addr_equal(&line->addr, addr))
		return 3;
	if (!addr_wildcard_covers(&line->addr, addr))
		return 0;
	return addr_is_v4(&line->addr) == addr_is_v4(addr) ? 2 : 1;
}

int holder_socket(const struct addr *addr, __u16 port, __u8 proto, struct socket_line *out)
{
	const char *const tables[] = TABLES(proto);
	int closest = 0, err = 0;
	char text[512];

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !err; i++) {
		FILE *file = fopen(tables[i], "re");
		struct socket_line line;

		if (!file && errno != ENOENT)
			err = -errno;
		while (file && fgets(text, sizeof(text), file)) {
			if (socket_line_parse(text, proto, &line) ||
			    closeness(&line, addr, port) <= closest)
				continue;
			closest = closeness(&line, addr, port);
			*out = line;
		}
		if (file)
			fclose(file);
	}
	return err ? err : closest > 0;
}

static bool has_socket(int proc, const char *pid, unsigned long long inode)
{
	char path[64], want[64], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *entries;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%llu]", inode);
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

static void name_read(struct holder *holder)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", holder->pid);
	file = fopen(path, "re");
	if (file && fgets(holder->name, sizeof(holder->name), file))
		holder->name[strcspn(holder->name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* A socket that several share is the eldest's: of a server its master's. */
static void owner_find(unsigned long long inode, struct holder *holder)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		long pid = isdigit((unsigned char)entry->d_name[0]) ? atol(entry->d_name) : 0;

		if (!pid || (holder->pid && pid > holder->pid) ||
		    !has_socket(dirfd(proc), entry->d_name, inode))
			continue;
		holder->pid = pid;
	}
	if (proc)
		closedir(proc);
	if (holder->pid)
		name_read(holder);
}

int holder_find(const struct addr *addr, __u16 port, __u8 proto, struct holder *out)
{
	const char *const tables[] = TABLES(proto);
	struct socket_line line = { 0 };
	int found = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !found; i++)
		found = table_search(tables[i], proto, addr, port, &line);
	if (found > 0) {
		out->addr = line.addr;
		out->port = line.port;
		owner_find(line.inode, out);
	}
	return found;
}
