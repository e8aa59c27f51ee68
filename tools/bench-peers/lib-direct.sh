# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# No balancer: one backend, with the balancer's kernel as a router in between, both ways.
# shellcheck source=tools/lib-forward.sh
. tools/lib-forward.sh
subject_about() { echo "no balancer: b1 alone, through the balancer's kernel as a plain router, both ways"; }
subject_start() { forwarding_on && route router "${B4[1]}" via "$LB4"; }
subject_url() { echo "http://${B4[1]}"; }
subject_answers() { echo b1; }

subject_stop() {
  forwarding_off
  ip -n "$run-router" route del "${B4[1]}" via "$LB4"
}
