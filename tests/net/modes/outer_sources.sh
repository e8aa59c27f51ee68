#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ipip with outer_sources: tunnels come from a network, by the flow, and backends let nobody else send them.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/lib-http.sh"

NETS=10.9.0.0/16,fd00:9::/64

attach_from() { # attach_from NET...: every backend takes tunnels from there alone
  local number net from=()
  for net in "$@"; do from+=(--from "$net"); done
  for number in 1 2 3; do
    on "b$number" "$poise" --instance "$instance-b$number" decap attach eth0 \
      --vip "$VIP4" --vip "$VIP6" "${from[@]}" || return
  done
}

strangers() { # packets that the backends refused for their outer source
  local number sum=0
  for number in 1 2 3; do
    sum=$((sum + $(on "b$number" "$poise" --instance "$instance-b$number" -j decap stats | jq '.[0].drops.stranger')))
  done
  echo $sum
}

answered() { # answered URL COUNT: how many of them, each a flow of its own
  local turn
  for ((turn = 0; turn < $2; turn++)); do
    on client curl -sf --max-time 0.4 "$1"
  done | grep -cE '^b[123]$'
}

status_of() { "$@" > "$tmp/said" 2>&1; echo $?; }

topology_make segment || bail "topology"
http_config ipip | sed "s|^\( *\)mode: ipip|&\n\1outer_sources: $NETS|" > "$config"
nginx_start_all || bail "nginx starts"
for number in 1 2 3; do instances+=("$instance-b$number"); done
attach_from ${NETS/,/ } || bail "poise decap attach"
check "poised starts" poised_start || bail "no poised"
check "every backend becomes usable" wait_until 10 all_usable
is "the networks are shown" "$(field '.outer_sources' service show web44)" "$NETS"
while read -r name listen _; do
  http_service "$name" "http://${listen%/tcp}"
done < <(http_services ipip)
is "no backend refused one" "$(strangers)" 0

attach_from 10.9.0.0/17 fd00:9::/97 || bail "poise decap attach"
for name in web44 web46; do
  port=80
  [ $name = web44 ] || port=8080
  some=$(answered "http://$VIP4:$port/" 24)
  holds "$name: flows have sources in both halves of the network" "$some > 2 && $some < 22"
done

attach_from ${NETS/,/ } || bail "poise decap attach"
before=$(strangers)
check "without outer sources" poise service set web44 --outer-sources none
is "it is this host that sends" "$(answered "http://$VIP4/" 3)" 0
holds "which backends refuse" "$(strangers) > $before"
check "and with them again" poise service set web44 --outer-sources 10.9.0.0/16
is "requests are answered" "$(answered "http://$VIP4/" 10)" 10

for bad in 10.9.0.0 10.9.0.1/16 10.0.0.0/7 127.0.0.0/8 10.9.0.0/16,10.8.0.0/16 web; do
  is "outer sources $bad are refused" "$(status_of poise service set web44 --outer-sources "$bad")" 1
done
finish
