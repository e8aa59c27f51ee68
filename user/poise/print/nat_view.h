/* SPDX-License-Identifier: BSD-2-Clause */
/* The NAT table in words, from the status's "nat". */
#ifndef POISE_NAT_VIEW_H
#define POISE_NAT_VIEW_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* How full it is: "1204 of 262.1k flows (0.5 %), 12 of them new; 40 more have ended". */
const char *nat_view_use(const json_t *nat, char *buf, size_t size);
/* Tells what became of flows, and what to do where they had to go: "9876 entered, none lost to
 * others".
 */
const char *nat_view_history(const json_t *nat, char *buf, size_t size);
bool nat_view_is_small(const json_t *nat); /* live flows had to make room */
/* "192.0.2.1, 192.0.2.2, ports 10240-32767" */
const char *nat_view_sources(const json_t *nat, char *buf, size_t size);

#endif
