#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# poise decap: tunnels of scapy's making end on an interface, real servers answer. One wire, no
# balancer: the client routes its packets to the service into tunnel_peer.py.
. "$(dirname "$0")/../lib/lib.sh"

OTHER4=192.0.2.99 # an address of the backend that is no VIP
balancer=b1       # where poise runs
instances+=("$instance")

network_make() {
  netns_add client b1 || return
  veth client eth0 b1 eth0 1600 || return
  address client eth0 10.0.0.1/24 2001:db8:2::1/64
  address b1 eth0 10.0.0.11/24 2001:db8:2::11/64
  route b1 default via 10.0.0.1
  route b1 default via 2001:db8:2::1
  backend_carries 1 $VIP4 $VIP6 $OTHER4
}

sent_packets=0 sent_bytes=0

tunnel_up() { # tunnel_up KIND 4|6 [TOS [DEST]]: packets to the service's addresses go through it
  local source=10.0.0.1 dest=10.0.0.11 mac
  [ "$2" = 4 ] || source=2001:db8:2::1 dest=2001:db8:2::11
  dest=${4-$dest}
  mac=$(ip -n "$run-b1" -j link show dev eth0 | jq -r '.[0].address')
  : > "$tmp/tunnel.log"
  spawn tunnel client /usr/bin/python3 "$root/tests/net/peers/tunnel_peer.py" tun0 eth0 "$mac" "$1" "$source" "$dest" "${3-0}"
  wait_until 10 grep -q ready "$tmp/tunnel.log" || return
  ip -n "$run-client" link set tun0 up
  address client tun0 $CLIENT4/32 $CLIENT6/128
  ip -n "$run-client" route add $VIP4 dev tun0 src $CLIENT4
  ip -n "$run-client" route add $OTHER4 dev tun0 src $CLIENT4
  ip -n "$run-client" route add $VIP6 dev tun0 src $CLIENT6
}

tunnel_down() { # reads into sent_packets and sent_bytes
  end tunnel
  read -r _ sent_packets sent_bytes < <(grep '^sent' "$tmp/tunnel.log")
}

url() { # url 4|6 [PATH]
  if [ "$1" = 4 ]; then echo "http://$VIP4/${2-}"; else echo "http://[$VIP6]/${2-}"; fi
}

fetch() { on client curl -sf --max-time 4 --connect-timeout 2 "$@"; }

fetch_in_vain() { ! fetch "$@"; }

counted() { field "[.[].vips[].$1] | add // 0" decap stats; } # counted packets|bytes
dropped() { field ".[0].drops.$1" decap stats; }              # dropped REASON
xdp_mode() { field '.[0].xdp' decap stats; }
attached_program() { ip -n "$run-b1" -j link show dev eth0 | jq -r '.[0].xdp.prog.name // "none"'; }
pinned() { find /sys/fs/bpf/poise/"$instance" -name 'decap-*' 2> /dev/null | wc -l; }

status_of() { # status_of COMMAND...: its exit status; what it said is in $tmp/said
  "$@" > "$tmp/said" 2>&1
  echo $?
}

every_tunnel() { # every_tunnel MODE: counters agree with what the peer sent
  local kind outer inner packets=0 bytes=0 before_packets before_bytes
  before_packets=$(counted packets) before_bytes=$(counted bytes)
  for kind in ipip gue gue-private; do
    for outer in 4 6; do
      tunnel_up $kind $outer || bail "tunnel"
      for inner in 4 6; do
        is "$1: HTTP over IPv$inner in $kind over IPv$outer" "$(fetch "$(url $inner)")" b1
      done
      [ $kind = gue-private ] ||
        is "$1: 3 MB over IPv4 in $kind over IPv$outer" "$(fetch "$(url 4 big)" | wc -c)" 3000000
      for vip in $VIP4 $VIP6; do
        is "$1: UDP to $vip in $kind over IPv$outer" \
          "$(on client python3 "$root/tests/net/peers/udp_peer.py" ask "$vip" 5001 2 1000 | sort -u)" b1
      done
      tunnel_down
      packets=$((packets + sent_packets)) bytes=$((bytes + sent_bytes))
    done
  done
  is "$1: packets counted are packets sent" $(($(counted packets) - before_packets)) $packets
  is "$1: bytes counted are inner bytes sent" $(($(counted bytes) - before_bytes)) $bytes
}

