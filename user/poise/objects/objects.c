// SPDX-License-Identifier: BSD-2-Clause
#include "objects/objects.h"

#define OBJECT_POINTER(name) &object_##name,

const struct object *const objects[] = { OBJECTS(OBJECT_POINTER) };
const size_t object_count = ARRAY_SIZE(objects);
