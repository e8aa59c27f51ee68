#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat's sources while they change: connections keep theirs to their end, also over a restart.
# Another mode and back. What this host cannot do is refused, what may not be meant is told.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

SOURCE1=10.0.0.51 SOURCE2=10.0.0.52 SOURCE3=10.0.0.53
topology_make plain || bail "topology"
for number in 1 2 3; do
  { nat_nginx_start $number && idle_start $number 6; } || bail "servers start"
done
for one in $SOURCE1 $SOURCE2 $SOURCE3; do address lb eth0 "$one/24"; done
write() { # write KEYS MODE: nat_sources and the like, web's mode
  echo "interfaces: [eth0]"
  [ -z "$1" ] || echo "$1"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" "$2" "$nat_check" 10.0.0.11:8080 10.0.0.12:8080
  echo "    idle_timeout: 9s"
  nat_service h2c "$VIP4:81/tcp" 8081 10.0.0.13
  echo "    idle_timeout: 9s"
}
reload_with() { write "$@" > "$config" && poise reload; }
write "" nat > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

sources() { field '.nat.sources | sort | join(" ")' status; }
sources_are() { [ "$(sources)" = "$1" ]; }
seen() { requests "http://$VIP4/who" 60 | sort -u | xargs; } # by backends
stream() { # stream NAME: a connection that is silent for 6 s
  spawn "$1" client curl -sSfN --http2-prior-knowledge --max-time 60 "http://$VIP4:81/stream"
  wait_until 5 grep -q first "$tmp/$1.log"
}
ends_well() { # ends_well NAME
  wait "${pids[$1]}"
  unset "pids[$1]"
  is "$1 was not broken" "$(xargs < "$tmp/$1.log")" "first last"
}

# ---- sources
is "the interface's own address is the source" "$(sources)" $LB4
check "a connection from it" stream from_own
check "others are named" reload_with "nat_sources: [$SOURCE1, $SOURCE2]" nat
is "backends see these" "$(seen)" "$SOURCE1 $SOURCE2"
is "the first one is kept" "$(sources)" "$LB4 $SOURCE1 $SOURCE2"
poised_kill
is "requests go on" "$(seen)" "$SOURCE1 $SOURCE2"
check "poised starts again after kill -9" poised_start
check "one more, one less" reload_with "nat_sources: [$SOURCE3, $SOURCE2]" nat
is "backends see these" "$(seen)" "$SOURCE2 $SOURCE3"
check "a connection is made" stream from_named
sleep 2
matches "the first one is kept still" "$(sources)" "$LB4 "
ends_well from_own
check "sources of what is over are given up" wait_until 60 sources_are "$SOURCE2 $SOURCE3"
check "none is named" reload_with "" nat
is "backends see the interface's own again" "$(seen)" $LB4
ends_well from_named
check "the others are given up" wait_until 60 sources_are $LB4

# ---- what does not work
refused() { # refused NAME WORDS KEYS MODE
  write "$3" "$4" > "$config"
  poise reload > "$tmp/refused" 2>&1
  is "$1: exit status" $? 1
  matches "$1: it says so" "$(cat "$tmp/refused")" "$2"
}
told() { matches "$1" "$(cat "$tmp/poised-$instance.log")" "$2"; } # told NAME WORDS
refused "a source elsewhere" "nat_sources.*10\.0\.0\.99.*$LB4" "nat_sources: [10.0.0.99]" nat
# Sources of connections are as long as these are, also when nothing of it was applied.
{ write "" nat; nat_service high "$LB4:20000/tcp" 8080 10.0.0.11; } > "$config"
poise reload > "$tmp/refused" 2>&1
is "a service at a port of nat's: exit status" $? 1
matches "what to write is named" "$(cat "$tmp/refused")" "nat_ports: 20001-32767"
{ write "nat_sources: [$SOURCE1]" nat; nat_service high "$LB4:20000/tcp" 8080 10.0.0.11; } > "$config"
check "with other sources it is fine" poise reload
is "requests are answered there" "$(requests "http://$LB4:20000/" 10 | sort -u | xargs)" b1
check "ports that overlap are taken" reload_with "nat_ports: 20000-40000" nat
told "but told of" "20000-40000 and this host's own ports.*overlap"
told "as is when they take effect" "nat_ports: 20000-40000 takes effect when poised is started again"

# ---- another mode
is "requests are answered" "$(requests "http://$VIP4/" 60 | sort -u | xargs)" "b1 b2"
target() { field '[.backends[].target] | join(" ")' service show web; }
before=$(target)
check "to ipip" reload_with "" ipip
is "the targets are the same" "$(target)" "$before"
nothing_left() { [ "$(field '[.backends[] | .flows + .closing] | add' service show web)" = 0 ]; }
check "flows by nat are forgotten" wait_until 10 nothing_left
check "and back" reload_with "" nat
is "requests are answered" "$(requests "http://$VIP4/" 60 | sort -u | xargs)" "b1 b2"
is "no flow was lost" "$(field '.nat | .evicted + .broken' status)" 0
finish
