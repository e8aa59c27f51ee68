/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POISE_ARRAY_H
#define POISE_ARRAY_H

/* Elements of an array; of a pointer it would be wrong, and -Wsizeof-pointer-div says so. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
