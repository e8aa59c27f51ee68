#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ICMP errors through mode nat: senders learn of a narrow link behind the balancer, on either side,
# and clients of a closed port and of hops that did not suffice.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"
big_mib=8 upload_mib=8

# b1's link carries 1,300 bytes and the client's 1,400; the other ends are told that they may send
# segments for 1,500.
topology_make routed || bail "topology"
for number in 1 2 3; do ip -n "$run-b$number" address flush dev lo scope global; done
for end in "b1 eth0 1300" "router b1 1300" "client eth0 1400" "router client 1400"; do
  read -r namespace interface mtu <<< "$end"
  ip -n "$run-$namespace" link set "$interface" mtu "$mtu" || bail "MTU of $end"
done
for end in "b1 10.1.1.1 2001:db8:11::1" "client 198.51.100.1 2001:db8:1::1"; do
  read -r namespace way4 way6 <<< "$end"
  ip -n "$run-$namespace" route replace default via "$way4" advmss 1460 || bail "advmss of $end"
  ip -n "$run-$namespace" route replace default via "$way6" advmss 1440 || bail "advmss of $end"
done
head -c $((big_mib << 20)) /dev/urandom > "$tmp/big"
head -c $((upload_mib << 20)) /dev/urandom > "$tmp/upload"
{ nat_nginx_start 1 && nat_nginx_start 2; } || bail "nginx starts"
for address in "4 0.0.0.0" "6 ${B6[1]}"; do
  spawn "udp${address% *}" b1 python3 "$root/tests/net/peers/udp_peer.py" serve b1 "${address#* }" 5353
  wait_until 5 grep -q ready "$tmp/udp${address% *}.log" || bail "UDP server starts"
done
{
  echo "interfaces: [eth0]"
  echo "services:"
  nat_service narrow4 "$VIP4:80/tcp" 8080 "${B4[1]}"
  nat_service narrow6 "[$VIP6]:80/tcp" 8080 "${B6[1]}"
  nat_service wide4 "$VIP4:81/tcp" 8080 "${B4[2]}"
  nat_service wide6 "[$VIP6]:81/tcp" 8080 "${B6[2]}"
  nat_service open4 "$VIP4:53/udp" 5353 "${B4[1]}"
  nat_service open6 "[$VIP6]:53/udp" 5353 "${B6[1]}"
  nat_service closed4 "$VIP4:7/udp" 9 "${B4[3]}"
  nat_service closed6 "[$VIP6]:7/udp" 9 "${B6[3]}"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

path_mtu() { # path_mtu NAMESPACE ADDRESS: what its kernel has learned
  ip -j -n "$run-$1" route get "$2" | jq '.[0].metrics[0].mtu // "none"'
}
is "nobody has learned of a narrow link yet" "$(path_mtu client $VIP4; path_mtu b2 $LB6)" $'"none"\n"none"'

declare -A of_client=([4]=$VIP4 [6]=$VIP6) of_balancer=([4]=$LB4 [6]=$LB6)
for family in 4 6; do
  check "IPv$family: $upload_mib MiB go up to a narrow link" on client curl -sf --max-time 20 \
    -T "$tmp/upload" "$(url_of $family 80)/up/$family"
  check "IPv$family: and arrive whole" cmp "$tmp/upload" "$tmp/nat-b1/up/$family"
  is "IPv$family: the client has learned of it" "$(path_mtu client "${of_client[$family]}")" 1300
  check "IPv$family: $big_mib MiB come down to a narrow link" eval \
    "on client curl -sf --max-time 20 '$(url_of $family 81)/big' | cmp - '$tmp/big'"
  is "IPv$family: the backend has learned of it" "$(path_mtu b2 "${of_balancer[$family]}")" 1400
done

# The router is the first hop, the balancer the second, the router again the third.
probe() { on client python3 "$root/tests/net/peers/udp_peer.py" probe "$@"; }
for address in $VIP4 $VIP6; do
  is "$address: a closed port is told" "$(probe "$address" 7 64)" ECONNREFUSED
  is "$address: an open one answers after four hops" "$(probe "$address" 53 4)" answered
  is "$address: hops that end behind the balancer are told" "$(probe "$address" 53 3)" EHOSTUNREACH
  dropped=$(drops_of ttl)
  is "$address: so are hops that end at the balancer" "$(probe "$address" 53 2)" EHOSTUNREACH
  is "$address: they are counted" $(($(drops_of ttl) - dropped)) 1
done
is "nothing else was dropped" "$(field '[to_entries[] | select(.key != "ttl") | .value] | add' drops)" 0
finish
