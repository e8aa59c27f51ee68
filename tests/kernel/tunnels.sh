#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Backends that take tunnels off with the kernel's own devices: ipip, sit and ip6tnl, for gue with
# fou before them. A service of each kind, with an address of its own; at the end all of them once
# more with poise decap.
. "$(dirname "$0")/../net/lib/lib.sh"

# NAME MODE VERSION-OF-SERVICE VERSION-OF-BACKENDS DEVICE
cases='
l2-4      l2   4 4 none
l2-6      l2   6 6 none
ipip-4in4 ipip 4 4 ipip
ipip-6in4 ipip 6 4 sit
ipip-4in6 ipip 4 6 ip6tnl
ipip-6in6 ipip 6 6 ip6tnl
gue-4in4  gue  4 4 ipip
gue-6in4  gue  6 4 sit
gue-4in6  gue  4 6 ip6tnl
gue-6in6  gue  6 6 ip6tnl
'
requests=40
declare -A vip=()   # of each case, as a URL has it
declare -A asked=() # connections so far, of each case

# Emulated, a process costs some 50 ms: where there is a choice, there is none.
each_case() { # each_case COMMAND...: for each, its words appended
  local line
  while read -r line; do
    # shellcheck disable=SC2086 # words
    [ -z "$line" ] || "$@" $line < /dev/null
  done <<< "$cases"
}

give_address() { # give_address NAME MODE VERSION ...
  local number=$((20 + ${#vip[@]}))
  if [ "$3" = 4 ]; then vip[$1]=192.0.2.$number; else vip[$1]="[2001:db8:ffff::$number]"; fi
}

vips() { printf '%s\n' "${vip[@]}" | tr -d '[]'; }

service_of_case() { # service_of_case NAME MODE VERSION VERSION-OF-BACKENDS ...
  local -n backends=B$4
  service_yaml "$1" "${vip[$1]}:80/tcp" "$2" "{ http: /healthz, interval: 10s }" "${backends[@]}"
}

configure() {
  echo "interfaces: [{ name: eth0, xdp: native }]"
  echo "services:"
  each_case service_of_case
  # Without an inner checksum to derive it from, the outer one is summed up over the whole packet.
  service_yaml udp-4in6 "$VIP4:5001/udp" gue "${B6[@]}"
}

network_make() {
  local number
  topology_make segment || return
  route router 192.0.2.0/24 via $LB4
  route router 2001:db8:ffff::/64 via $LB6
  for number in 1 2 3; do
    vips | sed 's/^/address add dev lo /' | ip -n "$run-b$number" -batch - || return
  done
}

# ---- the kernel's devices
tunnels_add() { # tunnels_add VERSION-OF-BACKENDS DEVICE gue|ipip
  local number any=''
  local -n own=B$1
  [ "$2" != ip6tnl ] || any="mode any"
  for number in 1 2 3; do
    {
      [ "$3" != gue ] || echo fou add port 6080 gue
      echo "link add tunnel type $2 local ${own[$number]} $any"
      echo link set tunnel up
    } | ip -n "$run-b$number" "-$1" -batch - || return
  done
}

tunnels_del() { # tunnels_del VERSION-OF-BACKENDS gue|ipip
  local number
  for number in 1 2 3; do
    {
      echo link del tunnel
      [ "$2" != gue ] || echo fou del port 6080
    } | ip -n "$run-b$number" "-$1" -batch -
  done
}

received() { # received NUMBER: packets that its device took out of tunnels
  local field
  read -r -a field < <(on "b$1" grep tunnel: /proc/net/dev)
  echo "${field[2]}"
}

wrong_checksums() { # of UDP over IPv6, on all backends
  local number
  for number in 1 2 3; do on b$number cat /proc/net/snmp6; done |
    awk '$1 == "Udp6InCsumErrors" { n += $2 } END { print n }'
}

# ---- clients
tunnelled() { each_case url_unless_l2; }

url_unless_l2() { # url_unless_l2 NAME MODE ...
  [ "$2" = l2 ] || echo "http://${vip[$1]}/"
}

answers() { # answers NAME HOW: every request is answered, some by each backend
  local answer number all=0
  local -A by=()
  while read -r answer; do
    by[$answer]=$((${by[$answer]-0} + 1))
  done < <(requests "http://${vip[$1]}/" "$requests")
  for number in 1 2 3; do
    holds "$1, $2: b$number answers" "${by[b$number]-0} > 0"
    all=$((all + ${by[b$number]-0}))
  done
  is "$1, $2: all of $requests requests are answered" "$all" "$requests"
  check "$1, $2: full-sized packets arrive" on client curl -sf --max-time 20 -o /dev/null \
    --data-binary "@$tmp/upload" "http://${vip[$1]}/"
  asked[$1]=$((asked[$1] + requests + 1))
}

flows() { # of every service: NAME FLOWS
  field '.services[] | "\(.name) \(.new_flows)"' stats --once
}

in_vain() { # nothing takes tunnels off yet, but the balancer counts what is tried
  local name count
  # shellcheck disable=SC2046 # one URL a line
  is "without devices tunnels end nowhere: bytes answered" \
    "$(on client curl -sZ --connect-timeout 3 --max-time 5 $(tunnelled) 2> /dev/null | wc -c)" 0
  while read -r name count; do
    asked[$name]=$count
    case $name in ipip-* | gue-*) holds "$name: tried" "$count > 0" ;; esac
  done < <(flows)
}

each_counted() {
  local name count
  while read -r name count; do
    case $name in
      udp-*) ;; # only TCP has a packet that opens a flow
      *) is "$name: each connection is counted once" "$count" "${asked[$name]}" ;;
    esac
  done < <(flows)
}

