/* SPDX-License-Identifier: BSD-2-Clause */
/* The local*.c files share this. */
#ifndef POISE_LOCAL_IMPL_H
#define POISE_LOCAL_IMPL_H

#include <limits.h>

#include "kernel/local.h"

struct local_bpf;
struct bpf_link;

struct local {
	struct local_bpf *skel;
	struct bpf_link *counter; /* the iterator */
	char dir[PATH_MAX];       /* the instance's */
	int link_fd;              /* -1: not attached */
	bool marked;              /* the marks are an earlier poised's, pinned */
	bool behind;              /* the link runs other programs than ours */
	unsigned int holders;
};

/* Pins: "marks" is a map, "link" is what it says. 0 or -ENAMETOOLONG. */
int local_pin_path(const char *instance_dir, const char *name, char *buf, size_t size);

#endif
