/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses can be a service's. */
#ifndef POISE_VIP_H
#define POISE_VIP_H

#include "base/addr.h"

/* Says why it cannot be a service's address ("a multicast address"). NULL: it can. */
const char *vip_trouble(const struct addr *addr);

#endif
