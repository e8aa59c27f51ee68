#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A stranger who knows the addresses and ports of connections forges SYNs, and RSTs before them: no
# connection moves to another backend, whether all flows are tracked or only those of rows that move.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"

topology_make segment || bail "topology"
for number in 1 2 3; do
  for port in 9000 9001; do
    spawn "server-b$number-$port" "b$number" "$churn_server" "b$number" $port
    wait_until 5 grep -q ready "$tmp/server-b$number-$port.log" || bail "churn_server starts"
  done
done
{
  echo "interfaces: [eth0]"
  echo "services:"
  for family in 4 6; do
    vip=VIP$family backends="B${family}[@]"
    [ $family = 4 ] && listen=${!vip} || listen="[${!vip}]"
    service_yaml "tracked$family" "$listen:9000/tcp" l2 "${!backends}"
    echo "    scheduler: roundrobin"
    service_yaml "moving$family" "$listen:9001/tcp" l2 "${!backends}"
  done
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

gateway_mac=$(ip -n "$run-router" -j link show client | jq -r '.[0].address')
forge() { # forge PORT FLAGS...: to each connection of the client's to the port; prints how many
  local port=$1
  shift
  on client ss -Htn state established "dport = $port" | awk '{ print $3, $4 }' \
    | on client python3 "$root/tests/net/peers/stranger.py" eth0 "$gateway_mac" "$@"
}

for family in 4 6; do
  vip=VIP$family
  for kind in tracked moving; do
    [ $kind = tracked ] && port=9000 || port=9001
    name=$kind$family
    check "$name: 60 connections" churn_start "$name" --long 60 --short 0 --quiet 100000 "${!vip}" "$port"
    if [ $kind = moving ]; then
      backends="B${family}[@]"
      for backend in "${!backends}"; do
        check "$name: shares change" poise backend set "$name" "$backend" --weight $((RANDOM % 300 + 1))
        check "$name: every connection answers" churn_ask "$name"
      done
    fi
    check "$name: every connection answers" churn_ask "$name"
    is "$name: a SYN for each" "$(forge "$port" S)" 60
    check "$name: every connection answers" churn_ask "$name"
    is "$name: two more each" "$(forge "$port" S S)" 120
    check "$name: every connection answers" churn_ask "$name"
    is "$name: an RST and a SYN" "$(forge "$port" R S RA S)" 240
    check "$name: every connection answers" churn_ask "$name"
    check "$name: no connection is broken" churn_end "$name"
    is "$name: as it says" "$(churn_last "$name" .broken.total)" 0
  done
done
is "the forged SYNs came, and were forwarded" "$(field 'with_entries(select(.value > 0)) | tostring' drops)" "{}"
finish
