/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of the command: `poise service` is object_service in service.c, and so on. A row here
 * and that file is all that one needs. Help shows them in this order.
 */
#ifndef POISE_OBJECTS_H
#define POISE_OBJECTS_H

#include "cli/command.h"

#define OBJECTS(ROW)                                                                               \
	ROW(run)                                                                                   \
	ROW(service)                                                                               \
	ROW(backend)                                                                               \
	ROW(status)                                                                                \
	ROW(stats)                                                                                 \
	ROW(flows)                                                                                 \
	ROW(explain)                                                                               \
	ROW(drops)                                                                                 \
	ROW(answers)                                                                               \
	ROW(apply)                                                                                 \
	ROW(check)                                                                                 \
	ROW(export)                                                                                \
	ROW(reload)                                                                                \
	ROW(attach)                                                                                \
	ROW(detach)                                                                                \
	ROW(decap)

#define OBJECT_DECLARE(name) extern const struct object object_##name;
OBJECTS(OBJECT_DECLARE)
#undef OBJECT_DECLARE

extern const struct object *const objects[];
extern const size_t object_count;

#endif
