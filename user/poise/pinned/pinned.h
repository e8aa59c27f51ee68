/* SPDX-License-Identifier: BSD-2-Clause */
/* Services that pins serve, with their poised or without. */
#ifndef POISE_PINNED_H
#define POISE_PINNED_H

#include <jansson.h>

/*
 * The services of an instance whose programs are attached in this network namespace, "name" and
 * "listen" as in GET /v1/services. NULL: it has no maps of this version, or out of memory.
 */
json_t *pinned_services(const char *instance);

/* Calls back with the name of each instance that has pins, until that returns other than 0; this
 * is then returned. */
int pinned_each(int (*seen)(const char *instance, void *arg), void *arg);

#endif
