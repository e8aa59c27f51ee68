/* SPDX-License-Identifier: BSD-2-Clause */
/* These must be there before a BPF program is worth loading: a new kernel and capabilities. */
#ifndef POISE_NEEDS_H
#define POISE_NEEDS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * This process on this kernel. 0; -EPERM (capabilities) or -ENOSYS (kernel too old) with the reason
 * in text: "not root: needs CAP_BPF, ...; CAP_BPF is missing".
 */
int needs_check(char *text, size_t size);

/* The two decisions: of effective capabilities (a bit set), and of uname's release. */
int needs_check_caps(__u64 effective, bool root, char *text, size_t size);
int needs_check_kernel(const char *release, char *text, size_t size);

#endif
