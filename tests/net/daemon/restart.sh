#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# poised killed, stopped and started again under load: no request fails, every connection is counted.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
decap_attach_all || bail "poise decap attach"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" ipip "{ http: /healthz, interval: 500ms, timeout: 400ms }" "${B4[@]}"
} > "$config"
poised_start || bail "poised starts"
check "every backend is up" wait_until 10 all_up
check "a runtime change" poise backend set web "${B4[3]}" --weight 50
targets() { field '[.backends[] | [.id, .target, .weight, .rows]]' service show web; }
programs() { field '[.interfaces[] | [.name, .xdp]]' status; }
before=$(targets) attached=$(programs)

traffic_start "http://$VIP4/"
check "traffic runs" traffic_moves 300

poised_kill
check "traffic goes on without poised" traffic_moves 500
check "poised starts again after kill -9" poised_start
check "traffic goes on" traffic_moves 300
is "targets, weights and rows are kept" "$(targets)" "$before"
is "interfaces are kept" "$(programs)" "$attached"

poised_stop
check "traffic goes on after SIGTERM" traffic_moves 300
# `ip netns exec` makes a mount namespace of its own, without a bpffs.
spawn_via_netns_exec=1 check "poised starts again by ip netns exec" poised_start
check "traffic goes on" traffic_moves 300
is "targets are kept across mount namespaces" "$(targets)" "$before"
poised_kill
check "poised starts again outside of it" poised_start
check "traffic goes on" traffic_moves 300
is "targets are kept on the way back, too" "$(targets)" "$before"

# Many restarts at any moment of starting and stopping.
for round in 1 2 3 4 5; do
  poised_kill
  spawn "poised-$instance" lb "$poised" --instance "$instance" --config "$config"
  sleep "0.0$((round * 2 - 1))"
done
poised_kill
check "poised starts after five that were killed while starting" poised_start
check "traffic goes on" traffic_moves 300
traffic_stop

total=$(wc -l < "$tmp/traffic")
is "no request of $total failed" "$(failures "$tmp/traffic")" 0
is "each connection is counted once" "$(flows_of web)" "$total"
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
poised_stop
check "poise detach takes it off" poise detach --all
is "no program is left" "$(on lb ip -j link show eth0 | jq '.[0].xdp')" null
finish
