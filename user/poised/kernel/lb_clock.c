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

#include "base/clock.h"
#include "kernel/lb_impl.h"
#include "poise/flow.h"

#define MIN_TICK_NS 3000000000ULL /* 14 bits of ticks have to reach over twice 8 hours */
#define LOOKS       5

/* The coarse clocks advance once per jiffy: their resolution is the kernel's TICK_NSEC. */
static __u64 jiffy_ns_read(void)
{
	struct timespec time = { 0 };

	clock_getres(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

int lb_clock_init(struct flow_clock *clock)
{
	__u64 jiffy_ns = jiffy_ns_read();

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
		__u64 before_ns = now_ns(), took_ns;
		int err = bpf_prog_test_run_opts(jiffies_fd, &run);

		if (err)
			return err;
		took_ns = now_ns() - before_ns;
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
	return flow_clock_tick(clock, now_ns());
}
