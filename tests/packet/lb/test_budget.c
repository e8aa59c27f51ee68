// SPDX-License-Identifier: BSD-2-Clause
/* Programs stay within the verifier's instructions that tests/budget.txt allows them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "harness/harness.h"
#include "poise/abi.h"
#include "poise/guard.h"
#include "poise/hash.h"

#include "gen/decap.skel.h"
#include "gen/lb.skel.h"
#include "gen/local.skel.h"

#define BUDGET "tests/budget.txt"

/* Returns the budget that the file gives a program, or 0 if it names none. */
static unsigned int budget_of(const char *program)
{
	char line[256], name[64];
	unsigned int allowed = 0, number;
	FILE *file = fopen(BUDGET, "re");

	if (!file) {
		fprintf(stderr, "%s: %s (run from the top of the tree)\n", BUDGET, strerror(errno));
		return 0;
	}
	while (fgets(line, sizeof(line), file)) {
		if (line[0] != '#' && sscanf(line, "%63s %u", name, &number) == 2 &&
		    !strcmp(name, program))
			allowed = number;
	}
	fclose(file);
	return allowed;
}

static void check(struct harness *h, const struct bpf_program *program)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);
	unsigned int allowed = budget_of(bpf_program__name(program));
	int err = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length);

	harness_ok(h, !err && info.verified_insns && info.verified_insns <= allowed,
		   "%s: %u verified instructions, %u allowed", bpf_program__name(program),
		   info.verified_insns, allowed);
}

int main(void)
{
	struct decap_bpf *backend = decap_bpf__open_and_load();
	struct lb_bpf *lb = lb_bpf__open_and_load();
	struct local_bpf *local = local_bpf__open_and_load();
	struct harness h = { 0 };

	if (harness_ok(&h, lb && backend && local, "all programs load")) {
		check(&h, lb->progs.poise_lb);
		check(&h, backend->progs.poise_decap);
		check(&h, local->progs.poise_local);
		check(&h, local->progs.poise_local_find);
		check(&h, local->progs.poise_local_count);
	}
	lb_bpf__destroy(lb);
	local_bpf__destroy(local);
	decap_bpf__destroy(backend);
	return harness_end(&h);
}
