/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 addresses as maps have them: ::ffff:a.b.c.d. */
#ifndef POISE_BPF_MAPPED_H
#define POISE_BPF_MAPPED_H

#include "poise/csum.h"

/* Returns the second half of ::ffff:a.b.c.d. */
static __always_inline __u64 mapped_high(__be32 addr)
{
	return wire32(bpf_htonl(0xffff)) | (__u64)wire32(addr) << 32;
}

#endif
