/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of services as the packet path reads it: SERVICE_BUCKETS buckets, in which a key has
 * two to stand in. Readers may look at any time: every change is one store that makes a slot whole
 * or empty.
 */
#ifndef POISE_SERVICE_TABLE_H
#define POISE_SERVICE_TABLE_H

#include "poise/abi.h"

/* Adds a service or changes it; value must not be all zero. 0, -EINVAL or -ENOSPC. */
int service_table_set(struct service_bucket *table, const struct service_key *key,
		      const struct service *value);

/* 0 or -ENOENT */
int service_table_get(const struct service_bucket *table, const struct service_key *key,
		      struct service *out);
int service_table_del(struct service_bucket *table, const struct service_key *key);

#endif
