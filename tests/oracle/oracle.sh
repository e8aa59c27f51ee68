#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Random packets through the program of a poised that runs, judged by a model that shares nothing with
# it (model.py). POISE_ORACLE_SEED and POISE_ORACLE_PACKETS repeat a run or make it longer.
. "$(dirname "$0")/../net/lib/lib.sh"
oracle=$root/tests/oracle/oracle.py
rows=$root/build/test-logs/oracle-rows.c
packets=${POISE_ORACLE_PACKETS:-20000}
flips=200
seed=()
[ -z "${POISE_ORACLE_SEED-}" ] || seed=(--seed "$POISE_ORACLE_SEED")

mac_of() { # mac_of NAMESPACE INTERFACE
  ip -n "$run-$1" -j link show "$2" | jq -r '.[0].address'
}

macs() { # ADDRESS=MAC of everybody whom the balancer talks to
  local number
  echo "$LB4=$(mac_of lb eth0)"
  echo "router=$(mac_of router segment)"
  for number in 1 2 3; do
    echo "${B4[$number]}=$(mac_of "b$number" eth0)"
    echo "${B6[$number]}=$(mac_of "b$number" eth0)"
  done
}

backends_ready() {
  [ "$(poise -j service list | jq '[.[].backends[] | select(.state == "ready") | .usable] | all')" = true ]
}

judged() { # judged PATTERN: what the oracle's last line says
  tail -n 1 "$tmp/judged" | grep -oE "$1"
}

topology_make segment || bail "topology"
on lb sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
"$oracle" --config eth0 > "$config"
check "poised starts" poised_start || bail "no poised"
check "every backend becomes usable" wait_until 10 backends_ready
for address in $ROUTER4 $ROUTER6; do
  check "the router answers" on lb ping -c 1 -W 2 "$address"
done
mkdir -p "${rows%/*}"
rm -f "$rows"

on lb "$oracle" --packets "$packets" --flip $flips "${seed[@]}" "$instance" eth0 "$(macs | xargs)" "$rows" \
  > "$tmp/judged" 2>&1
is "a model of its own agrees about each packet (if not: build/test-logs/oracle-rows.c)" \
  "$(judged '.* wrong')" "$packets packets, 0 wrong"
is "it sees each bit that is flipped in what leaves" "$(judged '[0-9]+ of .*')" "$flips of $flips flips seen"
sed -n 's/^\([^#]\)/# \1/; p' "$tmp/judged"
finish
