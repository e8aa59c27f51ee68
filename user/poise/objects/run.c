// SPDX-License-Identifier: BSD-2-Clause
/* poise run: balances at once, in the foreground. */
#include "check/check_kind.h"
#include "cli/value.h"
#include "conf/conf.h"
#include "objects/objects.h"
#include "run/run.h"

static const struct option_row options[] = {
	{ "listen", "[ADDR]:PORT[/udp]", "where clients connect to: :8080", .many = true },
	{ "scheduler", NULL, "how a backend is chosen (maglev)", .words = conf_scheduler_names,
	  .word_count = SCHEDULER_MAX },
	{ "check", CHECK_OPTION, "how to tell whether a backend is up (tcp)" },
	{ "interface", "NAME", "where clients' packets come in (by the address)", .many = true },
	{ "xdp", NULL, "how the program is attached to them (auto)", .words = conf_xdp_names,
	  .word_count = CONF_XDP_NAMES },
	{ "interval", "TIME", "between tables (1s); off a terminal: between figures",
	  .check = value_time, .min = RUN_LEAST_INTERVAL_MS },
	{ "verbose", NULL, "show what poised says" },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "run", "--listen [ADDR]:PORT[/udp] [OPTION]... BACKEND...",
	  "Balances connections to a port over backends (ADDR:PORT) until Ctrl-C:\n"
	  "  sudo poise run --listen :8080 127.0.0.1:8001 127.0.0.1:8002 127.0.0.1:8003\n"
	  "Backends on this host are given the connections themselves (mode local), others\n"
	  "get their packets by nat, for clients elsewhere. Nothing is left behind.",
	  0, -1, options, run_run },
};

const struct object object_run = {
	"run",
	"balance now, in the foreground, without a file; Ctrl-C ends it",
	verbs,
	ARRAY_SIZE(verbs),
};
