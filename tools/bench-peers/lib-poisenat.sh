# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Poise, mode nat: nothing is set up on the backends, which listen on another port than the service.
# shellcheck source=tools/bench-peers/lib-poise.sh
. tools/bench-peers/lib-poise.sh
subject_about() { poise_about "nat (full NAT), to port 8080"; }
subject_start() { poise_start nat "${B4[1]}:8080" "${B4[2]}:8080" "${B4[3]}:8080"; }
subject_stop() { poise_stop; }
