// SPDX-License-Identifier: BSD-2-Clause
/* `poise decap attach`: loads the program, fills its VIPs, puts it on the interface, pins it. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/decap.skel.h"
#include "decap/decap.h"
#include "base/log.h"
#include "poise/decap.h"
#include "maps/xdp_link.h"

static char said[300]; /* the first warning of libbpf */

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !said[0]) {
		vsnprintf(said, sizeof(said), format, args);
		said[strcspn(said, "\n")] = '\0';
	}
	return 0;
}

/* Can a pinned map serve the program in place of a new one? */
static bool fits(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

/* Maps that are pinned go on, with their counters, unless another version made them otherwise. */
static int reuse(struct decap_bpf *skel, const struct decap_pins *pins)
{
	int err = 0;

	if (fits(pins->vips, skel->maps.decap_vips))
		err = bpf_map__reuse_fd(skel->maps.decap_vips, pins->vips);
	if (!err && fits(pins->drops, skel->maps.decap_drops))
		err = bpf_map__reuse_fd(skel->maps.decap_drops, pins->drops);
	return err;
}

/* NULL after printing why not. */
static struct decap_bpf *load(const struct decap_request *request, const struct decap_pins *pins)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_warning);
	struct decap_bpf *skel = decap_bpf__open();
	int err = skel ? 0 : -errno;

	if (!err) {
		skel->rodata->gue_port = htons(request->gue_port);
		err = reuse(skel, pins);
	}
	if (!err)
		err = decap_bpf__load(skel);
	if (err) {
		command_refuse("the program does not load: %s: %s", strerror(-err), said);
		decap_bpf__destroy(skel);
		skel = NULL;
	}
	libbpf_set_print(before);
	return skel;
}

static bool contains(const struct addr *vips, size_t count, const struct addr *vip)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_equal(&vips[i], vip))
			return true;
	}
	return false;
}

/* Fills out[] with the map's keys that are not among `vips`; how many, or -errno. */
static int others(int fd, const struct addr *vips, size_t count, struct addr out[DECAP_VIP_ENTRIES])
{
	struct addr key, *last = NULL;
	int found = 0;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		if (!contains(vips, count, &key) && found < DECAP_VIP_ENTRIES)
			out[found++] = key;
		last = &key;
	}
	return errno == ENOENT ? found : -errno;
}

/* Deletes all keys but these. 0 or -errno. */
static int vips_keep(int fd, const struct addr *vips, size_t count)
{
	struct addr *gone = calloc(DECAP_VIP_ENTRIES, sizeof(*gone));
	int found = gone ? others(fd, vips, count, gone) : -ENOMEM;
	int err = found < 0 ? found : 0;

	for (int i = 0; i < found && !err; i++) {
		if (bpf_map_delete_elem(fd, &gone[i]) && errno != ENOENT)
			err = -errno;
	}
	free(gone);
	return err;
}

/* Adds those that are missing, their counters at 0. 0 or -errno. */
static int vips_add(int fd, const struct addr *vips, size_t count)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct decap_counter *zero = cpus > 0 ? calloc(cpus, sizeof(*zero)) : NULL;

	if (!zero)
		return cpus < 0 ? cpus : -ENOMEM;
	for (size_t i = 0; i < count && !err; i++) {
		if (bpf_map_update_elem(fd, &vips[i], zero, BPF_NOEXIST) && errno != EEXIST)
			err = -errno;
	}
	free(zero);
	return err;
}

static int create(int program_fd, const struct decap_request *request, enum xdp_mode mode,
		  int *link)
{
	char text[XDP_LINK_TEXT_SIZE];
	bool fell_back;
	int fd = xdp_link_create(program_fd, request->ifname, request->ifindex, mode, &fell_back,
				 text);

	if (fd < 0)
		return command_refuse("%s", text);
	if (fell_back)
		log_warn("%s: driver has no native XDP: attached in generic mode (slower); "
			 "`--xdp generic` silences this",
			 request->ifname);
	*link = fd;
	return EXIT_DONE;
}

/* Into the other mode: the interface is without a program for a moment. */
static int change_mode(int program_fd, const struct decap_request *request, bool was_generic,
		       int old_link, int *link)
{
	int status;

	if (bpf_link_detach(old_link))
		return command_refuse("%s: detaching: %s", request->ifname, strerror(errno));
	status = create(program_fd, request, request->mode, link);
	/* A mode that cannot be had takes no traffic off. */
	if (status != EXIT_DONE)
		create(program_fd, request, was_generic ? XDP_MODE_GENERIC : XDP_MODE_NATIVE, link);
	return status;
}

/* *link is the link to pin, also after an error where one goes on; -1: none, or nothing new. */
static int link_up(int program_fd, const struct decap_request *request, int old_link, int *link)
{
	struct xdp_link_state state;
	int err;

	if (old_link < 0)
		return create(program_fd, request, request->mode, link);
	err = xdp_link_state(old_link, &state);
	if (!err && !state.here)
		return command_refuse("%s: what is pinned for it runs on an interface that moved "
				      "to another network namespace: take it off there with "
				      "`bpftool net detach`",
				      request->ifname);
	if (!err && request->mode != XDP_MODE_AUTO &&
	    state.generic != (request->mode == XDP_MODE_GENERIC))
		return change_mode(program_fd, request, state.generic, old_link, link);
	if (!err && bpf_link_update(old_link, program_fd, NULL))
		err = -errno;
	if (!err) {
		*link = dup(old_link);
		err = *link < 0 ? -errno : 0;
	}
	if (err)
		return command_refuse("%s: replacing the program: %s", request->ifname,
				      strerror(-err));
	return EXIT_DONE;
}

/* Adds the VIPs, changes the program, pins. */
static int go_live(const struct decap_bpf *skel, const struct decap_request *request,
		   const struct decap_pins *old)
{
	struct decap_pins pins = DECAP_PINS_NONE;
	int status, err;

	memcpy(pins.dir, old->dir, sizeof(pins.dir));
	pins.vips = bpf_map__fd(skel->maps.decap_vips);
	pins.drops = bpf_map__fd(skel->maps.decap_drops);
	err = vips_add(pins.vips, request->vips, request->vip_count);
	if (err)
		return command_refuse("%s: adding VIPs: %s", request->ifname, strerror(-err));
	status = link_up(bpf_program__fd(skel->progs.poise_decap), request, old->link, &pins.link);
	if (pins.link < 0)
		return status;
	err = decap_pins_put(&pins);
	close(pins.link);
	return err ? command_refuse("%s: pinning: %s", request->ifname, strerror(-err)) : status;
}

/* All of it or nothing. */
static int replace(const struct decap_bpf *skel, const struct decap_request *request,
		   struct decap_pins *old)
{
	int vips = bpf_map__fd(skel->maps.decap_vips), status, err, count;
	struct addr *before = calloc(DECAP_VIP_ENTRIES, sizeof(*before));

	count = before ? others(vips, NULL, 0, before) : -ENOMEM;
	if (count < 0) {
		free(before);
		return command_refuse("%s: reading VIPs: %s", request->ifname, strerror(-count));
	}
	status = go_live(skel, request, old);
	if (status == EXIT_DONE) {
		err = vips_keep(vips, request->vips, request->vip_count);
		if (err)
			status = command_refuse("%s: removing VIPs: %s", request->ifname,
						strerror(-err));
	} else if (old->link < 0) {
		decap_pins_remove(old);
	} else {
		vips_keep(vips, before, count);
	}
	free(before);
	return status;
}

int decap_attach(const char *instance_dir, const struct decap_request *request)
{
	struct decap_bpf *skel;
	struct decap_pins old;
	int status, err;

	decap_pins_sweep(instance_dir);
	err = decap_pins_open(instance_dir, request->ifindex, &old);
	if (err)
		return command_refuse("%s: what is pinned for it: %s", request->ifname,
				      strerror(-err));
	skel = load(request, &old);
	status = skel ? replace(skel, request, &old) : EXIT_REFUSED;
	decap_bpf__destroy(skel);
	decap_pins_close(&old);
	return status;
}
