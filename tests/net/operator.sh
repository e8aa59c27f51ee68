#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What poise tells of services by sockets of this host: status, detach, with poised and without.
. "$(dirname "$0")/lib.sh"

HOST4=198.51.100.1 HOST6=2001:db8:1::1
netns_add client lb || bail "namespaces"
veth client eth0 lb eth0 || bail "veth"
address client eth0 198.51.100.2/24 2001:db8:1::2/64
address lb eth0 $HOST4/24 $HOST6/64

server_start() { # server_start NAME ADDRESS PORT
  spawn "$1" lb python3 "$here/local_peer.py" http "$1" "$2" "$3"
  wait_until 10 grep -q ready "$tmp/$1.log"
}
answers() { [ "$(on client curl -sf --max-time 3 "http://$HOST4:8080/")" = b1 ]; }
tells() { # tells NAME PATTERN ARGUMENT...: of standard output and error
  local name=$1 pattern=$2
  shift 2
  matches "$name" "$(poise "$@" 2>&1)" "$pattern"
}

server_start b1 127.0.0.1 8001 || bail "server 1"
{
  echo "services:"
  service_yaml web "0.0.0.0:8080/tcp" local 127.0.0.1:8001
} > "$config"
poised_start || bail "poised starts without an interface"
check "every backend becomes usable" wait_until 10 all_usable

# ---- status and detach
tells "status: sockets need no interface" "^interfaces  none$" status
tells "status: who balances" "^mode local  1 service by sockets of this host" status
tells "detach says what goes on" "1 service by sockets of this host .* goes on" detach
check "it does" answers
poised_kill
tells "status without poised: traffic goes on" "not running, traffic goes on" status
tells "status without poised: who balances" "^mode local  1 service" status
check "it does" answers
check "detach without poised" poise detach
check "ends it" eval '! answers'
check "poised starts again" poised_start
check "every backend is usable again" wait_until 10 all_usable
check "a service by nat" poise service add other --listen "$HOST4:81/tcp" --mode nat --backend 198.51.100.2:81
tells "status: what needs an interface is told" "none: no traffic of the other services" status
check "its backend is usable" wait_until 10 all_usable
check "and one that has no route" poise backend add other 203.0.113.9:81
tells "status: who cannot be reached is not up" "^backends    2 of 3 up" status
tells "nor in service list" "other .* 1 of 2 " service list
tells "service show names it" "1 of 2 up, 1 unreachable: see NEXT HOP" service show other
poise backend maint other 198.51.100.2 > /dev/null
tells "who is kept out is up as before" "1 of 2 up, 1 unreachable" service show other
check "and is removed" poise service del other
finish
