// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "poise/abi.h"
#include "bench/bench_abi.h" /* the skeleton wants their structs */
#include "gen/bench.skel.h"
#include "bench/rig.h"

#define FRAME_OUT_BYTES 512
#define CHECKED_FLOWS   64

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int put_under_test(const struct rig *rig, int program_fd)
{
	__u32 key = 0;

	return bpf_map_update_elem(bpf_map__fd(rig->skeleton->maps.under_test), &key, &program_fd,
				   BPF_ANY);
}

static int open_flavour(struct rig *rig, __u32 flags, enum bpf_attach_type type, int program_fd,
			int flows_fd)
{
	struct bpf_program *program;
	int err;

	rig->skeleton = bench_bpf__open();
	if (!rig->skeleton)
		return -errno;
	bpf_object__for_each_program(program, rig->skeleton->obj)
	{
		bpf_program__set_flags(program, flags);
		bpf_program__set_expected_attach_type(program, type);
	}
	err = flows_fd < 0 ? 0 : bpf_map__reuse_fd(rig->skeleton->maps.flows, flows_fd);
	if (!err)
		err = bench_bpf__load(rig->skeleton);
	if (!err)
		err = put_under_test(rig, program_fd);
	if (err)
		rig_close(rig);
	return err;
}

int rig_open(struct rig *rig, int program_fd, int flows_fd)
{
	static const struct {
		__u32 flags;
		enum bpf_attach_type type;
	} flavours[] = {
		{ 0, BPF_XDP },
		{ BPF_F_XDP_HAS_FRAGS, BPF_XDP },
		{ 0, 0 }, /* loaded without an attach type, as some loaders do */
		{ BPF_F_XDP_HAS_FRAGS, 0 },
	};
	libbpf_print_fn_t before = libbpf_set_print(silent);
	int err = -EINVAL;

	memset(rig, 0, sizeof(*rig));
	for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]) && err == -EINVAL; i++)
		err = open_flavour(rig, flavours[i].flags, flavours[i].type, program_fd, flows_fd);
	libbpf_set_print(before);
	if (err)
		fprintf(stderr, "poise-bench: the harness cannot call this program: %s\n",
			strerror(-err));
	return err;
}

void rig_close(struct rig *rig)
{
	bench_bpf__destroy(rig->skeleton);
	rig->skeleton = NULL;
}

void rig_packets(struct rig *rig, const struct frame_kind *kind, __u32 flows)
{
	rig->kind = *kind;
	frame_template(kind, &rig->skeleton->bss->template);
	rig->skeleton->bss->flow_mask = flows - 1;
	rig->skeleton->bss->port_shift = kind->reply ? 16 : 0;
}

void rig_forget(struct rig *rig, int set)
{
	rig->skeleton->bss->forget = set >= 0;
	rig->skeleton->bss->forget_set = set;
}

static int harness_fd(const struct rig *rig)
{
	const struct bench_bpf *skel = rig->skeleton;

	if (addr_is_v4(&rig->kind.to))
		return bpf_program__fd(rig->kind.proto == IPPROTO_TCP ? skel->progs.restore_tcp4
								      : skel->progs.restore_udp4);
	return bpf_program__fd(rig->kind.proto == IPPROTO_TCP ? skel->progs.restore_tcp6
							      : skel->progs.restore_udp6);
}

static double thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static int run(const struct rig *rig, int fd, __u32 packets, struct bpf_test_run_opts *opts)
{
	opts->data_in = rig->skeleton->bss->template.bytes + TEMPLATE_LEAD;
	opts->data_size_in = frame_bytes(&rig->kind);
	opts->repeat = packets;
	return bpf_prog_test_run_opts(fd, opts);
}

int rig_check(struct rig *rig)
{
	__u8 out[FRAME_OUT_BYTES];
	const char *why = NULL;
	int err = put_under_test(rig, bpf_program__fd(rig->skeleton->progs.floor_empty));

	for (int i = 0; i < CHECKED_FLOWS && !err; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_out = out, .data_size_out = sizeof(out));

		err = run(rig, harness_fd(rig), 1, &opts);
		if (!err && !frame_check(&rig->kind, out, opts.data_size_out, &why))
			err = -EPROTO;
	}
	if (err)
		fprintf(stderr, "poise-bench: the harness makes a wrong packet: %s\n",
			why ? why : strerror(-err));
	return err;
}

int rig_run(struct rig *rig, int program_fd, __u32 packets, double *ns, __u32 *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	double start;
	int err = put_under_test(rig, program_fd);

	if (err)
		return err;
	start = thread_ns();
	err = run(rig, harness_fd(rig), packets, &opts);
	*ns = (thread_ns() - start) / packets;
	*verdict = opts.retval;
	return err;
}

int rig_run_tx(struct rig *rig, int program_fd, __u32 packets, double *ns)
{
	__u32 verdict;
	int err = rig_run(rig, program_fd, packets, ns, &verdict);

	return !err && verdict != XDP_TX ? -EPROTO : err;
}

int rig_run_alone(struct rig *rig, int program_fd, __u32 packets, double *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	double start = thread_ns();
	int err = run(rig, program_fd, packets, &opts);

	*ns = (thread_ns() - start) / packets;
	return err;
}
