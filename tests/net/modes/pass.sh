#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Packets for no service reach the balancer's own kernel untouched; those for another host reach
# nobody.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
# Something like SSH on the balancer itself; the services' addresses are its own as well, so that
# the kernel has an answer to what is passed to it.
address lb lo $VIP4/32 $VIP6/128
spawn own-server lb python3 -m http.server --bind :: 22
wait_until 10 on lb curl -s -o /dev/null http://127.0.0.1:22/ || bail "a server on the balancer"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"
  service_yaml web6 "[$VIP6]:80/tcp" l2 "${B6[@]}"
} > "$config"
nginx_start_all || bail "nginx starts"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

both() { # both NAME COMMAND ADDRESS4 ADDRESS6: with the address in place of ADDR
  check "$1, IPv4" on client bash -c "${2//ADDR/$3}"
  check "$1, IPv6" on client bash -c "${2//ADDR/[$4]}"
}
pings() { # pings NAME SIZE
  check "$1, IPv4" on client ping -c 3 -i 0.05 -W 2 -q -s "$2" "$LB4"
  check "$1, IPv6" on client ping -c 3 -i 0.05 -W 2 -q -s "$2" "$LB6"
}
refused() { # refused URL
  on client curl -s -o /dev/null --connect-timeout 2 "$1"
  [ $? = 7 ]
}

both "TCP to the balancer's own address" "curl -sf -o /dev/null --max-time 5 http://ADDR:22/" $LB4 $LB6
both "TCP to a service's address, another port" "curl -sf -o /dev/null --max-time 5 http://ADDR:22/" $VIP4 $VIP6
check "a closed port of a service's address is refused by the kernel, IPv4" refused "http://$VIP4:81/"
check "a closed port of a service's address is refused by the kernel, IPv6" refused "http://[$VIP6]:81/"
check "ping to a service's address, IPv4" on client ping -c 2 -i 0.05 -W 2 -q $VIP4
check "ping to a service's address, IPv6" on client ping -c 2 -i 0.05 -W 2 -q $VIP6
pings "ping" 56
pings "fragments" 5000

on router ip neigh flush all
check "ARP" on router ping -c 1 -W 2 -q $LB4
check "IPv6 neighbour discovery" on router ping -c 1 -W 2 -q $LB6
both "the services still answer" "curl -sf -o /dev/null --max-time 5 http://ADDR/" $VIP4 $VIP6
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish
