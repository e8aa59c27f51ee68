// SPDX-License-Identifier: BSD-2-Clause
/* `poise decap attach`: loads the program, fills its maps, puts it on the interface, pins it. */
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
#include "decap/decap_set.h"
#include "base/log.h"
#include "poise/decap.h"
#include "maps/xdp_link.h"

/* Networks go into the map as they are. */
_Static_assert(sizeof(struct net) == sizeof(struct decap_net) &&
		       offsetof(struct net, addr) == offsetof(struct decap_net, addr),
	       "one layout");

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
	if (!err && fits(pins->locals, skel->maps.decap_locals))
		err = bpf_map__reuse_fd(skel->maps.decap_locals, pins->locals);
	if (!err && fits(pins->nets, skel->maps.decap_nets))
		err = bpf_map__reuse_fd(skel->maps.decap_nets, pins->nets);
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
		skel->rodata->check_source = request->net_count > 0;
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

/* The maps that a request fills, and what it fills them with. */
struct fill {
	struct decap_set set;
	const void *keys;
	size_t count;
	__u64 flags;
	void *before; /* keys as they were, to be put back */
	int before_count;
};

enum { FILL_VIPS, FILL_LOCALS, FILL_NETS, FILL_COUNT };

static void fills_make(const struct decap_bpf *skel, const struct decap_request *request,
		       struct fill fills[FILL_COUNT])
{
	fills[FILL_VIPS] = (struct fill){
		.set = { bpf_map__fd(skel->maps.decap_vips), sizeof(struct addr),
			 DECAP_VIP_ENTRIES },
		.keys = request->vips,
		.count = request->vip_count,
		.flags = BPF_NOEXIST, /* those that stay keep their counters */
	};
	fills[FILL_LOCALS] = (struct fill){
		.set = { bpf_map__fd(skel->maps.decap_locals), sizeof(struct addr),
			 DECAP_LOCAL_ENTRIES },
		.keys = request->locals,
		.count = request->local_count,
	};
	fills[FILL_NETS] = (struct fill){
		.set = { bpf_map__fd(skel->maps.decap_nets), sizeof(struct decap_net),
			 DECAP_NET_ENTRIES },
		.keys = request->nets,
		.count = request->net_count,
	};
}

/* Notes what is there, and adds what is new. 0 or -errno. */
static int fills_add(struct fill fills[FILL_COUNT], const struct decap_request *request)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	__u8 *value = cpus > 0 ? calloc(cpus, sizeof(struct decap_counter)) : NULL;

	if (!value)
		return cpus < 0 ? cpus : -ENOMEM;
	for (int i = 0; i < FILL_COUNT && !err; i++) {
		fills[i].before_count = decap_set_read(&fills[i].set, &fills[i].before);
		err = fills[i].before_count < 0 ? fills[i].before_count : 0;
	}
	for (int i = 0; i < FILL_COUNT && !err; i++) {
		*value = i != FILL_LOCALS        ? 0
			 : request->locals_given ? DECAP_LOCAL_GIVEN
						 : DECAP_LOCAL_FOUND;
		err = decap_set_add(&fills[i].set, fills[i].keys, fills[i].count, fills[i].flags,
				    value);
	}
	free(value);
	return err;
}

/* Removes what the request does not name or, if it failed, what was not there before. 0 or -errno.
 */
static int fills_keep(struct fill fills[FILL_COUNT], bool failed)
{
	int err = 0;

	for (int i = 0; i < FILL_COUNT && !err; i++)
		err = failed ? decap_set_keep(&fills[i].set, fills[i].before, fills[i].before_count)
			     : decap_set_keep(&fills[i].set, fills[i].keys, fills[i].count);
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

/* Changes the program, pins. */
static int go_live(const struct decap_bpf *skel, const struct decap_request *request,
		   const struct decap_pins *old)
{
	struct decap_pins pins = DECAP_PINS_NONE;
	int status, err;

	memcpy(pins.dir, old->dir, sizeof(pins.dir));
	pins.vips = bpf_map__fd(skel->maps.decap_vips);
	pins.drops = bpf_map__fd(skel->maps.decap_drops);
	pins.locals = bpf_map__fd(skel->maps.decap_locals);
	pins.nets = bpf_map__fd(skel->maps.decap_nets);
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
	struct fill fills[FILL_COUNT];
	int status, err;

	fills_make(skel, request, fills);
	err = fills_add(fills, request);
	status = err ? command_refuse("%s: adding addresses: %s", request->ifname, strerror(-err))
		     : go_live(skel, request, old);
	if (status != EXIT_DONE && old->link < 0) {
		decap_pins_remove(old);
	} else {
		err = fills_keep(fills, status != EXIT_DONE);
		if (err && status == EXIT_DONE)
			status = command_refuse("%s: removing addresses: %s", request->ifname,
						strerror(-err));
	}
	for (int i = 0; i < FILL_COUNT; i++)
		free(fills[i].before);
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
