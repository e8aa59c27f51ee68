// SPDX-License-Identifier: BSD-2-Clause
/* Who else is on an interface, and how to get it off. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lb_impl.h"

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

int lb_check_foreign(const char *ifname, __u32 ifindex, struct lb_error *error)
{
	static const char *const off[] = {
		[XDP_ATTACHED_DRV] = "xdpdrv",
		[XDP_ATTACHED_SKB] = "xdpgeneric",
		[XDP_ATTACHED_HW] = "xdpoffload",
	};
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char name[BPF_OBJ_NAME_LEN];
	__u32 id, link;
	int err = bpf_xdp_query(ifindex, 0, &query), mode;

	if (err) {
		lb_error_set(error, "%s: asking for its XDP program: %s", ifname, strerror(-err));
		return err;
	}
	mode = query.attach_mode;
	id = query.prog_id;
	if (mode == XDP_ATTACHED_MULTI) {
		mode = query.drv_prog_id   ? XDP_ATTACHED_DRV
		       : query.skb_prog_id ? XDP_ATTACHED_SKB
					   : XDP_ATTACHED_HW;
		id = query.drv_prog_id   ? query.drv_prog_id
		     : query.skb_prog_id ? query.skb_prog_id
					 : query.hw_prog_id;
	}
	if (!id)
		return 0;
	program_name(id, name);
	link = holding_link(id, ifindex);
	if (link)
		lb_error_set(error,
			     "%s: XDP program %u \"%s\" is attached already and is not ours: end "
			     "what holds it, or `bpftool link detach id %u`",
			     ifname, id, name, link);
	else
		lb_error_set(error,
			     "%s: XDP program %u \"%s\" is attached already and is not ours: take "
			     "it off with `ip link set dev %s %s off`",
			     ifname, id, name, ifname, off[mode]);
	return -EBUSY;
}
