/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network namespace of the test's own, where the host is a router between clients outside and
 * backends inside: what bpf_fib_lookup() looks at.
 */
#ifndef POISE_TESTS_NAT_NET_H
#define POISE_TESTS_NAT_NET_H

/* The client of whom a neighbour entry tells: 02:00:00:00:03:07; others are routed there, from
 * 02:00:00:00:03:ff, too, but have no entry. */
#define NAT_NET_NEIGHBOUR 7

/* Moves the process there. Interface numbers. 0 or -errno, said in words. */
int nat_net_open(unsigned int *inside, unsigned int *outside);
/* Runs ip(8) with printf-like arguments. Returns 0, or -EIO after it has printed why. */
__attribute__((format(printf, 1, 2))) int nat_net_ip(const char *format, ...);
int nat_net_forward(int version, int on); /* as sysctl has it */

#endif
