#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Next hops follow routes, links and neighbours. One namespace, `a`, looks out; `b` is behind eth0,
# `c` behind eth1; 10.9.0.0/16 and 2001:db8:9::/48 are networks somewhere behind them.
# shellcheck source=tests/net/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

watch=$root/build/tests/net/peers/nexthop_watch
log=$tmp/watch.log

in_a() { ip -n "$run-a" "$@"; }
in_b() { ip -n "$run-b" "$@"; }
in_c() { ip -n "$run-c" "$@"; }

mac_of() { # mac_of NAMESPACE INTERFACE
  ip -n "$run-$1" -j link show "$2" | jq -r '.[0].address'
}

last() { sed -n "s|^$1: ||p" "$log" | tail -n 1; } # last ADDRESS: what was told last
told() { grep -c "^$1: " "$log"; }                 # told ADDRESS: how often

# shellcheck disable=SC2317 # called by wait_until
last_matches() { last "$1" | grep -qE -- "^$2"; }

becomes() { # becomes NAME ADDRESS PATTERN [SECONDS]
  if wait_until "${4:-3}" last_matches "$2" "$3"; then
    ok "$1"
  else
    not_ok "$1" "$2: last told '$(last "$2")', expected '$3'"
  fi
}

watch_start() { spawn watch a "$watch" "$@"; }

ends_cleanly() { # ends_cleanly NAME: exit status 0, so no leak and no other sanitizer's finding
  end "$1" TERM
  is "$1 ends cleanly" $? 0
}

netns_add a b c || bail "namespaces could not be made"
veth a eth0 b eth0 || bail "a veth pair could not be made"
veth a eth1 c eth0 || bail "a veth pair could not be made"
address a eth0 10.0.0.1/24 2001:db8:1::1/64
address b eth0 10.0.0.2/24 10.0.0.3/24 2001:db8:1::2/64 fe80::b/64
address a eth1 10.0.1.1/24 2001:db8:2::1/64
address c eth0 10.0.1.2/24 2001:db8:2::2/64
b_mac=$(mac_of b eth0) c_mac=$(mac_of c eth0) a0_mac=$(mac_of a eth0) a1_mac=$(mac_of a eth1)

# ---- states
in_a route add 10.9.0.0/16 via 10.0.0.2
in_a route add 10.9.1.0/24 via 10.0.0.2 mtu 1400
in_a -6 route add 2001:db8:9::/48 via 2001:db8:1::2
in_a -6 route add 2001:db8:9:1::/64 via 2001:db8:1::2 mtu 1380
in_a route add 10.9.2.0/24 via inet6 fe80::b dev eth0
in_a route add blackhole 10.9.3.0/24
in_a route add unreachable 10.9.4.0/24
in_a -6 route add unreachable 2001:db8:9:4::/64
in_a route add 10.9.5.0/24 dev lo
watch_start 10.0.0.2 2001:db8:1::2 10.9.0.1 2001:db8:9::1 10.9.1.1 2001:db8:9:1::1 10.9.2.1 10.9.3.1 \
  10.9.4.1 2001:db8:9:4::1 203.0.113.1 2001:db8:ffff::1 10.0.0.1 2001:db8:1::1 127.0.0.1 10.9.5.1 \
  10.0.0.99 2001:db8:1::99

direct="dev eth0 lladdr $b_mac mtu 1500 mac $a0_mac from"
becomes "an IPv4 address on the link" 10.0.0.2 "$direct 10.0.0.1\$"
becomes "an IPv6 address on the link" 2001:db8:1::2 "$direct 2001:db8:1::1\$"
becomes "an IPv4 address behind a router" 10.9.0.1 "via 10.0.0.2 $direct 10.0.0.1\$"
becomes "an IPv6 address behind a router" 2001:db8:9::1 "via 2001:db8:1::2 $direct 2001:db8:1::1\$"
becomes "a route's MTU counts, IPv4" 10.9.1.1 ".* mtu 1400 "
becomes "a route's MTU counts, IPv6" 2001:db8:9:1::1 ".* mtu 1380 "
becomes "an IPv4 route through an IPv6 router" 10.9.2.1 "via fe80::b $direct 10.0.0.1\$"
becomes "a blackhole route is none" 10.9.3.1 "no route"
becomes "an unreachable route is none, IPv4" 10.9.4.1 "no route"
becomes "an unreachable route is none, IPv6" 2001:db8:9:4::1 "no route"
becomes "no route, IPv4" 203.0.113.1 "no route"
becomes "no route, IPv6" 2001:db8:ffff::1 "no route"
becomes "an own address, IPv4" 10.0.0.1 "an address of this host"
becomes "an own address, IPv6" 2001:db8:1::1 "an address of this host"
becomes "a loopback address" 127.0.0.1 "an address of this host"
becomes "an interface without Ethernet" 10.9.5.1 "lo is not an Ethernet interface"
becomes "nobody answers, IPv4" 10.0.0.99 "no answer from 10.0.0.99 on eth0" 6
becomes "nobody answers, IPv6" 2001:db8:1::99 "no answer from 2001:db8:1::99 on eth0" 6

