#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A poised that cannot start: what an earlier one left serves on, also over maps of another ABI
# version; where there was nothing it leaves nothing.
. "$(dirname "$0")/../lib/lib.sh"

HOST4=198.51.100.1
netns_add client lb || bail "namespaces"
veth client eth0 lb eth0 || bail "veth"
veth lb eth1 client side || bail "veth"
address client eth0 198.51.100.2/24
address lb eth0 $HOST4/24
pins() { find {,/proc/1/root}/sys/fs/bpf/poise -path "*/$instance${1-}" 2> /dev/null | head -n 1; } # pins [BELOW]
write() { # write INTERFACE...
  echo "interfaces: [$*]"
  echo "services:"
  service_yaml web "0.0.0.0:8080/tcp" local 127.0.0.1:8001
}
answered() { # answered NAME
  requests "http://$HOST4:8080/" 20 > "$tmp/answers"
  is "$1: connections are answered" "$(answers_of 1 "$tmp/answers")" 20
}
fails() { # fails NAME
  poised_start
  is "$1: poised does not start" $? 1
  end "poised-$instance"
  is "$1: and exits with 1" $? 1
}
[ -n "$(on lb "$root/build/tests/net/peers/xdp_pass" eth1 native foreign_pass)" ] || bail "a foreign program"
spawn b1 lb python3 "$root/tests/net/peers/local_peer.py" http b1 127.0.0.1 8001
wait_until 10 grep -q ready "$tmp/b1.log" || bail "the server starts"

write eth1 > "$config"
fails "nothing is there"
nothing "nothing is left" pins

# Mode local has no interface, so no XDP link tells of it.
write > "$config"
poised_start || bail "poised starts"
check "the backend becomes usable" wait_until 10 all_usable
answered "poised runs"
poised_stop
write eth1 > "$config"
fails "the same maps"
answered "the same maps"
maps=$(pins "/maps-v*")
check "the maps are of another version" mv "$maps" "${maps%-v*}-v1"
fails "other maps"
answered "other maps"
write > "$config"
check "poised starts where nothing is in its way" poised_start
check "the backend becomes usable" wait_until 10 all_usable
answered "poised runs again"
nothing "the old maps are gone" pins /maps-v1
finish
