#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat with two arms: clients on one, backends on the other, and several addresses to send from.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make gateway || bail "topology"
nat_servers_start || bail "servers start"
address lb eth1 10.2.0.101/24 10.2.0.102/24 2001:db8:3::101/64 2001:db8:3::102/64
{
  echo "interfaces: [eth0, eth1]"
  echo "nat_sources: [10.2.0.101, 10.2.0.102, '2001:db8:3::101', '2001:db8:3::102']"
  nat_services
} > "$config"
check "poised starts" poised_start || bail "no poised"
check "every backend becomes usable" wait_until 10 all_usable

nat_everything
who() { on client curl -s "$1/who?[1-60]" | sort -u | xargs; }
is "backends see both addresses" "$(who "http://$VIP4")" "10.2.0.101 10.2.0.102"
is "backends see both addresses of IPv6" "$(who "http://[$VIP6]")" "2001:db8:3::101 2001:db8:3::102"
is "the balancer does not forward" "$(on lb cat /proc/sys/net/ipv4/ip_forward)" 0
finish