through_device() { # through_device NAME MODE VERSION VERSION-OF-BACKENDS DEVICE
  local how=$5 number
  [ "$2" != l2 ] || { answers "$1" "no tunnel"; return; }
  [ "$2" != gue ] || how="fou and $5"
  check "$1, $how: devices" tunnels_add "$4" "$5" "$2" || return
  answers "$1" "$how"
  for number in 1 2 3; do
    holds "$1, $how: b$number's device took packets out" "$(received "$number") > 5"
  done
  [ "$1" != gue-4in6 ] || datagrams "$how"
  tunnels_del "$4" "$2"
}

datagrams() { # datagrams HOW
  on client python3 - "$VIP4" > "$tmp/answers" 2>&1 << 'END'
import socket, sys

SO_NO_CHECK = 11
for flow in range(20):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        sock.settimeout(5)
        sock.connect((sys.argv[1], 5001))
        sock.send(b"x" * (1 + 73 * flow))
        print(sock.recv(65536).split()[0].decode())
END
  is "udp-4in6, $1: all of 20 datagrams without a checksum are answered" \
    "$(grep -cE '^b[123]$' "$tmp/answers")" 20
}

# ---- poise's own decapsulation
decap_attach() { # decap_attach NUMBER
  local args=() one
  for one in $(vips); do args+=(--vip "$one"); done
  instances+=("$instance-b$1")
  on "b$1" "$poise" --instance "$instance-b$1" decap attach eth0 --xdp native "${args[@]}"
}

through_decap() { # through_decap NAME MODE ...
  [ "$2" = l2 ] || answers "$1" "poise decap"
}

for module in ipip sit ip6_tunnel fou fou6; do
  check "module $module" modprobe $module || bail "no $module"
done
head -c 200000 /dev/zero > "$tmp/upload"
each_case give_address
network_make || bail "network"
nginx_start_all || bail "nginx starts"
for number in 1 2 3; do
  spawn "udp-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" $VIP4 5001
  wait_until 10 grep -q ready "$tmp/udp-b$number.log" || bail "UDP server starts"
done
configure > "$config"
check "poised starts" poised_start || bail "no poised"
is "native on veth" "$(field '.interfaces[0].xdp' status)" native
check "every backend becomes usable" wait_until 20 all_usable

in_vain
each_case through_device
is "no outer checksum was wrong" "$(wrong_checksums)" 0
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0

for number in 1 2 3; do
  check "poise decap on b$number" decap_attach $number
done
each_case through_decap
each_counted
is "still nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish
