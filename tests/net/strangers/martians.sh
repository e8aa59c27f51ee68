#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Packets from addresses that no client has reach no backend, in all modes but local, which the packet
# rows cover; the balancer's own
# addresses are followed while they change, and known without poised.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
modes=(l2 ipip gue nat keep)
address lb lo $VIP4/32 $VIP6/128
{
  echo "interfaces: [eth0]"
  echo "services:"
  port=5001
  for mode in "${modes[@]}"; do
    case $mode in
      keep)
        service_yaml keep4 "$VIP4:$port/udp" nat "${B4[1]}:7001" | sed 's/^    mode: nat/&\n    source: keep/'
        service_yaml keep6 "[$VIP6]:$port/udp" nat "[${B6[1]}]:7001" | sed 's/^    mode: nat/&\n    source: keep/'
        ;;
      nat)
        service_yaml nat4 "$VIP4:$port/udp" nat "${B4[1]}:7000"
        service_yaml nat6 "[$VIP6]:$port/udp" nat "[${B6[1]}]:7000"
        ;;
      *)
        service_yaml "${mode}4" "$VIP4:$port/udp" "$mode" "${B4[1]}"
        service_yaml "${mode}6" "[$VIP6]:$port/udp" "$mode" "${B6[1]}"
        ;;
    esac
    port=$((port + 1))
  done | sed 's/^    mode: .*/&\n    rows: 1021/' # quickly made
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
mac=$(on lb cat /sys/class/net/eth0/address)

# forge SOURCES PORT DESTINATION PORT [OPTION...]
forge() { on router python3 "$root/tests/net/peers/forge.py" segment "$mac" "$@"; }
packets_of() { field ".services[] | select(.name == \"$1\") | [.backends[].packets] | add" stats --once; }
# A packet from each of these addresses: so many are dropped, and so many go to the backend.
from() { # from SERVICE ADDRESS PORT DROPPED FORWARDED SOURCES
  local name=$1 address=$2 port=$3 want="$4 $5" dropped before
  dropped=$(drops_of martian) before=$(packets_of "$name")
  forge "$6" 40000 "$address" "$port"
  is "$name from $6: dropped, forwarded" \
    "$(($(drops_of martian) - dropped)) $(($(packets_of "$name") - before))" "$want"
}
port=5001
for mode in "${modes[@]}"; do
  from "${mode}4" "$VIP4" "$port" 6 0 "127.0.0.1,0.0.0.9,255.255.255.255,240.0.0.1,$VIP4,$LB4"
  from "${mode}6" "$VIP6" "$port" 5 0 "::1,ff02::1,::ffff:198.51.100.2,$VIP6,$LB6"
  from "${mode}4" "$VIP4" "$port" 0 1 198.51.100.77
  from "${mode}6" "$VIP6" "$port" 0 1 2001:db8:1::77
  port=$((port + 1))
done

# ---- the balancer's addresses come and go
known() { # known COUNT: of ten packets from here so many are dropped
  local dropped
  dropped=$(drops_of martian)
  forge 203.0.113.9 40000 "$VIP4" 5001 --count 10
  [ $(($(drops_of martian) - dropped)) = "$1" ]
}
check "an address that is not the balancer's is a client's" known 0
address lb lo 203.0.113.9/32
check "it is the balancer's now" wait_until 5 known 10
poised_kill
check "it still is without poised" known 10
check "poised starts again" poised_start
check "and after it has started again" known 10
ip -n "$run-lb" address del 203.0.113.9/32 dev lo
check "it is a client's again" wait_until 5 known 0
finish
