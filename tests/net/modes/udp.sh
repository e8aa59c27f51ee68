#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# UDP through every mode: answered from the service's address, a flow always by one backend.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
decap_attach_all || bail "poise decap attach"
for number in 1 2 3; do
  for vip in $VIP4 $VIP6; do
    spawn "udp-b$number-${vip//[:.]/_}" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" "$vip" 5001 5002 5003
    wait_until 5 grep -q ready "$tmp/udp-b$number-${vip//[:.]/_}.log" || bail "UDP server starts"
  done
done

port=5001
{
  echo "interfaces: [eth0]"
  echo "services:"
  for mode in l2 ipip gue; do
    service_yaml "$mode-4" "$VIP4:$port/udp" $mode "${B4[@]}"
    service_yaml "$mode-6" "[$VIP6]:$port/udp" $mode "${B6[@]}"
    port=$((port + 1))
  done
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

ask() { # ask NAME ADDRESS PORT FLOWS SIZE
  local number
  on client python3 "$root/tests/net/peers/udp_peer.py" ask "$2" "$3" "$4" "$5" > "$tmp/answers"
  is "$1: $4 flows of $5 bytes, each by one backend" "$(grep -cE '^b[123]$' "$tmp/answers")" "$4"
  [ "$4" -lt 100 ] && return
  for number in 1 2 3; do
    holds "$1: b$number has part of them" "$(answers_of $number "$tmp/answers") > $4 / 6"
  done
}

port=5001
for mode in l2 ipip gue; do
  ask "$mode over IPv4" $VIP4 $port 300 64
  ask "$mode over IPv6" $VIP6 $port 300 64
  ask "$mode over IPv4" $VIP4 $port 5 0
  ask "$mode over IPv6" $VIP6 $port 5 0
  ask "$mode over IPv4, full-sized" $VIP4 $port 5 1472
  ask "$mode over IPv6, full-sized" $VIP6 $port 5 1452
  port=$((port + 1))
done
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish
