// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lb_impl.h"
#include "lb_room.h"

#define ENTRY_BYTES (sizeof(struct flow_set) / FLOWS_PER_SET)

/* The number in the line that starts with `name`. LB_ROOM_UNKNOWN: no such line or file. */
static __u64 line_read(const char *path, const char *name)
{
	unsigned long long value = LB_ROOM_UNKNOWN;
	size_t len = strlen(name);
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return LB_ROOM_UNKNOWN;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, len)) {
			if (sscanf(line + len, "%llu", &value) != 1)
				value = LB_ROOM_UNKNOWN;
			break;
		}
	}
	fclose(file);
	return value;
}

static __u64 cgroup_line(const char *dir, const char *file, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return line_read(path, name);
}

/* What one cgroup has left; the page cache that it has not used lately makes room. */
static __u64 cgroup_room(const char *dir)
{
	__u64 max = cgroup_line(dir, "memory.max", ""), used, cache;

	if (max == LB_ROOM_UNKNOWN)
		return LB_ROOM_UNKNOWN;
	used = cgroup_line(dir, "memory.current", "");
	cache = cgroup_line(dir, "memory.stat", "inactive_file ");
	if (used == LB_ROOM_UNKNOWN)
		used = 0;
	if (cache != LB_ROOM_UNKNOWN)
		used -= cache < used ? cache : used;
	return used < max ? max - used : 0;
}

/* The directory of this process's cgroup of version 2; false: none. */
static bool cgroup_dir(const char *root, char *buf, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX];
	bool found = false;
	FILE *file;
	int len;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "0::/", 4);
	fclose(file);
	if (!found)
		return false;
	line[strcspn(line, "\n")] = '\0';
	len = snprintf(buf, size, "%s/sys/fs/cgroup%s", root, line + 3);
	return len > 0 && (size_t)len < size;
}

__u64 lb_room_bytes(const char *root)
{
	char path[PATH_MAX], *top, *slash;
	__u64 room, each;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	room = line_read(path, "MemAvailable:");
	if (room != LB_ROOM_UNKNOWN)
		room *= 1024;
	if (!cgroup_dir(root, path, sizeof(path)))
		return room;
	/* The limits of all above it apply as well. */
	top = path + strlen(root) + strlen("/sys/fs/cgroup");
	for (;;) {
		each = cgroup_room(path);
		if (each < room)
			room = each;
		slash = strrchr(top, '/');
		if (!slash)
			return room;
		*slash = '\0';
	}
}

const char *lb_flows_text(__u32 flows, char buf[16])
{
	if (flows >= 1U << 20)
		snprintf(buf, 16, "%uM", flows >> 20);
	else
		snprintf(buf, 16, "%uK", flows >> 10);
	return buf;
}

static const char *bytes_text(__u64 bytes, char buf[32])
{
	if (bytes >= 1ULL << 20)
		snprintf(buf, 32, "%llu MiB", (unsigned long long)bytes >> 20);
	else
		snprintf(buf, 32, "%llu KiB", (unsigned long long)bytes >> 10);
	return buf;
}

/* The smallest one is never refused: who has not even that much finds out elsewhere. */
static bool fits(__u32 flows, __u64 room_bytes)
{
	return flows <= POISE_MIN_FLOWS || flows * ENTRY_BYTES <= room_bytes / 2;
}

static __u32 largest(__u64 room_bytes, __u32 at_most)
{
	__u32 flows = at_most;

	while (!fits(flows, room_bytes))
		flows /= 2;
	return flows;
}

int lb_room_check(__u32 flows, __u64 room_bytes, struct lb_error *error)
{
	char entries[16], best[16], take[32], have[32];

	if (room_bytes == LB_ROOM_UNKNOWN || fits(flows, room_bytes))
		return 0;
	lb_error_set(error, "flows: %s entries take %s, of which %s are available: at most %s",
		     lb_flows_text(flows, entries), bytes_text(flows * ENTRY_BYTES, take),
		     bytes_text(room_bytes, have),
		     lb_flows_text(largest(room_bytes, POISE_MAX_FLOWS), best));
	return -ENOMEM;
}

void lb_room_refused(__u32 flows, __u64 room_bytes, struct lb_error *error)
{
	char entries[16], best[16], take[32];
	__u32 less = flows > POISE_MIN_FLOWS ? flows / 2 : flows;

	lb_error_set(error, "flows: %s entries take %s, which the kernel does not give: at most %s",
		     lb_flows_text(flows, entries), bytes_text(flows * ENTRY_BYTES, take),
		     lb_flows_text(largest(room_bytes, less), best));
}
