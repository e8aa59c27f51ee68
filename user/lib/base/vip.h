/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses can be a service's. */
#ifndef POISE_VIP_H
#define POISE_VIP_H

#include "addr.h"

/* What is wrong with it in a few words ("a multicast address"); NULL: nothing. */
const char *vip_trouble(const struct addr *addr);

#endif
