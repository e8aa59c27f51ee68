/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When passes over the flow table happen, and where: in a thread beside the loop, one at a time,
 * for as long as there is something to watch. What they are for is in pass.h.
 */
#ifndef POISE_SWEEPER_H
#define POISE_SWEEPER_H

#include "model.h"

int sweeper_open(struct reconcile *rec, struct sweeper **out); /* 0 or -errno */
/* Waits for a pass in flight. NULL is fine. closed() is called from the loop when all of it is
 * gone. */
void sweeper_close(struct sweeper *sweeper, void (*closed)(struct reconcile *rec));
/* There is something to watch: a pass will begin. */
void sweeper_wake(struct sweeper *sweeper);
/* A whole pass, begun and ended before it returns. */
void sweeper_pass(struct sweeper *sweeper);
/* A service's number that nobody had comes into use. */
void sweeper_number_taken(struct sweeper *sweeper, __u32 number);
/* The service is about to be freed. */
void sweeper_forget(struct sweeper *sweeper, const struct run_service *service);

#endif
