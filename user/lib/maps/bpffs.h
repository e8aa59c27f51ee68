/* SPDX-License-Identifier: BSD-2-Clause */
/* Where pins live: a directory on a BPF file system that outlives the process. */
#ifndef POISE_BPFFS_H
#define POISE_BPFFS_H

#include <stddef.h>

/*
 * Finds, and where there is none mounts, a BPF file system, and writes the path of its
 * `poise/INSTANCE` directory (created when `create`) to buf. `ip netns exec` gives each command a
 * mount namespace of its own whose /sys has no bpffs and in which anything mounted dies with the
 * command; then the mount namespace of process 1 is used by way of /proc/1/root. Falls back to
 * mounting here with a warning. Where process 1 may not be looked into, the eldest ancestor that
 * may be takes its place. 0, -ENOENT (not create, and nothing there), -EINVAL (name with anything
 * but letters, digits, - and _), -EACCES, -ENAMETOOLONG or -errno of mount(2).
 */
int bpffs_instance_dir(const char *instance, int create, char *buf, size_t size);

/* The directory of all instances' directories, if there is one. 0, -ENOENT or -ENAMETOOLONG. */
int bpffs_instances_dir(char *buf, size_t size);

#endif
