#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two poised on one machine, told apart by --instance: neither notices what happens to the other.
. "$(dirname "$0")/../lib/lib.sh"

other_vip=192.0.2.20
topology_make segment || bail "topology"
netns_add lb2
segment_join lb2 10.0.0.3 2001:db8:2::3 || bail "a second balancer"
takes_xdp_frames router lb2
route router $other_vip via 10.0.0.3
for number in 1 2 3; do backend_carries $number $other_vip; done
nginx_start_all || bail "nginx starts"

one() { instance=$run balancer=lb config=$tmp/one.yaml; }
two() { instance=$run-two balancer=lb2 config=$tmp/two.yaml; }
start() { # start VIP BACKEND...
  local vip=$1
  shift
  { echo "interfaces: [eth0]"; echo "services:"; service_yaml web "$vip:80/tcp" l2 "$@"; } > "$config"
  poised_start && wait_until 10 all_usable
}

one; check "the first starts" start $VIP4 "${B4[1]}" "${B4[2]}"
two; check "the second starts" start $other_vip "${B4[3]}"
is "the second has its own backends" "$(field '[.backends[].id] | join(" ")' service show web)" "${B4[3]}"
one
is "the first has its own" "$(field '[.backends[].id] | join(" ")' service show web)" "${B4[1]} ${B4[2]}"
is "the first's requests" "$(requests "http://$VIP4/" 100 | sort -u | xargs)" "b1 b2"
is "the second's requests" "$(requests "http://$other_vip/" 100 | sort -u | xargs)" "b3"

again=$("$poised" --instance "$instance" --config "$config" 2>&1 < /dev/null)
is "a third of the first's name is refused" $? 1
matches "saying so" "$again" "$instance"
check "and the first is still there" poised_ready

two
before=$(flows_of web)
poised_kill
one; poised_stop; check "detach of the first" poise detach --all
is "the second's traffic goes on" "$(requests "http://$other_vip/" 50 | sort -u | xargs)" "b3"
two
check "the second starts again" poised_start
is "the second's counters are kept" "$(flows_of web)" $((before + 50))
finish
