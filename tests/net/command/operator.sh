#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Operator commands about services by sockets of this host: explain, status, detach, with poised and
# without.
. "$(dirname "$0")/../lib/lib.sh"

HOST4=198.51.100.1 HOST6=2001:db8:1::1
netns_add client lb || bail "namespaces"
veth client eth0 lb eth0 || bail "veth"
address client eth0 198.51.100.2/24 2001:db8:1::2/64
address lb eth0 $HOST4/24 $HOST6/64

server_start() { # server_start NAME ADDRESS PORT
  spawn "$1" lb python3 "$root/tests/net/peers/local_peer.py" http "$1" "$2" "$3"
  wait_until 10 grep -q ready "$tmp/$1.log"
}
answers() { [ "$(on client curl -sf --max-time 3 "http://$HOST4:8080/")" = b1 ]; }
tells() { # tells NAME PATTERN ARGUMENT...: of standard output and error
  local name=$1 pattern=$2
  shift 2
  matches "$name" "$(poise "$@" 2>&1)" "$pattern"
}

server_start b1 127.0.0.1 8001 || bail "server 1"
server_start b4 ::1 8004 || bail "server 4"
{
  echo "services:"
  service_yaml web "0.0.0.0:8080/tcp" local 127.0.0.1:8001
  service_yaml only4 "[::]:8081/tcp" local 127.0.0.1:8001
  service_yaml both "[::]:8082/tcp" local 127.0.0.1:8001 "[::1]:8004"
} > "$config"
poised_start || bail "poised starts without an interface"
check "every backend becomes usable" wait_until 10 all_usable

# ---- explain: whose socket a client gets
explained() { field '.first | .backend.id // .why' explain "$1" "$2"; } # explained SOURCE DESTINATION
is "a client over IPv6 of a server over IPv4" "$(explained "[2001:db8:1::2]:4000" "[$HOST6]:8081")" refused
tells "is told so" "refused: no backend of that family" explain "[2001:db8:1::2]:4000" "[$HOST6]:8081"
refused6() { ! on client curl -sf -o /dev/null --max-time 3 "http://[$HOST6]:8081/"; }
check "and is" refused6
is "one over IPv4 is not" "$(explained 198.51.100.2:4000 $HOST4:8081)" 127.0.0.1:8001
for port in 4001 4002 4003 4004 4005 4006; do
  explained "[2001:db8:1::2]:$port" "[$HOST6]:8082"
  explained 198.51.100.2:$port $HOST4:8082
done | sort | uniq -c | xargs > "$tmp/families"
is "of servers of both families each client is given one of its own" "$(cat "$tmp/families")" \
  "6 127.0.0.1:8001 6 [::1]:8004"

is "what nobody counts is null" "$(field '.services[0] | [.packets, .bytes, .reply_bytes] | tostring' stats --once)" \
  "[null,null,null]"
is "for the API, too" "$(on lb curl -s --unix-socket "/run/poise/$instance/poised.sock" http://poise/v1/stats |
  jq -c '.services[0] | [.packets, .bytes, .reply_bytes]')" "[null,null,null]"

# ---- status and detach
tells "status: sockets need no interface" "^interfaces  none$" status
tells "status: who balances" "^mode local  3 services by sockets of this host" status
tells "detach says what goes on" "3 services by sockets of this host .* go on" detach
check "it does" answers
poised_kill
tells "status without poised: traffic goes on" "not running, traffic goes on" status
tells "status without poised: who balances" "^mode local  3 services" status
check "it does" answers
is "explain without poised: a server that is there" "$(explained "[2001:db8:1::2]:4000" "[$HOST6]:8082")" "[::1]:8004"
end b4 KILL
is "and one that was killed" "$(explained "[2001:db8:1::2]:4000" "[$HOST6]:8082")" refused
server_start b4 ::1 8004 || not_ok "the server starts again"
check "detach without poised" poise detach
check "ends it" eval '! answers'
check "poised starts again" poised_start
check "every backend is usable again" wait_until 10 all_usable
check "a service by nat" poise service add other --listen "$HOST4:81/tcp" --mode nat --backend 198.51.100.2:81
tells "status: what needs an interface is told" "none: no traffic of the other services" status
check "its backend is usable" wait_until 10 all_usable
check "and one that has no route" poise backend add other 203.0.113.9:81
tells "status: who cannot be reached is not up" "^backends    5 of 6 up" status
tells "nor in service list" "other .* 1 of 2 " service list
tells "service show names it" "1 of 2 up, 1 unreachable: see NEXT HOP" service show other
poise backend maint other 198.51.100.2 > /dev/null
tells "who is kept out is up as before" "1 of 2 up, 1 unreachable" service show other
check "and is removed" poise service del other
finish