# ---- nothing is told twice, and what failed is tried again
in_b address add 10.0.0.99/24 dev eth0
in_b address add 2001:db8:1::99/64 dev eth0 nodad
becomes "a neighbour that comes late, IPv4" 10.0.0.99 "$direct" 6
becomes "a neighbour that comes late, IPv6" 2001:db8:1::99 "$direct" 6
is "a neighbour's story is resolving, no answer, there: IPv4" "$(told 10.0.0.99)" 3
is "a neighbour's story is resolving, no answer, there: IPv6" "$(told 2001:db8:1::99)" 3
count=$(told 10.0.0.2)
in_a route add 10.8.0.0/16 via 10.0.0.2
in_a neigh del 10.0.0.2 dev eth0
# shellcheck disable=SC2317 # called by wait_until
is_reachable() { in_a neigh show 10.0.0.2 | grep -q REACHABLE; }
wait_until 3 is_reachable
is "a lost neighbour entry is made anew, and nobody is told" \
  "$(in_a -j neigh show 10.0.0.2 | jq -r '.[0].state[0]')/$(told 10.0.0.2)" "REACHABLE/$count"

# ---- neighbours that change. An unsolicited ARP reply or a moved address would be quicker; here the
# entry goes stale, and only the question that a stale entry is due finds out.
in_b link set eth0 address 02:00:00:00:00:0b
b_mac=$(mac_of b eth0)
in_b address add 2001:db8:1::2/64 dev eth0 nodad 2> /dev/null
for entry in 10.0.0.2 2001:db8:1::2; do
  in_a neigh change "$entry" dev eth0 lladdr "02:00:00:00:00:0a" nud stale
  becomes "another MAC in the kernel's entry is taken at once: $entry" "$entry" "dev eth0 lladdr 02:00:00:00:00:0a"
done
direct="dev eth0 lladdr $b_mac mtu 1500 mac $a0_mac from"
becomes "a MAC that is wrong is found out, IPv4" 10.0.0.2 "$direct" 20
becomes "a MAC that is wrong is found out, IPv6" 2001:db8:1::2 "$direct" 20
becomes "so it is for what is behind the router, IPv4" 10.9.0.1 "via 10.0.0.2 $direct"
becomes "so it is for what is behind the router, IPv6" 2001:db8:9::1 "via 2001:db8:1::2 $direct"

# A static entry stays the operator's.
in_a neigh replace 10.0.0.3 dev eth0 lladdr 02:00:00:00:00:33 nud permanent
in_a route replace 10.9.0.0/16 via 10.0.0.3
becomes "a static neighbour is taken as it is" 10.9.0.1 "via 10.0.0.3 dev eth0 lladdr 02:00:00:00:00:33"
matches "and is still static" "$(in_a neigh show 10.0.0.3)" PERMANENT

