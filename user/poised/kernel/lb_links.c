// SPDX-License-Identifier: BSD-2-Clause
/* XDP links: adopted, listed, taken off. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "base/log.h"
#include "maps/pins.h"

int lb_slot_state(const struct lb_slot *slot, struct xdp_link_state *state)
{
	return xdp_link_state(slot->fd, state);
}

int lb_pin_path(const struct lb *lb, __u32 ifindex, char *buf, size_t size)
{
	char dir[PATH_MAX];
	int err = pins_links_dir(lb->dir, dir, sizeof(dir));
	int len = snprintf(buf, size, "%s/%u", dir, ifindex);

	return err ? err : len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

struct lb_slot *lb_slot_add(struct lb *lb, int fd, __u32 ifindex, const char *ifname)
{
	struct lb_slot *slots = realloc(lb->slots, (lb->slot_count + 1) * sizeof(*slots)), *slot;

	if (!slots)
		return NULL;
	lb->slots = slots;
	slot = &slots[lb->slot_count++];
	memset(slot, 0, sizeof(*slot));
	slot->fd = fd;
	slot->ifindex = ifindex;
	snprintf(slot->ifname, sizeof(slot->ifname), "%s", ifname);
	return slot;
}

static void slot_remove(struct lb *lb, struct lb_slot *slot)
{
	close(slot->fd);
	*slot = lb->slots[--lb->slot_count];
}

int lb_slot_detach(struct lb *lb, struct lb_slot *slot)
{
	char path[PATH_MAX];
	int err = lb_pin_path(lb, slot->ifindex, path, sizeof(path));

	if (!err)
		err = bpf_link_detach(slot->fd);
	if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	if (!err)
		slot_remove(lb, slot);
	return err;
}

void lb_drop_gone(struct lb *lb)
{
	struct xdp_link_state state;

	for (size_t i = lb->slot_count; i-- > 0;) {
		if (!lb_slot_state(&lb->slots[i], &state) && !state.ifindex)
			lb_slot_detach(lb, &lb->slots[i]);
	}
}

/* The name as of now: interfaces are renamed, and another namespace's number means nothing here. */
static void slot_name(struct lb_slot *slot, const struct xdp_link_state *state)
{
	char now[IF_NAMESIZE];

	if (state->here && if_indextoname(slot->ifindex, now))
		snprintf(slot->ifname, sizeof(slot->ifname), "%s", now);
}

static struct lb_slot *slot_find(struct lb *lb, const char *ifname)
{
	for (size_t i = 0; i < lb->slot_count; i++) {
		struct xdp_link_state state;

		if (!lb_slot_state(&lb->slots[i], &state))
			slot_name(&lb->slots[i], &state);
		if (*ifname && !strcmp(lb->slots[i].ifname, ifname))
			return &lb->slots[i];
	}
	return NULL;
}

int lb_remove_older(const struct lb *lb)
{
	struct xdp_link_state state;

	for (size_t i = 0; i < lb->slot_count; i++) {
		if (!lb_slot_state(&lb->slots[i], &state) && state.ifindex &&
		    state.program_id != lb->prog_id)
			return 0;
	}
	return pins_remove_older(lb->dir);
}

static bool is_ours(const struct lb *lb, __u32 map_id)
{
	const int *fds = (const int *)&lb->maps;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(fds[i], &info, &len) && info.id == map_id)
			return true;
	}
	return false;
}

/* A program that uses one of our maps is an older one, and the others of its maps are those that
 * ours took over from; if so, its flow table is to be carried over. 1, 0 or -errno. */
static int runs_our_maps(struct lb *lb, __u32 program_id)
{
	__u32 ids[64] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = 64, .map_ids = (__u64)(unsigned long)ids };
	__u32 len = sizeof(info), count;
	int fd = bpf_prog_get_fd_by_id(program_id), err;

	if (fd < 0)
		return 0;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	count = err ? 0 : info.nr_map_ids < 64 ? info.nr_map_ids : 64;
	for (__u32 i = 0; i < count; i++) {
		if (!is_ours(lb, ids[i]))
			continue;
		err = lb_carry_of_program(lb, ids, count);
		return err ? err : 1;
	}
	return 0;
}

