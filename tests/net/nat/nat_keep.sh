#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat with `source: keep`: the balancer is the backends' gateway, and servers see clients'
# addresses.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"
big_mib=16 upload_mib=4

topology_make gateway || bail "topology"
on lb sh -c 'cd /proc/sys/net && echo 1 > ipv4/ip_forward && echo 1 > ipv6/conf/all/forwarding' ||
  bail "forwarding"
for number in 1 2 3; do
  route b$number default via $BACK4 || bail "default routes"
  route b$number default via $BACK6 || bail "default routes"
done
nat_servers_start || bail "servers start"
{
  echo "interfaces: [eth0, eth1]"
  nat_services | sed 's/^    mode: nat/&\n    source: keep/'
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
is "they are up, by checks of the balancer's own" "$(field '[.backends[].health] | unique | join(" ")' service show web4)" up
is "it is told that the source is kept" "$(field .source service show web4)" keep

nat_everything
is "no port was translated" "$(field '.nat // "none"' status)" none
who() { on client curl -s --max-time 5 "$(url_of "$1" 80)/who"; }
is "servers see the client" "$(who 4)" $CLIENT4
is "servers see the client over IPv6" "$(who 6)" $CLIENT6
own() { on lb curl -sf --max-time 3 "http://$(with_port 8080 "$1")/"; }
is "the balancer's own connections to a backend end there" "$(own "${B4[2]}") $(own "${B6[2]}")" "b2 b2"
route router 10.2.0.0/24 via $LB4
check "what is no service's goes through" on b1 ping -c 1 -W 2 $CLIENT4

# ---- neighbours that nobody knows: the kernel asks for them, and sends what it was given
forget() {
  ip -n "$run-lb" neigh flush dev eth0
  ip -n "$run-lb" -6 neigh flush dev eth0
}
hidden() { # hidden WHERE: requests while the neighbours are forgotten again and again
  local left answers=0
  for ((left = 5; left; left--)); do
    forget
    answers=$((answers + $(for family in 4 6; do who $family; done | grep -cE "^($CLIENT4|$CLIENT6)$")))
  done
  is "the client's way is not known yet, $1" $answers 10
}
hidden "the address elsewhere"
address lb lo $VIP4/32 $VIP6/128
on lb sh -c 'cd /proc/sys/net/ipv4/conf && echo 1 > all/accept_local && echo 0 > all/rp_filter &&
  echo 0 > eth1/rp_filter'
hidden "the address on the balancer"

# ---- a narrow link on the client's side
ip -n "$run-client" link set eth0 mtu 1400
ip -n "$run-router" link set client mtu 1400
ip -n "$run-client" route replace default via 198.51.100.1 advmss 1460
ip -n "$run-client" route replace default via 2001:db8:1::1 advmss 1440
for family in 4 6; do
  check "IPv$family: $big_mib MiB come down to a narrow link" eval \
    "on client curl -sf --max-time 20 '$(url_of $family 80)/big' | cmp - '$tmp/big'"
done
poised_kill
is "without poised: servers see the client" "$(who 4) $(who 6)" "$CLIENT4 $CLIENT6"
check "poised starts again" poised_start
is "then, too" "$(who 4) $(who 6)" "$CLIENT4 $CLIENT6"
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0

finish