# ---- routes that change
in_a route replace 10.9.0.0/16 via 10.0.1.2
in_a -6 route del 2001:db8:9::/48
in_a -6 route add 2001:db8:9::/48 via 2001:db8:2::2
other="dev eth1 lladdr $c_mac mtu 1500 mac $a1_mac from"
becomes "a route to another interface, IPv4" 10.9.0.1 "via 10.0.1.2 $other 10.0.1.1\$"
becomes "a route to another interface, IPv6" 2001:db8:9::1 "via 2001:db8:2::2 $other 2001:db8:2::1\$"
in_a route del 10.9.0.0/16
becomes "a route taken away" 10.9.0.1 "no route"
in_a nexthop add id 7 via 10.0.0.2 dev eth0
in_a route add 10.9.0.0/16 nhid 7
becomes "a route by a next hop object" 10.9.0.1 "via 10.0.0.2 dev eth0"
in_a nexthop replace id 7 via 10.0.1.2 dev eth1
becomes "the object changes, the route does not" 10.9.0.1 "via 10.0.1.2 dev eth1"
in_a route add table 99 10.9.0.0/16 via 10.0.0.2
in_a rule add to 10.9.0.0/16 table 99
becomes "a rule that picks another table" 10.9.0.1 "via 10.0.0.2 dev eth0"
in_a rule del to 10.9.0.0/16 table 99
becomes "the rule taken away" 10.9.0.1 "via 10.0.1.2 dev eth1"
in_a address add 10.0.1.7/24 dev eth1
in_a route add 10.9.6.0/24 via 10.0.1.2 src 10.0.1.7
in_a route replace 10.9.0.0/16 via 10.0.1.2 src 10.0.1.7
becomes "a route's source address" 10.9.0.1 ".* from 10.0.1.7\$"

# ---- links that change
in_a link set eth1 mtu 1450
becomes "the link's MTU, IPv4" 10.9.0.1 "via 10.0.1.2 dev eth1 .* mtu 1450"
becomes "the link's MTU, IPv6" 2001:db8:9::1 "via 2001:db8:2::2 dev eth1 .* mtu 1450"
in_a link set eth0 address 02:00:00:00:00:0c
becomes "the own MAC" 10.0.0.2 ".* mac 02:00:00:00:00:0c"
in_c link set eth0 down
becomes "no carrier, IPv4" 10.9.0.1 "eth1 is down"
becomes "no carrier, IPv6" 2001:db8:9::1 "eth1 is down"
in_c link set eth0 up
address c eth0 2001:db8:2::2/64
becomes "carrier again, IPv4" 10.9.0.1 "via 10.0.1.2 dev eth1 lladdr $c_mac"
becomes "carrier again, IPv6" 2001:db8:9::1 "via 2001:db8:2::2 dev eth1 lladdr $c_mac" 6
in_a link set eth0 down
becomes "a link taken down takes its routes with it" 10.0.0.2 "no route"
in_a link set eth0 up
becomes "and brings them back" 10.0.0.2 "dev eth0 lladdr $b_mac"
in_a link del eth0
becomes "an interface that is gone" 10.0.0.2 "no route"
veth a eth0 b eth0
address a eth0 10.0.0.1/24
address b eth0 10.0.0.2/24
becomes "another interface in its place" 10.0.0.2 "dev eth0 lladdr $(mac_of b eth0) mtu 1500 mac $(mac_of a eth0)"
ends_cleanly watch

# ---- many
in_a route replace 10.128.0.0/9 via 10.0.1.2
spawn many a "$watch" --count 10000 10.128.0.0
wait_until 10 grep -q ready "$tmp/many.log"
matches "10,000 addresses are ready in well under a second" "$(cat "$tmp/many.log")" \
  "^10000 ready after [0-9]{1,3} ms$"

# shellcheck disable=SC2317 # called by wait_until
all_told_anew() { [ "$(grep -c "via 10.0.1.2 dev eth1 .* mtu 1400" "$tmp/many.log")" = 10000 ]; }

# More notifications than the socket holds while nobody reads them: everything is asked for anew.
kill -STOP "${pids[many]}"
seq 1 60000 | awk '{ printf "route add 10.7.%d.%d/32 dev eth1\n", $1 / 256, $1 % 256 }' > "$tmp/routes"
in_a -batch "$tmp/routes"
in_a link set eth1 mtu 1400
# shellcheck disable=SC2016 # awk's
holds "the socket overflowed" "$(on a awk '{ drops += $9 } END { print drops }' /proc/net/netlink) > 0"
: > "$tmp/many.log"
kill -CONT "${pids[many]}"
check "after lost notifications all is as it should be" \
  wait_until 10 all_told_anew
ends_cleanly many
finish
