# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Poise, mode l2: backends answer past the balancer.
# shellcheck source=tools/bench-peers/lib-poise.sh
. tools/bench-peers/lib-poise.sh
subject_about() { poise_about "l2, answers go past the balancer"; }
subject_start() { poise_start l2 "${B4[@]}"; }
subject_stop() { poise_stop; }