static int adopt_one(struct lb *lb, const char *path)
{
	struct xdp_link_state state;
	struct lb_slot *slot, probe = { .fd = bpf_obj_get(path) };
	int err;

	if (probe.fd < 0)
		return -errno;
	err = lb_slot_state(&probe, &state);
	if (!err && !state.ifindex) {
		log_info("an attached interface is gone: its link is dropped");
		err = unlink(path) ? -errno : 0;
		close(probe.fd);
		return err;
	}
	slot = err ? NULL : lb_slot_add(lb, probe.fd, state.ifindex, "");
	if (!slot) {
		close(probe.fd);
		return err ? err : -ENOMEM;
	}
	slot_name(slot, &state);
	if (!state.here)
		log_warn("interface number %u, attached earlier, is in another network namespace",
			 state.ifindex);
	/* A program over other maps goes on until ours are filled: lb_attach() replaces it. */
	err = runs_our_maps(lb, state.program_id);
	slot->behind = err == 1;
	return err < 0 ? err : 0;
}

static int links_find(struct lb *lb, struct lb_error *error)
{
	char dir[PATH_MAX], path[PATH_MAX + 256];
	int err = pins_links_dir(lb->dir, dir, sizeof(dir));
	struct dirent *entry;
	DIR *entries;

	if (!err && mkdir(dir, 0700) && errno != EEXIST)
		err = -errno;
	entries = err ? NULL : opendir(dir);
	if (!entries) {
		if (!err)
			err = -errno;
		lb_error_set(error, "%s: %s", dir, strerror(-err));
		return err;
	}
	while (!err && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		err = adopt_one(lb, path);
		if (err)
			lb_error_set(error, "%s: pinned link: %s", path, strerror(-err));
	}
	closedir(entries);
	return err;
}

/* Puts our program on links whose program is older and over our maps. */
static int links_switch(struct lb *lb, struct lb_error *error)
{
	const struct timespec packets_end = { .tv_nsec = 100000000 };
	bool switched = false;
	int err = 0;

	lb_carry_run(lb, false);
	for (size_t i = 0; i < lb->slot_count; i++) {
		struct lb_slot *slot = &lb->slots[i];

		err = slot->behind ? bpf_link_update(slot->fd, lb->prog_fd, NULL) : 0;
		if (err && err != -ENOLINK) {
			lb_error_set(error, "interface %s: the program of its link: %s",
				     slot->ifname, strerror(-err));
			return err;
		}
		switched |= slot->behind;
		slot->behind = false;
	}
	err = 0;
	if (switched && (lb->carries || lb->taken)) {
		lb_carry_run(lb, true);
		/* Those that were on their way through the older program have left it after that.
		 */
		nanosleep(&packets_end, NULL);
		lb_carry_run(lb, true);
		err = lb_take_counts(lb);
	}
	if (err)
		lb_error_set(error, "adding what the older program has counted: %s",
			     strerror(-err));
	lb_carry_end(lb);
	lb_take_end(lb);
	return err;
}

int lb_adopt_links(struct lb *lb, struct lb_error *error)
{
	int err = links_find(lb, error);

	if (!err)
		err = links_switch(lb, error);
	if (err)
		return err;
	err = lb_remove_older(lb);
	if (err)
		lb_error_set(error, "%s: removing older maps: %s", lb->dir, strerror(-err));
	return err;
}

void lb_close_links(struct lb *lb)
{
	for (size_t i = 0; i < lb->slot_count; i++)
		close(lb->slots[i].fd);
	free(lb->slots);
	lb->slots = NULL;
	lb->slot_count = 0;
}

int lb_detach(struct lb *lb, const char *ifname, struct lb_error *error)
{
	struct lb_slot *slot = slot_find(lb, ifname);
	int err;

	if (!slot) {
		lb_error_set(error, "%s: not attached", ifname);
		return -ENOENT;
	}
	err = lb_slot_detach(lb, slot);
	if (!err)
		err = lb_remove_older(lb);
	if (err)
		lb_error_set(error, "%s: detaching: %s", ifname, strerror(-err));
	return err;
}

size_t lb_links(const struct lb *lb, struct lb_link *out, size_t max)
{
	for (size_t i = 0; i < lb->slot_count && i < max; i++) {
		struct lb_slot slot = lb->slots[i];
		struct xdp_link_state state;

		memset(&out[i], 0, sizeof(out[i]));
		if (lb_slot_state(&slot, &state))
			continue;
		slot_name(&slot, &state);
		memcpy(out[i].ifname, slot.ifname, sizeof(out[i].ifname));
		out[i].ifindex = state.ifindex;
		out[i].generic = state.generic;
		out[i].program_id = state.program_id;
	}
	return lb->slot_count;
}

int lb_tx_port(struct lb *lb, __u32 ifindex)
{
	return bpf_map_update_elem(lb->maps.tx_ports, &ifindex, &ifindex, BPF_ANY);
}
