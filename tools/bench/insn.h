/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions per packet of poise_lb, beside the table of what they may be.
 *
 * In QEMU with -icount shift=0 each instruction takes one nanosecond of the guest's time, whatever
 * the machine below does. So time is a count, and it is the same each time: the harness with the
 * program less the harness with the empty program is what the program executes, and the kernel's
 * functions that it calls.
 */
#ifndef POISE_BENCH_INSN_H
#define POISE_BENCH_INSN_H

/*
 * Measures each kind of packet and compares it with its row of the file `budget`. Prints a line of
 * TAP for each. Returns the exit status: 0 if none is more than 3 % over its row.
 */
int insn_run(const char *budget);

#endif
