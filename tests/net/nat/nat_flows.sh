#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Many connections at once through mode nat, opened and closed twice: none fails, each has a port of
# its own, the NAT table counts exactly these, and in the end it is empty. 6,000 of them; 60,000 with
# POISE_LONG=1.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"
connections=6000 timeout=4s quiet_ms=1500 patience=20
[ -z "${POISE_LONG-}" ] || connections=60000 timeout=60s quiet_ms=20000 patience=120
per_client=$((connections / 6))
(($(ulimit -Hn) > per_client * 13 / 10)) || bail "no room for $per_client descriptors: see ulimit -Hn"

# Clients have 28,000 ports each, and those of closed connections come back only after a minute: six
# clients in the first round, six others in the second.
topology_make plain || bail "topology"
for number in 11 12 13 14 15 16 21 22 23 24 25 26; do address client eth0 198.51.100.$number/24; done
for number in 1 2 3; do
  for one in 1 2; do
    spawn "server-b$number-$one" b$number "$churn_server" b$number 9000
    wait_until 5 grep -qx ready "$tmp/server-b$number-$one.log" || bail "churn_server starts"
  done
done
{
  echo "interfaces: [eth0]"
  echo "services:"
  nat_service held "$VIP4:90/tcp" 9000 "${B4[@]}"
  echo "    idle_timeout: $timeout"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

nat() { field ".nat.$1" status; }
live_are() { [ "$(nat flows)" = "$1" ]; }
table_empty() { [ "$(field '.nat | .flows + .closing' status)" = 0 ]; }
opened() { # opened ROUND: every client's log says so
  local log
  for log in "$tmp/clients$1"-*.log; do grep -qx ready "$log" || return; done
}
# The peers that the backends' kernels know, a line for each: BACKEND PEER-ADDRESS:PORT.
peers() {
  local number
  for number in 1 2 3; do
    on b$number ss -Htn state established "sport = 9000" | awk -v b=b$number '{ print b, $4 }'
  done | sed -E 's/\[::ffff:(.*)\]/\1/'
}
open() { # open ROUND: six clients, each from an address of its own; all at the same time
  local client
  for client in 1 2 3 4 5 6; do
    mkfifo "$tmp/clients$1-$client.orders" || return
    spawn "clients$1-$client" client "$churn_client" --control "$tmp/clients$1-$client.orders" --long "$per_client" \
      --busy 0 --quiet "$quiet_ms" --short 0 --pace 2000 --source 198.51.100."$1$client" "$VIP4" 90
  done
  wait_until 60 opened "$1"
}
close() { # close ROUND: after each connection has answered once more
  local client bad=0
  for client in 1 2 3 4 5 6; do churn_end "clients$1-$client" || bad=1; done
  return "$bad"
}

for round in 1 2; do
  before=$(nat made)
  check "round $round: $connections connections" open $round
  is "round $round: the table has so many" "$(wait_until 10 live_are $connections; nat flows)" $connections
  is "round $round: each was made once" $(($(nat made) - before)) $connections
  peers > "$tmp/peers"
  is "round $round: the backends have so many" "$(wc -l < "$tmp/peers")" $connections
  is "round $round: each with a port of its own" "$(sort -u "$tmp/peers" | wc -l)" $connections
  is "round $round: all of nat_ports, from the balancer" \
    "$(awk -F '[ :]' '$2 != "'$LB4'" || $3 < 10240 || $3 > 32767' "$tmp/peers" | wc -l)" 0
  check "round $round: each answers, then they close" close $round
  is "round $round: none failed" "$(cat "$tmp/clients$round"-*.log | grep '^{' | jq -s 'map(.broken.total + .allowed.total) | add')" 0
done
check "the table becomes empty" wait_until $patience table_empty
is "live flows" "$(nat flows)" 0
is "no flow was lost" "$(field '.nat | .evicted + .broken' status)" 0
is "nothing was dropped" "$(field 'with_entries(select(.value > 0)) | tostring' drops)" "{}"
echo "# $(field '.nat | tostring' status)"
finish
