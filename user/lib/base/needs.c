// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array.h"
#include "base/needs.h"

#define BIT(n) (1ULL << (n))

/* CAP_SYS_ADMIN is what the kernel asks for before it opens a map by its id: row tables. */
static const struct {
	const char *name;
	__u64 any_of;
} caps[] = {
	{ "CAP_BPF", BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN) },
	{ "CAP_NET_ADMIN", BIT(CAP_NET_ADMIN) },
	{ "CAP_PERFMON", BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN) },
	{ "CAP_SYS_ADMIN", BIT(CAP_SYS_ADMIN) },
};

static const struct {
	unsigned int major, minor;
	const char *what;
} features[] = {
	{ 5, 9, "BPF links for XDP" },
	{ 5, 10, "inner maps that differ in size" },
	{ 5, 12, "BPF atomic instructions" },
};

int needs_check_caps(__u64 effective, bool root, char *text, size_t size)
{
	char missing[128] = "";
	size_t len = 0, count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (effective & caps[i].any_of)
			continue;
		len += snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? ", " : "",
				caps[i].name);
		count++;
	}
	if (!count)
		return 0;
	snprintf(text, size,
		 "%s: needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN; %s %s missing",
		 root ? "root without all capabilities" : "not root", missing,
		 count == 1 ? "is" : "are");
	return -EPERM;
}

int needs_check_kernel(const char *release, char *text, size_t size)
{
	unsigned int major, minor;
	size_t len;
	int err = 0;

	/* A release that reads otherwise is taken as good: loading will tell. */
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (major > features[i].major ||
		    (major == features[i].major && minor >= features[i].minor))
			continue;
		if (!err)
			snprintf(text, size, "kernel %s is too old: it lacks ", release);
		len = strlen(text);
		snprintf(text + len, size - len, "%s%s (%u.%u)", err ? ", " : "", features[i].what,
			 features[i].major, features[i].minor);
		err = -ENOSYS;
	}
	if (err) {
		len = strlen(text);
		snprintf(text + len, size - len, "; 5.12 or newer is needed, for mode local 5.17");
	}
	return err;
}

static __u64 effective_caps(void)
{
	unsigned long long value = 0;
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	/* Without /proc nothing is known: loading will tell. */
	if (!status)
		return ~0ULL;
	while (fgets(line, sizeof(line), status)) {
		if (sscanf(line, "CapEff: %llx", &value) == 1)
			break;
	}
	fclose(status);
	return value;
}

int needs_check(char *text, size_t size)
{
	struct utsname system;
	int err = 0;

	if (!uname(&system))
		err = needs_check_kernel(system.release, text, size);
	return err ? err : needs_check_caps(effective_caps(), !geteuid(), text, size);
}