refusals() {
  local args
  for args in "eth0" "eth0 --vip 192.0.2" "eth0 --vip 127.0.0.1" "eth0 --vip ::1" "eth0 --vip 224.0.0.5" \
    "eth0 --vip ff02::1" "eth0 --vip $VIP4 --gue-port 0" "eth0 --vip $VIP4 --xdp fast" \
    "eth0 --vip $VIP4 --local 10.0.0" "eth0 --vip $VIP4 --local 127.0.0.1" "eth0 --vip $VIP4 --from 10.0.0.0/33" \
    "eth0 --vip $VIP4 --from 2001:db8::/x" "eth0 --vip $VIP4 --from 10.0.0.1/24"; do
    # shellcheck disable=SC2086
    is "attach $args: usage error" "$(status_of poise decap attach $args)" 2
  done
  matches "a VIP that is none is told what was expected" \
    "$(poise decap attach eth0 --vip ff02::1 2>&1)" "expected an address .* ff02::1.* multicast"
  is "attach to an interface that is not there: refused" "$(status_of poise decap attach no0 --vip $VIP4)" 1
  is "detach what is not attached: refused" "$(status_of poise decap detach eth0)" 1
  is "stats of what is not attached: refused" "$(status_of poise decap stats eth0)" 1
  is "stats of nothing is an empty list" "$(poise -j decap stats)" "[]"
  is "no pins are left of that" "$(pinned)" 0
}

foreign_program() {
  ip -n "$run-b1" link set dev eth0 xdpgeneric obj "$root/build/bpf/lb.bpf.o" sec xdp
  is "a foreign program: refused" "$(status_of poise decap attach eth0 --vip $VIP4)" 1
  matches "a foreign program is named" "$(cat "$tmp/said")" 'XDP program [0-9]+ "poise_lb"'
  is "a foreign program stays" "$(attached_program)" poise_lb
  ip -n "$run-b1" link set dev eth0 xdpgeneric off
  is "no pins are left of that" "$(pinned)" 0
}

only_configured() {
  local before
  tunnel_up ipip 4 || bail "tunnel"
  before=$(counted packets)
  check "an address that is no VIP stays in its tunnel" fetch_in_vain "http://$OTHER4/"
  is "and is not counted" "$(counted packets)" "$before"
  tunnel_down
  tunnel_up none 4 || bail "tunnel"
  is "packets without a tunnel pass" "$(fetch "$(url 4)")" b1
  is "and are not counted" "$(counted packets)" "$before"
  tunnel_down
}

# Behind b1, which routes, is b2 with the same service.
routes_for_others() {
  local family kind dest before
  netns_add b2 || bail "namespace"
  veth b1 eth1 b2 eth0 1600 || bail "veth"
  address b1 eth1 10.0.9.1/24 2001:db8:9::1/64
  address b2 eth0 10.0.9.12/24 2001:db8:9::12/64
  route b2 default via 10.0.9.1
  route b2 default via 2001:db8:9::1
  backend_carries 2 $VIP4 $VIP6
  on b1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.conf.all.accept_local=1 # b2's answers come from an address that b1 has, too
  nginx_start 2 || bail "nginx starts"
  check "attach on b2" on b2 "$poise" --instance "$instance" decap attach eth0 --vip $VIP4 --vip $VIP6
  for family in 4 6; do
    dest=10.0.9.12
    [ $family = 4 ] || dest=2001:db8:9::12
    for kind in ipip gue; do
      before=$(field '.[0].passed.not_local' decap stats eth0)
      tunnel_up $kind $family 0 $dest || bail "tunnel"
      is "a $kind tunnel through this host to another one, IPv4 in IPv$family" "$(fetch "$(url 4)")" b2
      is "a $kind tunnel through this host to another one, IPv6 in IPv$family" "$(fetch "$(url 6)")" b2
      tunnel_down
      is "they are counted ($kind, IPv$family)" \
        "$(($(field '.[0].passed.not_local' decap stats eth0) - before))" "$sent_packets"
    done
  done
  check "detach on b2" on b2 "$poise" --instance "$instance" decap detach eth0
  on b1 sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
}

strangers() {
  local before family
  check "balancers are elsewhere" poise decap attach eth0 --vip $VIP4 $VIP6 --from 10.0.0.2 --from 2001:db8:3::/64
  is "that is shown" "$(field '.[0].from | sort | join(" ")' decap stats)" "10.0.0.2/32 2001:db8:3::/64"
  for family in 4 6; do
    before=$(dropped stranger)
    tunnel_up ipip $family || bail "tunnel"
    check "a stranger's tunnel in IPv$family is refused" fetch_in_vain "$(url 4)"
    tunnel_down
    is "every packet of it is counted (IPv$family)" $(($(dropped stranger) - before)) "$sent_packets"
  done
  check "balancers are here" poise decap attach eth0 --vip $VIP4 $VIP6 --from 10.0.0.0/24 --from 2001:db8:2::1
  for family in 4 6; do
    tunnel_up ipip $family || bail "tunnel"
    is "a balancer's tunnel in IPv$family is taken" "$(fetch "$(url 6)")" b1
    tunnel_down
  done
}

local_addresses() {
  local before
  check "attach without --local" poise decap attach eth0 --vip $VIP4 $VIP6
  is "the interface's addresses are taken" "$(field '.[0].local | sort | join(" ")' decap stats)" \
    "10.0.0.11 2001:db8:2::11"
  ip -n "$run-b1" address add 10.0.0.111/24 dev eth0
  is "one that came later is missing" "$(field '.[0].missing | join(" ")' decap stats)" 10.0.0.111
  matches "people are told" "$(poise decap stats 2>&1)" "eth0: 10.0.0.111 .*poise decap attach.* again"
  tunnel_up ipip 4 0 10.0.0.111 || bail "tunnel"
  check "tunnels to it go to the kernel" fetch_in_vain "$(url 4)"
  check "attached again" poise decap attach eth0 --vip $VIP4 $VIP6
  is "nothing is missing" "$(field '.[0].missing' decap stats)" "[]"
  is "tunnels to it are taken" "$(fetch "$(url 4)")" b1
  check "a single one is named" poise decap attach eth0 --vip $VIP4 $VIP6 --local 10.0.0.11
  is "that is all" "$(field '.[0] | .local + .missing | join(" ")' decap stats)" 10.0.0.11
  before=$(field '.[0].passed.not_local' decap stats)
  check "tunnels to the others go to the kernel" fetch_in_vain "$(url 4)"
  tunnel_down
  holds "and are counted" "$(field '.[0].passed.not_local' decap stats) > $before"
  ip -n "$run-b1" address del 10.0.0.111/24 dev eth0
  veth client bare0 b1 bare0
  is "an interface without an address is refused" "$(status_of poise decap attach bare0 --vip $VIP4)" 1
  matches "with the remedy" "$(cat "$tmp/said")" "bare0: it has no address .*--local ADDR"
  check "but not with --local" poise decap attach bare0 --vip $VIP4 --local 10.0.0.11
  check "detached" poise decap detach bare0
  ip -n "$run-client" link del bare0
  check "attach as before" poise decap attach eth0 --vip $VIP4 --vip $VIP6
}

congestion() {
  tunnel_up ipip 4 0x03 || bail "tunnel"
  check "congestion that the sender cannot be told of drops" fetch_in_vain "$(url 4)"
  tunnel_down
  is "every packet of it is counted" "$(dropped ecn)" "$sent_packets"
}

replacement() {
  local turn programs
  tunnel_up gue 6 || bail "tunnel"
  traffic_start "$(url 4)"
  traffic_moves 50
  programs=$(
    for turn in 1 2 3 4 5 6 7 8 9 10; do
      poise decap attach eth0 --vip $VIP4 --vip "192.0.2.$((100 + turn))"
      field '.[0].program' decap stats
      sleep 0.1
    done
  )
  traffic_moves 50
  traffic_stop
  tunnel_down
  is "attached ten times anew, ten programs" "$(sort -u <<< "$programs" | grep -c .)" 10
  is "no request failed" "$(failures "$tmp/traffic")" 0
  is "the last set of VIPs is the one" "$(field '.[0].vips | map(.address) | join(" ")' decap stats)" \
    "$VIP4 192.0.2.110"
  holds "a VIP that stays keeps its counters" "$(field '.[0].vips[0].packets' decap stats) > $sent_packets"
  is "a VIP that is new starts at 0" "$(field '.[0].vips[1].packets' decap stats)" 0
}

two_namespaces() {
  check "attach in another namespace" on client "$poise" --instance "$instance" decap attach eth0 --vip $OTHER4
  is "stats lists this namespace's alone" \
    "$(field 'map(.vips | map(.address)) | flatten | join(" ")' decap stats)" "$VIP4 192.0.2.110"
  check "detach there" on client "$poise" --instance "$instance" decap detach eth0
  is "this one stays" "$(attached_program)" poise_decap
}

interface_gone() {
  veth client gone0 b1 gone0
  check "attach to a second interface" poise decap attach gone0 --vip $VIP4 --local 10.0.0.11
  is "both are listed" "$(field 'map(.interface) | sort | join(" ")' decap stats)" "eth0 gone0"
  is "one alone is, too" "$(field 'map(.interface) | join(" ")' decap stats gone0)" gone0
  ip -n "$run-b1" link del gone0
  is "an interface that is gone is not listed" "$(field 'map(.interface) | join(" ")' decap stats)" eth0
  check "the next attach" poise decap attach eth0 --vip $VIP4 --vip $VIP6
  is "clears away what it left" "$(pinned)" 1
}

/usr/bin/python3 -c 'import scapy' || { skip "poise decap" "no python3-scapy"; finish; }

network_make || bail "network"
ip -n "$run-client" tuntap add tun1 mode tun || { skip "poise decap" "no TUN devices"; finish; }
ip -n "$run-client" tuntap del tun1 mode tun
nginx_start 1 || bail "nginx starts"
for vip in $VIP4 $VIP6; do
  spawn "udp-${vip//[:.]/_}" b1 python3 "$root/tests/net/peers/udp_peer.py" serve b1 "$vip" 5001
  wait_until 5 grep -q ready "$tmp/udp-${vip//[:.]/_}.log" || bail "UDP server starts"
done

refusals
foreign_program
tunnel_up ipip 4 || bail "tunnel"
check "without it the tunnel ends nowhere" fetch_in_vain "$(url 4)"
tunnel_down

check "attach" poise decap attach eth0 --vip $VIP4 --vip $VIP6
is "it is native" "$(xdp_mode)" native
every_tunnel native
only_configured
strangers
local_addresses
routes_for_others
congestion
replacement
two_namespaces
interface_gone

check "attach in generic mode" poise decap attach eth0 --vip $VIP4 --vip $VIP6 --xdp generic
is "it is generic" "$(xdp_mode)" generic
every_tunnel generic
check "back to native mode" poise decap attach eth0 --vip $VIP4 --xdp native
is "it is native again" "$(xdp_mode)" native

matches "stats for people" "$(poise decap stats)" "^eth0 +native +$VIP4 "
check "poise detach of the instance" poise detach --all
is "is for the balancer, not for this" "$(attached_program)" poise_decap
check "detach" poise decap detach eth0
is "the interface is as before" "$(attached_program)" none
is "no pins are left" "$(pinned)" 0
tunnel_up ipip 4 || bail "tunnel"
check "the tunnel ends nowhere again" fetch_in_vain "$(url 4)"
tunnel_down
finish
