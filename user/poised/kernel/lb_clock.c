// SPDX-License-Identifier: BSD-2-Clause
/*
 * The clock of flow entries. Packets stamp them in ticks of jiffies, the one clock that costs them
 * nothing, and user space cannot read jiffies. But both jiffies and CLOCK_MONOTONIC advance by the
 * same timer, so one look at the two together makes either computable from the other until reboot,
 * which pinned maps do not survive.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>

#include "lb_impl.h"
#include "poise/flow.h"

#define MIN_TICK_NS 3000000000ULL /* 14 bits of ticks have to reach over twice 8 hours */
#define LOOKS       5

static __u64 clock_ns(clockid_t id, int (*read)(clockid_t, struct timespec *))
{
	struct timespec time = { 0 };

	read(id, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static __u64 monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC, clock_gettime);
}

int lb_clock_init(struct flow_clock *clock)
{
	/* The coarse clocks advance once per jiffy: their resolution is the kernel's TICK_NSEC. */
	__u64 jiffy_ns = clock_ns(CLOCK_MONOTONIC_COARSE, clock_getres);

	if (!jiffy_ns || jiffy_ns >= MIN_TICK_NS)
		return -ERANGE;
	*clock = (struct flow_clock){ .jiffy_ns = jiffy_ns };
	while (jiffy_ns << clock->tick_shift < MIN_TICK_NS)
		clock->tick_shift++;
	return 0;
}

int lb_clock_set(struct flow_clock *clock, int jiffies_fd)
{
	__u64 least_ns = ~0ULL;

	/* The shortest of some looks: in a longer one something came in between. */
	for (int i = 0; i < LOOKS; i++) {
		unsigned char frame[64] = { 0 };
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
			    .repeat = 1);
		__u64 before_ns = monotonic_ns(), took_ns;
		int err = bpf_prog_test_run_opts(jiffies_fd, &run);

		if (err)
			return err;
		took_ns = monotonic_ns() - before_ns;
		if (took_ns >= least_ns)
			continue;
		least_ns = took_ns;
		clock->jiffies = run.retval;
		clock->monotonic_ns = before_ns + took_ns / 2;
	}
	return 0;
}

__u32 lb_clock_tick(const struct flow_clock *clock)
{
	return flow_clock_tick(clock, monotonic_ns());
}
