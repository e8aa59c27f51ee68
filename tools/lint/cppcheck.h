/* SPDX-License-Identifier: BSD-2-Clause */
/* cppcheck reads this before each file; it says what the macros of libraries expand to. */
#ifndef POISE_LINT_CPPCHECK_H
#define POISE_LINT_CPPCHECK_H

#include <sys/queue.h>

#define LIBBPF_OPTS(type, name, ...) struct type name = { 0 }
#define json_array_foreach(array, index, value)                                                    \
	for (index = 0; (value = json_next(array, index)); index++)
#define json_object_foreach(object, key, value)                                                    \
	for (key = json_first(object); (value = json_at(key));)
#define json_object_foreach_safe(object, next, key, value) json_object_foreach (object, key, value)

#endif
