/* SPDX-License-Identifier: BSD-2-Clause */
/* Which CPU a thread runs on. */
#ifndef POISE_BENCH_CPU_H
#define POISE_BENCH_CPU_H

/* Keeps the calling thread on a CPU; -1: the last one that it may use. Returns it or -errno. */
int cpu_stay(int cpu);

/* Moves the calling thread off the CPU that it runs on. 0, or -errno if there is no other CPU. */
int cpu_leave(void);

#endif
