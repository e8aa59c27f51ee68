#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Uploads in full-sized packets to backends whose way has no room for outer headers: the balancer tells
# the client which size fits, in modes ipip and gue. (Downloads to a narrow link: icmp_errors.sh.)
SEGMENT_MTU=1500
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
for number in 1 2 3; do
  spawn "upload-b$number" "b$number" python3 "$root/tests/net/peers/upload.py" serve 80
  wait_until 20 grep -q ready "$tmp/upload-b$number.log" || bail "a server starts"
done
decap_attach_all || bail "poise decap attach"

configuration() { # configuration MODE
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web4 "$VIP4:80/tcp" "$1" "${B4[@]}"
  service_yaml web6 "[$VIP6]:80/tcp" "$1" "${B6[@]}"
}

upload() { # upload ADDRESS: how many bytes came up
  on client timeout 30 python3 "$root/tests/net/peers/upload.py" send "$1" 80 10000000
}

told() { field .too_big.sent answers; }
too_big() { field .too_big drops; }
path_mtu() { ip -j -n "$run-client" route get "$1" | jq '.[0].metrics[0].mtu // 0'; }

configuration ipip > "$config"
poised_start || bail "poised starts"
for mode in ipip gue; do
  configuration $mode > "$config"
  check "$mode: the configuration is applied" poise apply "$config"
  check "$mode: every backend becomes usable" wait_until 10 all_usable
  ip -n "$run-client" route flush cache
  ip -n "$run-client" -6 route flush cache
  is "$mode: the client knows of nothing" "$(path_mtu $VIP4) $(path_mtu $VIP6)" "0 0"
  before=$(told)
  is "$mode: 10 MB go up" "$(upload $VIP4)" 10000000
  holds "$mode: the client was told" "$(told) > $before"
  before=$(told)
  is "$mode: 10 MB go up over IPv6" "$(upload $VIP6)" 10000000
  holds "$mode: the client was told over IPv6" "$(told) > $before"
  case $mode in
    ipip) is "ipip: it knows the size that fits" "$(path_mtu $VIP4) $(path_mtu $VIP6)" "1480 1460" ;;
    gue) is "gue: it knows the size that fits" "$(path_mtu $VIP4) $(path_mtu $VIP6)" "1468 1448" ;;
  esac
  # It is counted under its reason, and nothing else was dropped.
  is "$mode: nothing else was dropped" "$(field '[.[]] | add' drops)" "$(too_big)"
done
finish
