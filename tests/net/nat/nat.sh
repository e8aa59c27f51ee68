#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat with one arm: servers on ports of their own, on backends where nothing is set up, not even
# a way to clients.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make plain || bail "topology"
nat_servers_start || bail "servers start"
{
  echo "interfaces: [eth0]"
  nat_services
  # The balancer's own address, which its packets to backends come from as well.
  nat_service own4 "$LB4:8000/tcp" 8080 "$nat_check" "${B4[@]}"
  nat_service own6 "[$LB6]:8000/tcp" 8080 "$nat_check" "${B6[@]}"
} > "$config"
check "poised starts" poised_start || bail "no poised"
check "every backend becomes usable" wait_until 10 all_usable
is "a backend has no way to the client" "$(on b1 ip route get $CLIENT4 2>&1 | grep -c unreachable)" 1

nat_everything
is "backends see the balancer" "$(on client curl -s http://$VIP4/who)" $LB4
is "backends see the balancer over IPv6" "$(on client curl -s "http://[$VIP6]/who")" $LB6
is "these are its sources" "$(field '.nat.sources | sort | join(" ")' status)" "$LB4 $LB6"
for url in "http://$LB4:8000" "http://[$LB6]:8000"; do
  requests "$url/" 50 > "$tmp/answers"
  is "$url, an address of its own: requests are answered" "$(grep -cE '^b[123]$' "$tmp/answers")" 50
done
finish
