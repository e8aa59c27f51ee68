/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned maps and program of ABI version 3; README.md tells where they come from. */
#ifndef POISE_TEST_ABI3_H
#define POISE_TEST_ABI3_H

/* Puts a set of maps and a program of ABI version 3 in place of what poised has pinned and left
 * there. 0, or -errno after saying what went wrong. */
int abi3_go_back(const char *instance_dir);

#endif
