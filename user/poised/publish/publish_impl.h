/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of publish/ share these. */
#ifndef POISE_PUBLISH_IMPL_H
#define POISE_PUBLISH_IMPL_H

#include "publish/publish.h"

/* --- nat.c --- */
/* Finds the sources that a backend's target is to name, once its hop is known. NULL, or words that
 * say why there is none. */
const char *nat_sources_of(const struct live_backend *backend, struct target_sources *out);
/* Says so, once, if what it answers comes by an interface where nobody translates it. */
void nat_hearing_tell(const struct live_backend *backend);
/* Tells the kernel of sources that it does not know yet. */
void nat_sources_store(struct model *model);
/* Says so if not all sources of the configuration are in use. */
void nat_split_tell(struct model *model);

#endif
