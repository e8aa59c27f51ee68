#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# poise backend drain --wait: waits for the last connection, tells how many are left when it gives up;
# ready, maint and del; what is told of backends that nobody knows.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"

topology_make segment || bail "topology"
for number in 1 2 3; do churn_server_start $number || bail "churn_server starts"; done
{
  echo "interfaces: [eth0]"
  echo "timeouts: { tcp: 4s }"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"
  echo "    settle: 2s"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
check "300 connections" churn_start clients --long 300 --busy 100 --short 20 $VIP4 80

backend() { field ".backends[] | select(.id == \"$1\") | $2" service show web; } # backend ID JQ-FILTER
held_by() { churn_value clients ".by_backend.$1.open"; }
said() { matches "$1" "$(cat "$tmp/drain.out")" "$2"; } # said NAME PATTERN
drain() { # drain STATUS NAME ARGUMENT...
  local status=$1 name=$2 found
  shift 2
  poise backend drain "$@" > "$tmp/drain.out" 2>&1
  found=$?
  is "$name: exit status" $found "$status"
  [ "$found" = "$status" ] || sed 's/^/# /' "$tmp/drain.out"
}

# A connection that goes on in a row which the change gave to another backend that stays holds that row.
all_stable() {
  [ "$(field '.tracking.moving == 0 and .tracking.tracked <= ([.backends[].flows] | add)' service show web)" = true ]
}
flows_are() { [ "$(backend "${B4[2]}" .flows)" = "$1" ]; }
has_more_than() { [ "$(churn_value clients .by_backend.b2.connections)" -gt "$1" ]; } # has_more_than CONNECTIONS
gone() { [ "$(field '.leaving // [] | length' service show web)" = 0 ]; }

held=$(held_by b2)
began=$SECONDS
drain 1 "drain --wait with a timeout" web "${B4[2]}" --wait --timeout 3s
holds "it gave up in time" "SECONDS - $began >= 2 && SECONDS - $began <= 5"
# Short connections that ended just now may be among them.
left=$(sed -n 's/.* \([0-9]*\) connections left.*/\1/p' "$tmp/drain.out" | tail -n 1)
holds "it says how many are left" "${left:-0} >= $held && ${left:-0} <= $held + 5"
is "the backend drains" "$(backend "${B4[2]}" .state)" drain
is "it has no rows" "$(backend "${B4[2]}" .rows)" 0
check "its flows are counted" wait_until 12 flows_are "$held"
is "its connections stay" "$(held_by b2)" "$held"
before=$(churn_value clients .by_backend.b2.connections)
sleep 1
is "it gets no new ones" "$(churn_value clients .by_backend.b2.connections)" "$before"

poise backend drain web "${B4[2]}" --wait --timeout 1m > "$tmp/drain.out" 2>&1 &
waiting=$!
sleep 1
check "a drain with connections waits" kill -0 $waiting
check "the clients leave" churn_leave clients b2
began=$SECONDS
wait $waiting
is "then it ends with status" $? 0
holds "soon after the last connection" "SECONDS - $began <= 12"
said "it says so" "drained"
is "nobody is left" "$(held_by b2)" 0
# Once nothing of its is tracked any more, nothing is counted, either.
check "in the end every row is stable that nobody holds" wait_until 40 all_stable
drain 0 "drain --wait of an empty backend" web "${B4[2]}" --wait --timeout 4s
drain 0 "a drain without --wait" web "${B4[2]}"

check "it is ready again" poise backend ready web "${B4[2]}"
check "and gets connections" wait_until 10 has_more_than "$before"

check "another drains" poise backend drain web "${B4[3]}"
check "and survives kill -9" poised_kill_and_start
is "draining" "$(backend "${B4[3]}" .state)" drain
check "it is removed while it serves" poise backend del web "${B4[3]}"
is "it is among those that leave" "$(field ".leaving[].id" service show web)" "${B4[3]}"
check "its clients leave" churn_leave clients b3
check "then it is gone" wait_until 30 gone
drain 1 "drain of a removed backend" web "${B4[3]}"
drain 1 "drain of an unknown backend" web 10.0.0.22
said "the nearest is named" "10\.0\.0\.12"
drain 1 "drain of an unknown service" wbe "${B4[2]}"
said "the nearest service is named" "web"
drain 2 "drain of a word that is no address" web b2
for verb in ready maint; do
  poise backend $verb web 10.0.0.22 > "$tmp/drain.out" 2>&1
  is "$verb of an unknown backend: exit status" $? 1
  said "$verb names the nearest" "10\.0\.0\.12"
done

check "every connection answers once more" churn_end clients
is "none broke" "$(churn_last clients .broken.total)" 0
finish
