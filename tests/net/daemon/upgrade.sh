#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A poised whose maps have other layouts than those that it finds: the last build of ABI version 3
# balances (tests/abi3), ours takes over from it under load. No connection breaks, and counters go on.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"
abi3_pins=$root/build/tests/net/peers/abi3_pins

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
for number in 1 2 3; do
  churn_server_start $number 9000 || bail "churn_server starts"
done
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"
  service_yaml held "$VIP4:9000/tcp" l2 "${B4[@]}"
  echo "    settle: 10m"
  service_yaml six "[$VIP6]:9000/tcp" l2 "${B6[@]}"
  echo "    track: always"
  nat_service natted "$VIP4:90/tcp" 9000 "${B4[@]}"
  service_yaml keep "$VIP4:91/tcp" nat "${B4[1]}:8080"
  echo "    source: keep"
  service_yaml own "$VIP4:92/tcp" local 127.0.0.1:8001
  service_yaml none "$VIP4:70/tcp" l2
  echo "    unavailable: drop" # as builds of ABI version 3 have it
} > "$config"
poised_start || bail "poised starts"
usable() { [ "$(field '[.[] | select(.name != "own") | .backends[] | .usable] | all' service list)" = true ]; }
check "every backend becomes usable" wait_until 10 usable
check "connections on rows that will move" churn_start held --long 200 --quiet 2000 $VIP4 9000
poise backend set held "${B4[1]}" --weight 10 > "$tmp/out" || bail "another weight"
holds "rows move" "$(field .tracking.moving service show held) > 1000"

# ---- the last build of ABI version 3
pins() { find {,/proc/1/root}/sys/fs/bpf/poise/"$instance" -maxdepth 1 -name 'maps-*' -printf '%f ' 2> /dev/null; }
services() { field '[.[] | [.name, .mode, .source, [.backends[] | [.id, .target, .weight, .rows]]]]' service list; }
refused() { on client curl -s --max-time 1.5 -o /dev/null "http://$VIP4:70/"; [ $? = 28 ]; }
check "a packet without a backend" refused
before=$(services) program=$(field '.interfaces[0].program' status) dropped=$(drops_of no_backend)
poised_kill
check "maps and program of ABI version 3" on lb "$abi3_pins" "$instance"
matches "they are there" "$(pins)" "^(maps-v3 )+$"
poise drops > "$tmp/out" 2>&1
is "poise refuses to read them" $? 1
matches "and says which they are" "$(cat "$tmp/out")" "cannot be read: they are of ABI version 3, expected 4"
check "connections on tracked rows" churn_start six --long 200 --quiet 2000 $VIP6 9000
check "connections by nat" churn_start natted --long 200 --quiet 2000 $VIP4 90
traffic_start "http://$VIP4/"
check "requests run" traffic_moves 200
check "another packet without a backend" refused
for name in held six natted; do
  check "$name: every connection answers" churn_ask $name
done

# ---- ours
: > "$tmp/poised-$instance.log"
check "poised takes over" poised_start
check "requests go on" traffic_moves 300
matches "what it takes over from other layouts is said" "$(cat "$tmp/poised-$instance.log")" \
  "maps of older layouts are carried over: targets, .*counters, drops, .*target_names"
is "nothing is forgotten" "$(grep -cE "forgotten|from zero|made anew" "$tmp/poised-$instance.log")" 0
is "services, backends, rows are what they were" "$(services)" "$before"
holds "with a program of its own" "$(field '.interfaces[0].program' status) != $program"
matches "the maps are in its directory alone" "$(pins)" "^(maps-v4 )+$"
for name in held six natted; do
  check "$name: every connection answers" churn_ask $name
  is "$name: connections broken" "$(churn_broken $name)" 0
done
holds "rows still move" "$(field .tracking.moving service show held) > 1000"
holds "drops go on" "$(drops_of no_backend) > $dropped"
holds "counters of nat go on" "$(flows_of natted) >= 200 && $(field .nat.made status) >= 200"

# ---- and once more
poised_kill
check "requests go on without poised" traffic_moves 200
: > "$tmp/poised-$instance.log"
check "poised starts again" poised_start
is "there is nothing to carry over" "$(grep -c "carried over" "$tmp/poised-$instance.log")" 0
check "requests go on" traffic_moves 200
traffic_stop
total=$(wc -l < "$tmp/traffic")
is "no request of $total failed" "$(failures "$tmp/traffic")" 0
is "each is counted once" "$(flows_of web)" "$total"
for name in held six natted; do
  check "$name: every connection answers" churn_end $name
  is "$name: connections broken in the end" "$(churn_last $name .broken.total)" 0
done
finish
