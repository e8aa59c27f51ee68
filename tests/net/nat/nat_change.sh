#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat while its backends change and poised is killed and replaced: connections and UDP flows
# stay, and break only with their backend; a drain waits for exactly those that are held.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make plain || bail "topology"
{ netns_add b4 && backend_plain 4; } || bail "a fourth backend"
for number in 1 2 3 4; do
  nat_nginx_start $number || bail "nginx starts"
  churn_server_start $number 9000 || bail "churn_server starts"
  spawn "udp-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" 0.0.0.0 5353
  wait_until 5 grep -q ready "$tmp/udp-b$number.log" || bail "UDP server starts"
done
write() { # write WEIGHT-OF-B1
  echo "interfaces: [eth0]"
  echo "services:"
  nat_service web "$VIP4:80/tcp" 8080 "$nat_check" "${B4[@]:1:3}"
  nat_service dns "$VIP4:53/udp" 5353 "${B4[@]:1:3}"
  nat_service held4 "$VIP4:90/tcp" 9000 "{ tcp: true, interval: 300ms, timeout: 250ms, rise: 1, fall: 2 }" "${B4[@]:1:3}"
  echo "    idle_timeout: 4s"
  nat_service held6 "[$VIP6]:90/tcp" 9000 "{ tcp: true, interval: 300ms, timeout: 250ms, rise: 1, fall: 2 }" "${B6[@]:1:3}"
  echo "    idle_timeout: 4s"
}
reweighted() { sed "s/address: \"${B4[1]}:8080\"/&, weight: $1/" "$tmp/written" > "$config"; }
write > "$tmp/written"
cp "$tmp/written" "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

check "300 connections over IPv4" churn_start held4 --long 300 --quiet 2000 $VIP4 90
check "300 connections over IPv6" churn_start held6 --long 300 --quiet 2000 $VIP6 90
spawn flows client python3 "$root/tests/net/peers/udp_peer.py" hold $VIP4 53 30 "$tmp/flows.stop"
check "30 UDP flows" wait_until 5 grep -qx ready "$tmp/flows.log"
traffic_start "http://$VIP4/"
check "requests run" traffic_moves 100

unbroken() { # unbroken AFTER-WHAT
  check "$1: every connection answers" eval 'churn_ask held4 && churn_ask held6'
  is "$1: connections broken" "$(churn_broken held4) $(churn_broken held6)" "0 0"
}
id() { with_port 9000 "${B4[$1]}"; } # id NUMBER: of a backend of held4
id6() { with_port 9000 "${B6[$1]}"; }
held_by() { churn_value held4 ".by_backend.$1.open // 0"; }
backend() { field ".backends[] | select(.id == \"$(id "$1")\") | $2" service show held4; }
leaving() { field "[.leaving // [] | .[].id] | join(\" \")" service show held4; }

# ---- a removal: that it is gone shows in the end
held=$(held_by b3)
check "one with connections is removed" poise backend del held4 "$(id 3)"
sleep 1
unbroken "removed"
is "its connections stay" "$(held_by b3)" "$held"
matches "it is among those that leave" "$(leaving)" "$(id 3)"
check "its clients leave" churn_leave held4 b3
check "and come back elsewhere" wait_until 10 churn_whole held4

# ---- poised comes and goes
program() { field '.interfaces[0].program' status; }
targets() { field '[.[].backends[] | [.id, .target]]' service list; }
before=$(targets) sources=$(field .nat.sources status) old=$(program)
poised_kill
check "requests go on without poised" traffic_moves 300
check "poised starts again after kill -9" poised_start
check "requests go on" traffic_moves 200
is "targets are kept" "$(targets)" "$before"
is "the sources, too" "$(field .nat.sources status)" "$sources"
poised_stop
check "requests go on after SIGTERM" traffic_moves 200
check "there is another build" other_build "$tmp/poised-other"
poised=$tmp/poised-other
check "another build takes over" poised_start
is "it is another build" "$(field .version status)" "$other_version"
holds "with a program of its own" "$(program) != $old"
check "requests go on" traffic_moves 200
unbroken "another build"
poised_kill
poised=${POISED:-$root/build/poised}
check "the first build takes over from it" poised_start
check "every backend is usable" wait_until 10 all_usable
check "requests go on" traffic_moves 200
unbroken "the first build"

# ---- changes
reweighted 10
check "a weight changes by a reload" poise reload
is "it is another one" "$(field '.backends[0].weight' service show web)" 10
check "requests go on" traffic_moves 200
check "a backend is added" poise backend add held4 "$(id 4)"
check "also over IPv6" poise backend add held6 "$(id6 4)"
check "it is usable" wait_until 5 all_usable
check "another weight" poise backend set held4 "$(id 1)" --weight 7
unbroken "added and reweighted"
is "nobody moved to the new one" "$(held_by b4)" 0

# ---- drains
held=$(held_by b2)
poise backend drain held4 "$(id 2)" --wait --timeout 2s > "$tmp/drain.out" 2>&1
is "a drain gives up: exit status" $? 1
matches "it says that $held are left" "$(cat "$tmp/drain.out")" "(^|[^0-9])$held connections left"
is "they are counted" "$(backend 2 .flows)" "$held"
is "and stay" "$(held_by b2)" "$held"
poise backend drain held4 "$(id 2)" --wait --timeout 1m > "$tmp/drain.out" 2>&1 &
waiting=$!
sleep 0.5
check "a drain with connections waits" kill -0 $waiting
check "the clients leave" churn_leave held4 b2
began=$SECONDS
wait $waiting
is "then it ends with status" $? 0
holds "soon after the last connection" "SECONDS - $began <= 10"
matches "it says so" "$(cat "$tmp/drain.out")" drained
check "it is removed while nobody is there" poise backend del held4 "$(id 2)"
unbroken "drained and removed"

# ---- a backend that fails
check "b1 may break now" eval 'churn_allow held4 b1 && churn_allow held6 b1'
end server-b1 KILL
check "b1 is found down" wait_until 5 health_is held4 "$(id 1)" down
check "everybody is connected again" wait_until 10 churn_whole held4
check "over IPv6, too" wait_until 10 churn_whole held6
unbroken "b1 failed, those of others"
holds "b1's own broke" "$(churn_value held6 .allowed.total) > 30"

# ---- the end
traffic_stop
is "no request of $(wc -l < "$tmp/traffic") failed" "$(failures "$tmp/traffic")" 0
touch "$tmp/flows.stop"
wait "${pids[flows]}"
unset "pids[flows]"
is "each UDP flow was answered by one backend" "$(grep -cE '^b[123]$' "$tmp/flows.log")" 30
b3_is_gone() { ! leaving | grep -q "$(id 3)"; }
check "the removed one is gone in the end" wait_until 30 b3_is_gone
check "every connection answers once more" churn_end held4
check "over IPv6, too" churn_end held6
is "no flow was lost" "$(field '.nat | .evicted + .broken' status)" 0
finish
