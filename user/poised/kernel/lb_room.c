// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kernel/lb_impl.h"
#include "kernel/lb_room.h"

const struct lb_room_table lb_room_flows = { "flows", "entries",
					     sizeof(struct flow_set) / FLOWS_PER_SET,
					     POISE_MIN_FLOWS, POISE_MAX_FLOWS };
/* Two entries to a flow. */
const struct lb_room_table lb_room_nat = { "nat_flows", "flows",
					   2 * sizeof(struct nat_set) / NAT_PER_SET,
					   POISE_MIN_NAT_FLOWS, POISE_MAX_NAT_FLOWS };

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

/* Returns what one cgroup has left. The page cache that it has not used lately makes room. */
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

static __u64 bytes_of(const struct lb_room_table *table, __u32 units)
{
	return (__u64)units * table->unit_bytes;
}

/* The smallest one is never refused: who has not even that much finds out elsewhere. */
static bool fits(const struct lb_room_table *table, __u32 units, __u64 room_bytes)
{
	return units <= table->min || room_bytes == LB_ROOM_UNKNOWN ||
	       bytes_of(table, units) <= room_bytes / 2;
}

__u32 lb_room_largest(const struct lb_room_table *table, __u32 at_most, __u64 room_bytes)
{
	__u32 units = at_most;

	while (!fits(table, units, room_bytes))
		units /= 2;
	return units;
}

int lb_room_check(const struct lb_room_table *table, __u32 units, __u64 room_bytes,
		  struct lb_error *error)
{
	char count[16], best[16], take[32], have[32];

	if (fits(table, units, room_bytes))
		return 0;
	lb_error_set(error, "%s: %s %s take %s, of which %s are available: at most %s", table->key,
		     lb_flows_text(units, count), table->unit,
		     bytes_text(bytes_of(table, units), take), bytes_text(room_bytes, have),
		     lb_flows_text(lb_room_largest(table, table->max, room_bytes), best));
	return -ENOMEM;
}

void lb_room_refused(const struct lb_room_table *table, __u32 units, __u64 room_bytes,
		     struct lb_error *error)
{
	char count[16], best[16], take[32];
	__u32 less = units > table->min ? units / 2 : units;

	lb_error_set(error, "%s: %s %s take %s, which the kernel does not give: at most %s",
		     table->key, lb_flows_text(units, count), table->unit,
		     bytes_text(bytes_of(table, units), take),
		     lb_flows_text(lb_room_largest(table, less, room_bytes), best));
}
