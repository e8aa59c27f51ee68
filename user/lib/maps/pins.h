/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of one instance on the BPF file system: links/, local/, maps-v<ABI>/. */
#ifndef POISE_PINS_H
#define POISE_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "maps/maps.h"

/* Directory of the links; pins in it are named by interface index, as bpffs refuses names with '.',
 * which interfaces may have. 0 or -ENAMETOOLONG. */
int pins_links_dir(const char *instance_dir, char *buf, size_t size);

/* The instance, among those with a directory in instances_dir, that has this link on the interface
 * pinned. 0, -ENOENT (nobody) or -errno. */
int pins_link_owner(const char *instances_dir, __u32 ifindex, __u32 link_id, char *name,
		    size_t size);

/* Pins the maps as the instance's, all or none; what is there now is kept beside as an older set. 0
 * or -errno. */
int pins_replace_maps(const char *instance_dir, const struct maps *maps);

/* Ends what a crash within pins_replace_maps left. 0 or -errno. */
int pins_recover(const char *instance_dir);

/* True if a balancer has pins there. Those of `poise decap` do not count. */
bool pins_exist(const char *instance_dir);

/* The ABI version of maps that are pinned beside ours or in their place; 0: no such maps. */
int pins_other_abi(const char *instance_dir);

/* Removes older sets of maps and those of other ABI versions. 0 or -errno. */
int pins_remove_older(const char *instance_dir);

/* Detaches what mode local has in local/, and removes it. Nothing there is fine. 0 or -errno. */
int pins_remove_local(const char *instance_dir);

/* Detaches every link, removes every pin and, unless `poise decap` has pins there, the directory.
 * -ENOENT: nothing there. 0 or -errno. */
int pins_remove(const char *instance_dir);

#endif
