#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An interface that runs somebody else's XDP program is refused, naming the program, and left alone.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
veth lb eth1 client side
program_on() { on lb ip -j link show "$1" | jq -r '.[0].xdp.prog.id // empty'; }

declare -A off=([native]=xdpdrv [generic]=xdpgeneric)

config_with() { # config_with INTERFACE
  { echo "interfaces: [$1]"; echo "services:"; service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"; } > "$config"
}

for how in native generic; do
  foreign=$(on lb "$root/build/tests/net/peers/xdp_pass" eth1 $how foreign_pass)
  [ -n "$foreign" ] || bail "attaching a foreign program ($how)"
  config_with eth1
  poised_start
  is "$how: poised does not start over it" $? 1
  end "poised-$instance"
  is "$how: and exits with 1" $? 1
  matches "$how: naming interface, id and name" "$(cat "$tmp/poised-$instance.log")" "eth1.*$foreign.*foreign_pass"
  is "$how: which stays" "$(program_on eth1)" "$foreign"
  : > "$tmp/poised-$instance.log"

  config_with eth0
  check "$how: poised starts on another interface" poised_start
  output=$(poise attach eth1 2>&1)
  is "$how: attach at runtime is refused" $? 1
  matches "$how: naming id and name" "$output" "$foreign.*foreign_pass"
  is "$how: which still stays" "$(program_on eth1)" "$foreign"
  is "$how: the configuration is as before" "$(field '[.interfaces[] | .name? // .] | join(" ")' export)" eth0
  on lb ip link set eth1 "${off[$how]}" off
  check "$how: once it is gone, attach works" poise attach eth1
  poised_stop
  check "$how: detach --all" poise detach --all
  remove_instance "$instance"
done

finish
