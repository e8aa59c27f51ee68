#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A backend that fails its checks gets no more connections; one that passes them again does.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "{ http: /healthz, interval: 200ms, timeout: 150ms, rise: 2, fall: 2 }" "${B4[@]}"
  service_yaml alt "$VIP4:8080/tcp" l2 "{ tcp: true, interval: 200ms, timeout: 150ms, rise: 2, fall: 2 }" "${B4[@]}"
  # Nobody listens on 8081.
  service_yaml other "$VIP4:8081/tcp" l2 "{ tcp: true, port: 8080, interval: 200ms, timeout: 150ms, rise: 2, fall: 2 }" "${B4[@]}"
} > "$config"
poised_start || bail "poised starts"
check "every backend is up" wait_until 10 all_up
is "a check asks the port that it names" "$(health_of other "${B4[1]}")" up

answered_by() { # answered_by NAME COUNTS: "300 requests, none fails; who answers is COUNTS' non-zeroes"
  local number who=
  requests "$2" 300 > "$tmp/answers"
  is "$1: no request fails" "$(failures "$tmp/answers")" 0
  for number in 1 2 3; do
    [ "$(answers_of $number "$tmp/answers")" = 0 ] || who+="b$number "
  done
  is "$1: who answers" "${who% }" "$3"
}

traffic_start "http://$VIP4/"
traffic_moves 100
nginx_kill 2
check "the killed server is found down (HTTP)" wait_until 5 health_is web "${B4[2]}" down
check "the killed server is found down (TCP)" wait_until 5 health_is alt "${B4[2]}" down
traffic_moves 100
check "traffic goes on" traffic_moves 100
traffic_stop
is "the last 100 requests are answered" "$(tail -n 100 "$tmp/traffic" | failures)" 0
answered_by "b2 killed" "http://$VIP4/" "b1 b3"
answered_by "b2 killed, checked by TCP" "http://$VIP4:8080/" "b1 b3"
matches "the reason is told" "$(field ".backends[] | select(.id == \"${B4[2]}\") | .reason" service show web)" "refused"

nginx_start 2
check "it comes back" wait_until 5 all_up
answered_by "b2 back" "http://$VIP4/" "b1 b2 b3"

touch "$tmp/b3/sick"
check "a server that answers 503 is found down" wait_until 5 health_is web "${B4[3]}" down
is "the TCP check is content with it" "$(health_of alt "${B4[3]}")" up
matches "its reason is told" "$(field ".backends[] | select(.id == \"${B4[3]}\") | .reason" service show web)" "503"
answered_by "b3 sick" "http://$VIP4/" "b1 b2"
rm "$tmp/b3/sick"
check "and comes back" wait_until 5 all_up

on b1 ip link set eth0 down
check "a server without network is found down" wait_until 5 health_is web "${B4[1]}" down
answered_by "b1 away" "http://$VIP4/" "b2 b3"
on b1 ip link set eth0 up
ip -n "$run-b1" route add default via "$ROUTER4"
check "and comes back too" wait_until 15 all_up
answered_by "b1 back" "http://$VIP4/" "b1 b2 b3"
finish
