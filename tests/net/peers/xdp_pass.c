// SPDX-License-Identifier: BSD-2-Clause
/*
 * xdp_pass INTERFACE native|generic [NAME]: attaches a program that passes everything, for the far
 * end of a veth whose near end answers with XDP_TX, and as a stranger's program. It stays until it
 * is taken off or the interface goes; nothing is pinned. Prints the program's id.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	unsigned int ifindex;
	__u32 flags;
	int fd;

	if (argc < 3) {
		fputs("usage: xdp_pass INTERFACE native|generic [NAME]\n", stderr);
		return 2;
	}
	flags = strcmp(argv[2], "native") ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	ifindex = if_nametoindex(argv[1]);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, argc > 3 ? argv[3] : "xdp_pass", "GPL", pass, 2,
			   NULL);
	if (!ifindex || fd < 0 || bpf_xdp_attach(ifindex, fd, flags, NULL) ||
	    bpf_obj_get_info_by_fd(fd, &info, &size)) {
		fprintf(stderr, "xdp_pass: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("%u\n", info.id);
	return 0;
}
