// SPDX-License-Identifier: BSD-2-Clause
/* `abi3_pins INSTANCE`: what poised has pinned becomes what ABI version 3 had; see tests/abi3. */
#include <limits.h>
#include <stdio.h>

#include "abi3/abi3.h"
#include "maps/bpffs.h"

int main(int argc, char **argv)
{
	char dir[PATH_MAX];

	if (argc != 2 || bpffs_instance_dir(argv[1], 0, dir, sizeof(dir))) {
		fprintf(stderr, "usage: abi3_pins INSTANCE, which has something pinned\n");
		return 2;
	}
	return abi3_go_back(dir) ? 1 : 0;
}
