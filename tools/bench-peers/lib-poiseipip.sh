# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Poise, mode ipip: backends unwrap with poise decap, and answer past the balancer.
# shellcheck source=tools/bench-peers/lib-poise.sh
. tools/bench-peers/lib-poise.sh
subject_about() { poise_about "ipip (poise decap on backends), answers go past the balancer"; }
subject_start() { decap_attach_all && poise_start ipip "${B4[@]}"; }

subject_stop() {
  local number
  poise_stop
  for number in "${!B4[@]}"; do
    on "b$number" "$poise" --instance "$instance-b$number" decap detach eth0 || return
  done
}
