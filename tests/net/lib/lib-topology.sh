# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The network of the scenarios and of the demo. The balancer has one arm, as in most racks: what
# comes in on eth0 goes out on eth0. Backends answer clients past it, through the router; those by
# nat answer the balancer.
#
#   client ---- router ==+== lb            segment 10.0.0.0/24, 2001:db8:2::/64 (a bridge)
#                        +== b1, b2, b3
#   routed:     router ---- b1, b2, b3     each in a network of its own, 10.1.N.0/24, 2001:db8:1N::/64
#   plain:      as the segment, but nothing is set up on b1, b2, b3: neither the service's addresses nor
#               a way to clients
#   gateway:    lb ---- back ---- b1, b2, b3   the balancer's second arm, 10.2.0.0/24, 2001:db8:3::/64 (a
#               bridge); as little is set up on b1, b2, b3
#
# The router sends VIP4 and VIP6 to the balancer. The segment's MTU leaves room for outer headers, so
# that clients keep their 1500 bytes.
export VIP4=192.0.2.10 VIP6=2001:db8:ffff::10
export CLIENT4=198.51.100.2 CLIENT6=2001:db8:1::2
export ROUTER4=10.0.0.1 ROUTER6=2001:db8:2::1
export LB4=10.0.0.2 LB6=2001:db8:2::2
export BACK4=10.2.0.1 BACK6=2001:db8:3::1 # the balancer's on its second arm
B4=() B6=() # backends' addresses, from 1
SEGMENT_MTU=${SEGMENT_MTU:-1600}

topology_make() { # topology_make [segment|routed|plain|gateway]
  local kind=${1:-segment} number
  netns_add client router lb b1 b2 b3 || return
  on router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward;
    echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
  veth client eth0 router client || return
  address client eth0 $CLIENT4/24 $CLIENT6/64
  address router client 198.51.100.1/24 2001:db8:1::1/64
  route client default via 198.51.100.1
  route client default via 2001:db8:1::1

  ip -n "$run-router" link add segment mtu "$SEGMENT_MTU" type bridge mcast_snooping 0 forward_delay 0 \
    || return
  ip -n "$run-router" link set segment up
  address router segment $ROUTER4/24 $ROUTER6/64
  segment_join lb $LB4 $LB6 || return
  takes_xdp_frames router lb || return
  route router $VIP4 via $LB4
  route router $VIP6 via $LB6

  [ "$kind" != gateway ] || second_arm || return
  for number in 1 2 3; do
    "backend_$kind" "$number" || return
    case $kind in segment | routed) backend_carries "$number" $VIP4 $VIP6 ;; esac
  done
}

second_arm() {
  netns_add back || return
  ip -n "$run-back" link add segment mtu "$SEGMENT_MTU" type bridge mcast_snooping 0 forward_delay 0 \
    || return
  ip -n "$run-back" link set segment up
  back_join lb eth1 $BACK4 $BACK6 || return
  takes_xdp_frames back lb
}

back_join() { # back_join NAMESPACE INTERFACE ADDRESS4 ADDRESS6
  veth "$1" "$2" back "$1" "$SEGMENT_MTU" || return
  ip -n "$run-back" link set "$1" master segment
  address "$1" "$2" "$3/24" "$4/64"
}

segment_join() { # segment_join NAMESPACE ADDRESS4 ADDRESS6
  segment_plug "$@" || return
  route "$1" default via $ROUTER4
  route "$1" default via $ROUTER6
}

segment_plug() { # segment_plug NAMESPACE ADDRESS4 ADDRESS6: without a way out of the segment
  veth "$1" eth0 router "$1" "$SEGMENT_MTU" || return
  ip -n "$run-router" link set "$1" master segment
  address "$1" eth0 "$2/24" "$3/64"
}

backend_segment() { # backend_segment NUMBER
  B4[$1]=10.0.0.1$1 B6[$1]=2001:db8:2::1$1
  segment_join "b$1" "${B4[$1]}" "${B6[$1]}"
}

backend_plain() { # backend_plain NUMBER
  B4[$1]=10.0.0.1$1 B6[$1]=2001:db8:2::1$1
  segment_plug "b$1" "${B4[$1]}" "${B6[$1]}"
}

backend_gateway() { # backend_gateway NUMBER
  B4[$1]=10.2.0.1$1 B6[$1]=2001:db8:3::1$1
  back_join "b$1" eth0 "${B4[$1]}" "${B6[$1]}"
}

backend_routed() { # backend_routed NUMBER
  B4[$1]=10.1.$1.2 B6[$1]=2001:db8:1$1::2
  veth "b$1" eth0 router "b$1" "$SEGMENT_MTU" || return
  address "b$1" eth0 "${B4[$1]}/24" "${B6[$1]}/64"
  address router "b$1" "10.1.$1.1/24" "2001:db8:1$1::1/64"
  route "b$1" default via "10.1.$1.1"
  route "b$1" default via "2001:db8:1$1::1"
}

# The service's addresses on a backend: it answers for them, but not to ARP (IPv6 never does for an
# address of lo).
backend_carries() { # backend_carries NUMBER ADDRESS...
  local number=$1 one
  shift
  on "b$number" sh -c 'cd /proc/sys/net/ipv4/conf/all && echo 1 > arp_ignore && echo 2 > arp_announce'
  for one in "$@"; do
    case $one in
      *:*) address "b$number" lo "$one/128" ;;
      *) address "b$number" lo "$one/32" ;;
    esac
  done
}
