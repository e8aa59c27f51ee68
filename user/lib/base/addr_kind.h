/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of addresses: which ones packets can be sent to. */
#ifndef POISE_ADDR_KIND_H
#define POISE_ADDR_KIND_H

#include "base/addr.h"

/* As bits, so that several can be allowed at once. */
enum addr_kind {
	ADDR_HOST = 1 << 0, /* packets can be sent to it through a next hop */
	ADDR_ANY = 1 << 1,  /* 0.0.0.0 and :: */
	ADDR_LOOPBACK = 1 << 2,
	ADDR_NO_HOST = 1 << 3, /* any other */
};

/* *words: of other kinds than ADDR_HOST, what the address is, as in "found 0.0.0.0: WORDS". */
enum addr_kind addr_kind(const struct addr *addr, const char **words);

#endif
