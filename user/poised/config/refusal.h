/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a change was not made, with the HTTP status that says so. */
#ifndef POISE_REFUSAL_H
#define POISE_REFUSAL_H

#include "conf/conf.h"

struct refusal {
	int status; /* 400 refused, 404 no such name, 409 exists already, 500 the machine's fault */
	struct conf_error error;
};

/* Fills *refusal and returns -EINVAL. path may be NULL. */
__attribute__((format(printf, 4, 5))) int refuse(struct refusal *refusal, int status,
						 const char *path, const char *format, ...);

#endif
