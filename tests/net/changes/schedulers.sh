#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Who gets new flows: roundrobin, leastconn, random, hash: source, UDP that stays where it is; sorry
# backends and panic; and `poise explain` says beforehand who will answer.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
names=(rr least random source sorry panic maglev) # of services: 192.0.2.21, .22, ...
declare -A vip
for ((i = 0; i < ${#names[@]}; i++)); do
  vip[${names[i]}]=192.0.2.2$((i + 1))
  route router "${vip[${names[i]}]}" via $LB4
  for number in 1 2 3; do address "b$number" lo "${vip[${names[i]}]}/32"; done
done
for number in 1 2 3; do
  spawn "held-b$number" "b$number" "$churn_server" "b$number" 9000
  spawn "udp-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" $VIP4 5001
  wait_until 5 grep -q ready "$tmp/held-b$number.log" || bail "churn_server starts"
  wait_until 5 grep -q ready "$tmp/udp-b$number.log" || bail "UDP server starts"
done

check_yaml="{ http: /healthz, interval: 200ms, timeout: 150ms, rise: 1, fall: 1 }"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml rr "${vip[rr]}:80/tcp" l2 "${B4[@]}"
  echo "    scheduler: roundrobin"
  service_yaml least "${vip[least]}:9000/tcp" l2 "${B4[1]}" "${B4[2]}"
  echo "      - { address: ${B4[3]}, state: drain }"
  echo "    scheduler: leastconn"
  service_yaml random "${vip[random]}:80/tcp" l2 "${B4[@]}"
  echo "    scheduler: random"
  service_yaml source "${vip[source]}:80/tcp" l2 "${B4[@]}"
  echo "    hash: source"
  service_yaml sorry "${vip[sorry]}:80/tcp" l2 "$check_yaml" "${B4[1]}" "${B4[2]}"
  echo "      - { address: ${B4[3]}, sorry: true }"
  service_yaml panic "${vip[panic]}:80/tcp" l2 "$check_yaml" "${B4[@]}"
  echo "    panic: 50%"
  service_yaml maglev "${vip[maglev]}:80/tcp" l2 "${B4[@]}"
  service_yaml udp "$VIP4:5001/udp" l2 "${B4[1]}" "${B4[2]}"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_serve

serve_all() { [ "$(field '[.backends[].serves] | all' service show "$1")" = true ]; } # serve_all SERVICE
serves() { [ "$(field ".backends[] | select(.id == \"$2\") | .serves" service show "$1")" = true ]; } # serves SERVICE BACKEND
ask() { requests "http://${vip[$1]}/" "$2" > "$tmp/answers"; } # ask SERVICE COUNT
who() { sort -u "$tmp/answers" | paste -sd' '; }

# about NAME NUMBER TOTAL PERCENT: five standard deviations of a fair draw
about() {
  local answers
  answers=$(answers_of "$2" "$tmp/answers")
  check "$1: b$2 has $answers of $3, about $4 %" awk -v n="$answers" -v t="$3" -v p="$4" \
    'BEGIN { p /= 100; d = n - t * p; exit !(d * d <= 25 * t * p * (1 - p)) }'
}


# ---- roundrobin
period() { # period COUNT: each answer is that of COUNT requests before
  awk -v n="$1" '{ said[NR] = $0 } NR > n && said[NR - n] != $0 { bad = 1 } END { exit bad || NR < 2 * n }' "$tmp/answers"
}
ask rr 30
check "roundrobin: strictly one after the other" period 3
is "roundrobin: all take part" "$(who)" "b1 b2 b3"
check "roundrobin: a weight is doubled" poise backend set rr "${B4[2]}" --weight 200
ask rr 40
is "roundrobin: 1:2:1" "$(answers_of 1 "$tmp/answers") $(answers_of 2 "$tmp/answers") $(answers_of 3 "$tmp/answers")" "10 20 10"
check "roundrobin: strictly, with weights" period 4
check "roundrobin: kill -9 of poised" poised_kill_and_start
ask rr 40
check "roundrobin: strictly, after a restart" period 4

# ---- random
ask random 900
for number in 1 2 3; do about random $number 900 33.33; done
check "random: not one after the other" eval '! period 3'
check "random: a weight is 0" poise backend set random "${B4[2]}" --weight 0
ask random 300
is "random: who has a weight answers" "$(who)" "b1 b3"

# ---- leastconn
check "leastconn: 200 connections to two backends" churn_start first --long 200 --busy 20 --short 0 "${vip[least]}" 9000
is "leastconn: the draining one has none" "$(churn_value first '.by_backend.b3.open // 0')" 0
holds "leastconn: the others as many" "$(churn_value first '.by_backend.b1.open - .by_backend.b2.open | fabs') <= 20"
check "leastconn: the third is ready" poise backend ready least "${B4[3]}"
check "leastconn: 150 connections more" churn_start second --long 150 --busy 20 --short 0 "${vip[least]}" 9000
holds "leastconn: most go to the one with fewest" "$(churn_value second .by_backend.b3.open) > 67"
check "leastconn: none of the first broke" churn_end first
check "leastconn: none of the second broke" churn_end second

# ---- hash: source
clients=()
for ((i = 10; i < 40; i++)); do
  address client eth0 198.51.100.$i/24
  clients+=("198.51.100.$i")
done
who_for() { # each client's backends, a line each; more than one name: it moved
  local client
  for client in "${clients[@]}"; do
    on client curl -sf --no-keepalive --max-time 5 --interface "$client" "http://${vip[source]}/?[1-4]" | sort -u | paste -sd+
  done
}
who_for > "$tmp/before"
is "hash: source: each client has one backend" "$(grep -cxE 'b[123]' "$tmp/before")" 30
holds "hash: source: all take part" "$(sort -u "$tmp/before" | wc -l) == 3"
check "hash: source: a weight changes" poise backend set source "${B4[1]}" --weight 20
check "hash: source: one is drained" poise backend drain source "${B4[2]}"
who_for > "$tmp/after"
check "hash: source: clients stay over it" cmp "$tmp/before" "$tmp/after"
check "hash: source: kill -9 of poised" poised_kill_and_start
who_for > "$tmp/after"
check "hash: source: clients stay over that" cmp "$tmp/before" "$tmp/after"

# ---- UDP
spawn udp client python3 "$root/tests/net/peers/udp_peer.py" hold $VIP4 5001 200 "$tmp/udp.stop"
check "udp: 200 flows" wait_until 10 grep -q ready "$tmp/udp.log"
check "udp: a backend is added" poise backend add udp "${B4[3]}"
sleep 0.5
check "udp: one is drained" poise backend drain udp "${B4[1]}"
sleep 0.5
check "udp: kill -9 of poised" poised_kill_and_start
check "udp: a weight changes" poise backend set udp "${B4[2]}" --weight 10
check "udp: the drained one is removed" poise backend del udp "${B4[1]}"
sleep 1
# While the others are there, so that nobody gets a port of theirs.
on client python3 "$root/tests/net/peers/udp_peer.py" ask $VIP4 5001 100 64 > "$tmp/answers"
holds "udp: new flows go to the added one" "$(answers_of 3 "$tmp/answers") > 70"
is "udp: and none to the removed one" "$(answers_of 1 "$tmp/answers")" 0
touch "$tmp/udp.stop"
wait "${pids[udp]}"
unset "pids[udp]"
is "udp: each flow kept its backend" "$(grep -cxE 'b[12]' "$tmp/udp.log")" 200

# ---- sorry, panic
ask sorry 60
is "sorry: not while another is up" "$(who)" "b1 b2"
touch "$tmp/b1/sick" "$tmp/b2/sick"
check "sorry: both others fail" wait_until 5 health_is sorry "${B4[1]}" down
check "sorry: really both" wait_until 5 health_is sorry "${B4[2]}" down
ask sorry 60
is "sorry: it takes over" "$(who)" "b3"
check "panic: one of them fails there" wait_until 5 health_is panic "${B4[1]}" down
check "panic: and the other" wait_until 5 health_is panic "${B4[2]}" down
# The first of them was lost before there was panic; what it left in the flow table goes first.
check "panic: all serve" wait_until 5 serve_all panic
ask panic 300
is "panic: one of three is up, so all are used" "$(who)" "b1 b2 b3"
rm "$tmp/b1/sick"
check "sorry: one is back" wait_until 5 health_is sorry "${B4[1]}" up
check "sorry: it serves" wait_until 5 serves sorry "${B4[1]}"
ask sorry 60
is "sorry: it goes back to sleep" "$(who)" "b1"
check "panic: one is back" wait_until 5 health_is panic "${B4[1]}" up
ask panic 100
is "panic: two of three are enough" "$(who)" "b1 b3"
rm "$tmp/b2/sick"
check "all are back" wait_until 5 all_serve

# ---- explain
foretold() { # foretold SERVICE PORT: who explain says will answer, and who does
  local said
  said=$(field '.first.backend.id' explain tcp "$CLIENT4:$2" "${vip[$1]}:80")
  echo "b${said##*.1} $(on client curl -sf --max-time 5 --interface "$CLIENT4" --local-port "$2" "http://${vip[$1]}/")"
}
explained() { # explained SERVICE PORT COUNT: every answer is the foretold one
  local port=$2
  for ((; port < $2 + $3; port++)); do foretold "$1" "$port"; done > "$tmp/foretold"
  awk '$1 != $2 || $2 !~ /^b[123]$/ { print; bad = 1 } END { exit bad }' "$tmp/foretold"
}
port=20000
kind_of() { field '.row.kind' explain tcp "$CLIENT4:1" "${vip[$1]}:80"; }
is "explain: a row of maglev" "$(kind_of maglev)" stable
is "explain: a row of roundrobin" "$(kind_of rr)" tracked
for name in maglev rr source; do
  check "explain: $name: is right 30 times" explained $name $((port += 100)) 30
done
check "explain: half of maglev's rows move" poise backend set maglev "${B4[1]}" --weight 1000
holds "explain: they do" "$(field .tracking.moving service show maglev) > 10000"
check "explain: moving rows: is right 40 times" explained maglev $((port += 100)) 40
matches "explain: in words" "$(poise explain "$CLIENT4:7777" "${vip[maglev]}:80")" "10\.0\.0\.1[123]"
poise explain "$CLIENT4:7777" "${vip[maglev]}:81" > "$tmp/out" 2>&1
is "explain: no service there: exit status" $? 1
poise explain tcp "$CLIENT4:7777" > "$tmp/out" 2>&1
is "explain: half a flow: exit status" $? 2
finish
