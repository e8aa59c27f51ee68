#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat: what is refused, with what to write instead; what is warned of; and packets for ports of
# nat that are no reply, which are the host's.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make plain || bail "topology"
nat_nginx_start 1 || bail "nginx starts"
log=$tmp/poised-$instance.log

answers() { # answers NAMESPACE URL
  [ "$(on "$1" curl -sf --max-time 3 "$2")" = b1 ]
}
write() { # write [LINE...]: the configuration, with these lines before its services
  {
    echo "interfaces: [eth0]"
    [ $# = 0 ] || printf '%s\n' "$@"
    echo "services:"
    nat_service web "$VIP4:80/tcp" 8080 "${B4[1]}"
  } > "$config"
}
refused() { # refused NAME PATTERN...: the file by poised, running or not, with all of these
  local name=$1 one
  shift
  if poised_ready; then
    poise apply "$config" > "$tmp/out" 2>&1
    is "$name: exit status of poise apply" $? 1
  else
    : > "$log"
    check "$name: poised does not start" eval '! poised_start'
    cp "$log" "$tmp/out"
  fi
  for one in "$@"; do matches "$name: it says $one" "$(cat "$tmp/out")" "$one"; done
}
bad_sources() {
  write "nat_sources: ['$LB6']"
  refused "no source of the backend's family" "nat_sources" "IPv4"
  write "nat_sources: [$LB4, 10.0.0.99]"
  refused "a source that is not the host's" 'nat_sources\[1\]' "10\.0\.0\.99" "it has $LB4"
  write
  nat_service own "$LB4:20000/tcp" 8080 "${B4[1]}" >> "$config"
  refused "a service within nat_ports" "port 20000 lies within nat_ports 10240-32767" "nat_ports: 20001-32767"
  write "nat_sources: [$LB4]"
  nat_service own "$LB4:11000/tcp" 8080 "${B4[1]}" >> "$config"
  refused "a service within nat_ports, on a source that is named" "nat_ports: 11001-32767"
  write
  nat_service six "$VIP4:81/tcp" 8080 "${B6[1]}" >> "$config"
  refused "a backend of the other family" "poise\.yaml:[0-9]+:[0-9]+: address: expected an IPv4 address" "${B6[1]}"
  write
  {
    nat_service one "$VIP4:81/tcp" 9000 "${B4[1]}"
    echo "    source: keep"
    nat_service two "$VIP4:82/tcp" 9000 "${B4[1]}" "${B4[2]}"
    echo "    source: keep"
  } >> "$config"
  refused "one backend's port in two services that keep the source" "found 10\.0\.0\.11:9000/tcp" \
    'service "one" \(line [0-9]+\) has it' "another port of the backend, or .source: nat."
  write "nat_ports: 20000-20500"
  refused "too few ports" "nat_ports" "1024"
  write "nat_ports: 80-40000"
  refused "ports of others" "nat_ports" "1024"
  write "nat_flows: 100000"
  refused "a table of no power of two" "nat_flows" "64K|65536"
  write
  echo "    source: mine" >> "$config"
  refused "a source that does not exist" "source" "nat.*keep"
}
bad_sources
write
check "poised starts with what is right" poised_start
is "without a warning" "$(grep -c "overlap\|ip_forward" "$log")" 0
check "the backend becomes usable" wait_until 10 all_usable
check "a request" answers client "http://$VIP4/"
bad_sources
is "what is refused changes nothing" "$(field '[.[].name] | join(" ")' service list)" web
output=$(poise service add own --listen "$LB4:20000/tcp" --mode nat --backend "${B4[1]}:8080" 2>&1)
is "poise service add within nat_ports: exit status" $? 1
matches "it says what to write" "$output" "nat_ports: 20001-32767"
write "nat_ports: 20001-32767"
nat_service own "$LB4:20000/tcp" 8080 "${B4[1]}" >> "$config"
poised_stop
check "poised starts with what was to be written" poised_start
check "both are usable" wait_until 10 all_usable
check "a request to the balancer's own port" answers client "http://$LB4:20000/"
check "a request to the other" answers client "http://$VIP4/"

# ---- the host's own
spawn host lb python3 -u -m http.server 25000 --bind $LB4
wait_until 5 on lb curl -s -o /dev/null "http://$LB4:25000/" || bail "the host's server starts"
for from in client b1; do
  [ $from = client ] || route b1 default via $ROUTER4
  check "a server of the host on a port of nat answers $from" on "$from" curl -sf --max-time 3 -o /dev/null \
    "http://$LB4:25000/"
done
is "the host's own connection from a port of nat ends there" \
  "$(on lb curl -sf --max-time 3 --local-port 26000-26100 "http://${B4[1]}:8080/")" b1
is "a port of nat that nobody has is refused by the host" \
  "$(on client curl -sf --max-time 3 "http://$LB4:25001/"; echo $?)" 7
is "a datagram to such a port, too" \
  "$(on client python3 "$root/tests/net/peers/udp_peer.py" probe $LB4 25001 64)" ECONNREFUSED
is "nothing was dropped" "$(field 'with_entries(select(.value > 0)) | tostring' drops)" "{}"

# ---- warnings
warned() { matches "$1" "$(cat "$log")" "$2"; }
poised_stop
: > "$log"
on lb sh -c 'echo "15000 60999" > /proc/sys/net/ipv4/ip_local_port_range'
write
check "poised starts where ports overlap" poised_start
warned "both ranges are told" "nat_ports 10240-32767 .*ip_local_port_range 15000-? ?60999"
warned "and what to write" "write .nat_ports: 10240-14999."
{
  nat_service kept "$VIP4:81/tcp" 9000 "${B4[1]}"
  echo "    source: keep"
} >> "$config"
check "a service that keeps the source" poise reload
warned "it needs a host that forwards" "sysctl net\.ipv4\.ip_forward=1"
finish
