// SPDX-License-Identifier: BSD-2-Clause
/* Puts the program on an interface: a new link, or the one that is there. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "base/log.h"

static int link_create(struct lb *lb, const char *ifname, __u32 ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	char path[PATH_MAX];
	int err = lb_pin_path(lb, ifindex, path, sizeof(path)), fd;

	if (err)
		return err;
	fd = bpf_link_create(lb->prog_fd, ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return fd;
	err = bpf_obj_pin(fd, path);
	if (!err && !lb_slot_add(lb, fd, ifindex, ifname)) {
		unlink(path);
		err = -ENOMEM;
	}
	if (err)
		close(fd);
	return err;
}

static int create(struct lb *lb, const char *ifname, __u32 ifindex, enum xdp_mode mode,
		  struct lb_error *error)
{
	int err = xdp_link_check_foreign(ifname, ifindex, error->text);

	if (err)
		return err;
	if (mode != XDP_MODE_GENERIC)
		err = link_create(lb, ifname, ifindex, XDP_FLAGS_DRV_MODE);
	if (mode == XDP_MODE_GENERIC || (mode == XDP_MODE_AUTO && err == -EOPNOTSUPP)) {
		err = link_create(lb, ifname, ifindex, XDP_FLAGS_SKB_MODE);
		if (!err && mode == XDP_MODE_AUTO)
			log_warn("%s: driver has no native XDP: attached in generic mode (slower); "
				 "`interfaces: [{name: %s, xdp: generic}]` silences this",
				 ifname, ifname);
	}
	if (err == -EOPNOTSUPP)
		lb_error_set(error,
			     "%s: driver has no native XDP: set `xdp: auto` or `xdp: generic`",
			     ifname);
	else if (err)
		lb_error_set(error,
			     "%s: attaching XDP: %s; native XDP may need a smaller MTU or more "
			     "queues, `xdp: generic` does without",
			     ifname, strerror(-err));
	return err;
}

static bool suits(const struct xdp_link_state *state, enum xdp_mode mode)
{
	return mode == XDP_MODE_AUTO || state->generic == (mode == XDP_MODE_GENERIC);
}

/* The link that is there goes on, or makes room for one in the other mode. */
static int attach_again(struct lb *lb, struct lb_slot *slot, const char *ifname, enum xdp_mode mode,
			struct lb_error *error)
{
	struct xdp_link_state state;
	__u32 ifindex = slot->ifindex;
	struct lb_error ignored;
	int err = lb_slot_state(slot, &state);

	if (!err && !state.here) {
		lb_error_set(error,
			     "%s: this instance is attached in another network namespace: detach "
			     "it there or choose another --instance",
			     ifname);
		return -EBUSY;
	}
	if (!err && suits(&state, mode) && state.program_id != lb->prog_id)
		err = bpf_link_update(slot->fd, lb->prog_fd, NULL);
	else if (!err && !suits(&state, mode))
		err = lb_slot_detach(lb, slot);
	if (err) {
		lb_error_set(error, "%s: the link that is there: %s", ifname, strerror(-err));
		return err;
	}
	if (suits(&state, mode))
		return 0;
	err = create(lb, ifname, ifindex, mode, error);
	/* A mode that cannot be had takes no traffic off. */
	if (err)
		create(lb, ifname, ifindex, state.generic ? XDP_MODE_GENERIC : XDP_MODE_NATIVE,
		       &ignored);
	return err;
}

int lb_attach(struct lb *lb, const char *ifname, enum xdp_mode mode, struct lb_error *error)
{
	__u32 ifindex = if_nametoindex(ifname);
	struct lb_slot *slot = NULL;
	int err;

	if (!ifindex) {
		lb_error_set(error, "%s: no such interface", ifname);
		return -ENODEV;
	}
	lb_drop_gone(lb);
	for (size_t i = 0; i < lb->slot_count && !slot; i++) {
		if (lb->slots[i].ifindex == ifindex)
			slot = &lb->slots[i];
	}
	err = slot ? attach_again(lb, slot, ifname, mode, error)
		   : create(lb, ifname, ifindex, mode, error);
	if (err)
		return err;
	lb_accept_local_read(lb);
	err = lb_tx_port(lb, ifindex);
	if (!err)
		err = lb_remove_older(lb);
	if (err)
		lb_error_set(error, "%s: attached, but: %s", ifname, strerror(-err));
	return err;
}
