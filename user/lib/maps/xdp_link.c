// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "maps/bpffs.h"
#include "maps/pins.h"
#include "maps/xdp_link.h"

int xdp_link_state(int fd, struct xdp_link_state *state)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	memset(state, 0, sizeof(*state));
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EPROTO;
	state->ifindex = info.xdp.ifindex;
	state->program_id = info.prog_id;
	/* An index means something in its own namespace only: the program tells whether it is this.
	 */
	if (!state->ifindex || bpf_xdp_query(state->ifindex, 0, &query))
		return 0;
	state->generic = query.skb_prog_id == info.prog_id;
	state->here = state->generic || query.prog_id == info.prog_id ||
		      query.drv_prog_id == info.prog_id;
	return 0;
}

static void program_name(__u32 id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

/* The BPF link that holds the program on the interface; 0: none, it was attached over netlink. */
static __u32 holding_link(__u32 program_id, __u32 ifindex)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len))
			info.type = BPF_LINK_TYPE_UNSPEC;
		close(fd);
		if (info.type == BPF_LINK_TYPE_XDP && info.prog_id == program_id &&
		    info.xdp.ifindex == ifindex)
			return id;
	}
	return 0;
}

/* The program on an interface, 0 for none, and ip(8)'s word for its mode. */
static __u32 program_there(const struct bpf_xdp_query_opts *query, const char **mode)
{
	if (query->drv_prog_id) {
		*mode = "xdpdrv";
		return query->drv_prog_id;
	}
	if (query->skb_prog_id) {
		*mode = "xdpgeneric";
		return query->skb_prog_id;
	}
	*mode = "xdpoffload";
	return query->hw_prog_id;
}

/* True if another instance of Poise has the link there. text then says how to go on. */
static bool is_instances(const char *ifname, __u32 ifindex, __u32 link, char *text)
{
	char dir[PATH_MAX], name[64];

	if (!link || bpffs_instances_dir(dir, sizeof(dir)) ||
	    pins_link_owner(dir, ifindex, link, name, sizeof(name)))
		return false;
	snprintf(text, XDP_LINK_TEXT_SIZE,
		 "%s: is instance %s's, and one instance serves an interface: add the service "
		 "there, as in `poise --instance %s service add`",
		 ifname, name, name);
	return true;
}

int xdp_link_check_foreign(const char *ifname, __u32 ifindex, char text[XDP_LINK_TEXT_SIZE])
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int err = bpf_xdp_query(ifindex, 0, &query);
	char name[BPF_OBJ_NAME_LEN], off[64];
	const char *mode;
	__u32 id, link;

	if (err) {
		snprintf(text, XDP_LINK_TEXT_SIZE, "%s: asking for its XDP program: %s", ifname,
			 strerror(-err));
		return err;
	}
	id = program_there(&query, &mode);
	if (!id)
		return 0;
	program_name(id, name);
	link = holding_link(id, ifindex);
	if (is_instances(ifname, ifindex, link, text))
		return -EBUSY;
	if (link)
		snprintf(off, sizeof(off), "end what holds it, or `bpftool link detach id %u`",
			 link);
	else
		snprintf(off, sizeof(off), "take it off with `ip link set dev %s %s off`", ifname,
			 mode);
	snprintf(text, XDP_LINK_TEXT_SIZE,
		 "%s: XDP program %u \"%s\" is attached already and is not ours: %s", ifname, id,
		 name, off);
	return -EBUSY;
}

static int create(int program_fd, __u32 ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(program_fd, ifindex, BPF_XDP, &opts);
}

int xdp_link_create(int program_fd, const char *ifname, __u32 ifindex, enum xdp_mode mode,
		    bool *fell_back, char text[XDP_LINK_TEXT_SIZE])
{
	int fd = xdp_link_check_foreign(ifname, ifindex, text);

	*fell_back = false;
	if (fd)
		return fd;
	fd = -EOPNOTSUPP;
	if (mode != XDP_MODE_GENERIC)
		fd = create(program_fd, ifindex, XDP_FLAGS_DRV_MODE);
	if (mode == XDP_MODE_GENERIC || (mode == XDP_MODE_AUTO && fd == -EOPNOTSUPP)) {
		fd = create(program_fd, ifindex, XDP_FLAGS_SKB_MODE);
		*fell_back = fd >= 0 && mode == XDP_MODE_AUTO;
	}
	if (fd == -EOPNOTSUPP)
		snprintf(text, XDP_LINK_TEXT_SIZE, "%s: driver has no native XDP", ifname);
	else if (fd < 0)
		snprintf(text, XDP_LINK_TEXT_SIZE,
			 "%s: attaching XDP: %s; native XDP may need a smaller MTU or more queues, "
			 "generic mode does without",
			 ifname, strerror(-fd));
	return fd;
}
