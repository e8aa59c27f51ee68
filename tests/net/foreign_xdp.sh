#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An interface that runs somebody else's XDP program is refused, naming the program, and left alone.
. "$(dirname "$0")/lib.sh"

topology_make segment || bail "topology"
veth lb eth1 client side
cat > "$tmp/foreign.c" << 'END'
__attribute__((section("xdp"), used)) int foreign_pass(void *ctx) { return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
END
clang=$(command -v clang-19 || command -v clang)
"$clang" -target bpf -O2 -c "$tmp/foreign.c" -o "$tmp/foreign.o" || bail "clang compiles"
attach_foreign() { # attach_foreign INTERFACE xdpdrv|xdpgeneric: prints the program's id
  on lb ip link set "$1" "$2" object "$tmp/foreign.o" section xdp || return
  program_on "$1"
}
program_on() { on lb ip -j link show "$1" | jq -r '.[0].xdp.prog.id // empty'; }

config_with() { # config_with INTERFACE
  { echo "interfaces: [$1]"; echo "services:"; service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"; } > "$config"
}

for how in xdpdrv xdpgeneric; do
  foreign=$(attach_foreign eth1 $how)
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
  on lb ip link set eth1 $how off
  check "$how: once it is gone, attach works" poise attach eth1
  poised_stop
  check "$how: detach --all" poise detach --all
  remove_instance "$instance"
done

finish
