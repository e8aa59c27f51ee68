#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Idle connections through mode nat: explain tells by what a backend sees whose they are, and a drain
# that does not wait for the silent says how many it leaves.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make plain || bail "topology"
churn_server_start 1 9000 || bail "churn_server starts"
{
  echo "interfaces: [eth0]"
  echo "services:"
  nat_service held "$VIP4:90/tcp" 9000 "${B4[1]}"
  nat_service kept "$VIP4:91/tcp" 9001 "${B4[1]}"
  echo "    source: keep"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
spawn held client python3 "$root/tests/net/peers/local_peer.py" hold $VIP4 90 5
check "5 connections are held" wait_until 10 grep -q "held 5" "$tmp/held.log"

seen=$(on b1 ss -Htn state established "sport = 9000" | awk 'NR == 1 { print $4 }' | sed -E 's/\[::ffff:(.*)\]/\1/')
client=$(field .reply.client explain "${B4[1]}:9000" "$seen")
is "explain names the client of what the backend sees" \
  "$(on client ss -Htn state established "dport = 90" | grep -cF "$client ")" 1
is "and the service" "$(field .reply.service explain "${B4[1]}:9000" "$seen")" held
is "both directions are one flow" "$(field .nat.source explain "$client" "$VIP4:90")" "$seen"
matches "it says so" "$(poise explain "${B4[1]}:9000" "$seen")" \
  "of client $client to service held \($VIP4:90/tcp\) by backend ${B4[1]}:9000"
is "source: keep: the client is what the backend sees" \
  "$(field .reply.client explain "${B4[1]}:9001" "$CLIENT4:4000")" "$CLIENT4:4000"
poise explain "${B4[1]}:9002" "$CLIENT4:4000" > /dev/null 2>&1
is "what is nobody's reply is not: exit status" $? 1

matches "service list tells who keeps the source" "$(poise service list)" "^kept .* nat keep "
matches "explain, too" "$(poise explain "$CLIENT4:4000" "$VIP4:91")" "^service .*kept \(nat keep, "
is "flows knows the ports that status does" "$(field .nat.ports flows)" "$(field .nat.ports status)"
matches "which are some" "$(field .nat.ports flows)" "^[0-9]+-[0-9]+$"
poise backend drain held "${B4[1]}" --wait --silent 5s --timeout 1m > "$tmp/drain.out" 2>&1
is "a drain does not wait for the silent" $? 0
matches "and says how many are left" "$(cat "$tmp/drain.out")" "drained, but for 5 connections silent for 5s"
is "in JSON, too" "$(field '[.flows, .silent_flows, .silent_left] | join(" ")' backend drain held "${B4[1]}" \
  --wait --silent 5s --timeout 1m)" "5 5 true"
end held
finish
