#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode local: servers on this very host behind a port of all its addresses, for clients outside and on
# the host itself; killed servers, drain, schedulers, poised restarted, IPv6, UDP, and its removal.
. "$(dirname "$0")/../lib/lib.sh"

HOST4=198.51.100.1 HOST6=2001:db8:1::1
netns_add client lb || bail "namespaces"
veth client eth0 lb eth0 || bail "veth"
address client eth0 198.51.100.2/24 2001:db8:1::2/64
address lb eth0 $HOST4/24 $HOST6/64

server_start() { # server_start NAME ADDRESS PORT [PROCESS]
  spawn "${4:-$1}" lb python3 "$root/tests/net/peers/local_peer.py" http "$1" "$2" "$3"
  wait_until 10 grep -q ready "$tmp/${4:-$1}.log"
}
udp_start() { # udp_start HOW NAME ADDRESS PORT
  spawn "udp-$2" lb python3 "$root/tests/net/peers/local_peer.py" "$1" "$2" "$3" "$4"
  wait_until 10 grep -q ready "$tmp/udp-$2.log"
}
hold() { # hold NAME ADDRESS PORT COUNT: a client with connections that it keeps
  spawn "$1" client python3 "$root/tests/net/peers/local_peer.py" hold "$2" "$3" "$4"
  wait_until 10 grep -q "held $4" "$tmp/$1.log"
}
backend() { field ".backends[] | select(.id == \"$2\") | $3" service show "$1"; } # backend SERVICE ID FILTER
backend_is() { [ "$(backend "$1" "$2" "$3")" = "$4" ]; }
flows_held() { field '[.backends[].flows] | add' service show "$1"; }
holds_flows() { [ "$(flows_held "$1")" = "$2" ]; }
by() { answers_of "$1" "$tmp/answers"; } # by NUMBER
from_host() { on lb curl -sf --no-keepalive --max-time 5 "$1?n=[1-$2]" 2> /dev/null; } # from_host URL COUNT

check_tcp="{ tcp: true, interval: 500ms, timeout: 400ms }"
{
  echo "services:"
  service_yaml web "0.0.0.0:8080/tcp" local "$check_tcp"
  printf '      - { address: "%s", weight: %s }\n' 127.0.0.1:8001 100 127.0.0.1:8002 50 127.0.0.1:8003 100
  service_yaml web6 "[$HOST6]:8080/tcp" local "[::1]:8004" "[::1]:8005"
  service_yaml both "[::]:8081/tcp" local 127.0.0.1:8001 "[::1]:8004"
  service_yaml six "[::]:8083/tcp" local 127.0.0.1:8001 "[::1]:8006"
  service_yaml least "0.0.0.0:8082/tcp" local 127.0.0.1:8001 127.0.0.1:8002
  echo "    scheduler: leastconn"
  service_yaml syslog "0.0.0.0:514/udp" local 127.0.0.1:9001 127.0.0.1:9002
  service_yaml dns "$HOST4:53/udp" local 127.0.0.2:53 127.0.0.3:53
} > "$config"
for number in 1 2 3; do server_start b$number 127.0.0.1 800$number || bail "server $number"; done
for number in 4 5; do server_start b$number ::1 800$number || bail "server $number"; done
# At all addresses, but of IPv6 only. Connections over IPv4 to port 8006 find nobody.
spawn b6 lb python3 "$root/tests/net/peers/local_peer.py" http6 b6 :: 8006
wait_until 10 grep -q ready "$tmp/b6.log" || bail "server 6"
server_start b3 127.0.0.1 8003 b3-too || bail "a second process of server 3"
for number in 1 2; do udp_start listen s$number 127.0.0.1 900$number || bail "UDP server $number"; done
for number in 1 2; do udp_start answer b$number 127.0.0.$((number + 1)) 53 || bail "UDP server $number"; done

poised_start || bail "poised starts without an interface"
check "every backend becomes usable" wait_until 10 all_usable

# ---- who serves whom
requests "http://$HOST4:8080/" 500 > "$tmp/answers"
is "500 requests from outside are answered" "$(failures "$tmp/answers")" 0
holds "shares follow weights ($(by 1), $(by 2), $(by 3))" \
  "$(by 1) > 150 && $(by 1) < 250 && $(by 2) > 60 && $(by 2) < 140 && $(by 3) > 150 && $(by 3) < 250"
is "each connection is counted once" "$(flows_of web)" 500
from_host "http://127.0.0.1:8080/" 200 > "$tmp/answers"
is "200 from the host itself are, too" "$(grep -cE '^b[123]$' "$tmp/answers")" 200
holds "by all three" "$(by 1) && $(by 2) && $(by 3)"
from_host "http://$HOST4:8080/" 20 > "$tmp/answers"
is "by any of its addresses" "$(grep -cE '^b[123]$' "$tmp/answers")" 20
requests "http://[$HOST6]:8080/" 200 > "$tmp/answers"
is "200 requests over IPv6 are answered" "$(failures "$tmp/answers")" 0
holds "by both backends ($(by 4), $(by 5))" "$(by 4) > 60 && $(by 5) > 60"
requests "http://[$HOST6]:8081/" 50 > "$tmp/answers"
is "[::]: a client over IPv6 gets who listens there" "$(by 4)" 50
requests "http://$HOST4:8081/" 50 > "$tmp/answers"
is "[::]: a client over IPv4 gets an answer" "$(failures "$tmp/answers")" 0
explained() { # explained CLIENT SERVICE: the backends that 20 of a client's ports would get
  local port
  for ((port = 20001; port <= 20020; port++)); do
    poise -j explain "$1:$port" "$2" | jq -r .first.backend.id
  done | sort -u
}
requests "http://$HOST4:8083/" 50 > "$tmp/answers"
is "a socket of IPv6 only: a client over IPv4 gets the other one" "$(by 1)" 50
is "and explain says so" "$(explained 198.51.100.2 $HOST4:8083)" 127.0.0.1:8001
requests "http://[$HOST6]:8083/" 50 > "$tmp/answers"
is "a client over IPv6 gets the socket" "$(by 6)" 50
is "and explain says so, too" "$(explained "[2001:db8:1::2]" "[$HOST6]:8083")" "[::1]:8006"
is "a backend is reached by its own port as before" "$(from_host http://127.0.0.1:8001/ 1)" b1

# ---- connections, counted and waited for
check "50 connections are held" hold held $HOST4 8080 50
check "all of them are counted" wait_until 10 holds_flows web 50
poise backend drain web 127.0.0.1:8003 --wait --timeout 2s > "$tmp/drain.out" 2>&1
is "a drain does not end while there are some" $? 1
holds "of both processes of the server" "$(backend web 127.0.0.1:8003 .flows) > 8"
requests "http://$HOST4:8080/" 100 > "$tmp/answers"
is "it is given no new ones" "$(by 3)" 0
poise backend drain web 127.0.0.1:8003 --wait --timeout 1m > "$tmp/drain.out" 2>&1 &
waiting=$!
sleep 1
check "it goes on waiting" kill -0 $waiting
end held
wait $waiting
is "it ends with the last connection" $? 0
check "nobody is counted any more" wait_until 10 holds_flows web 0
check "the backend is ready again" poise backend set web 127.0.0.1:8003 --state ready

# ---- leastconn
check "one backend alone" poise backend set least 127.0.0.1:8002 --state drain
check "takes 30 connections" hold first $HOST4 8082 30
check "the other one is back" poise backend set least 127.0.0.1:8002 --state ready
check "the 30 are counted" wait_until 10 holds_flows least 30
check "30 more" hold second $HOST4 8082 30
check "are counted" wait_until 10 holds_flows least 60
holds "most of them are the other one's ($(backend least 127.0.0.1:8002 .flows))" \
  "$(backend least 127.0.0.1:8002 .flows) >= 15"
end first
end second

# ---- servers that come and go
traffic_start "http://$HOST4:8080/"
check "traffic runs" traffic_moves 100
end b2 KILL
requests "http://$HOST4:8080/" 100 > "$tmp/answers"
is "a server was killed: no client notices" "$(failures "$tmp/answers")" 0
check "poised does" wait_until 5 backend_is web 127.0.0.1:8002 .usable false
is "and says why" "$(backend web 127.0.0.1:8002 .next_hop)" "nothing listens there"
end b3
is "one of two processes ends: the backend stays" "$(backend web 127.0.0.1:8003 .usable)" true
server_start b2 127.0.0.1 8002 || not_ok "the server starts again"
check "the server is back" wait_until 10 backend_is web 127.0.0.1:8002 .usable true
requests "http://$HOST4:8080/" 100 > "$tmp/answers"
holds "and is given connections" "$(by 2)"
traffic_stop
total=$(wc -l < "$tmp/traffic")
holds "of $total requests none failed but one that was under way" "$(failures "$tmp/traffic") <= 2"

# ---- poised that comes and goes
before=$(flows_of web)
check "connections are held" hold held $HOST4 8080 40
traffic_start "http://$HOST4:8080/"
check "traffic runs" traffic_moves 100
poised_kill
check "it goes on without poised" traffic_moves 200
check "poised starts again" poised_start
check "traffic goes on" traffic_moves 200
check "connections older than poised are counted" wait_until 10 holds_flows web 40
poised_stop
check "traffic goes on after SIGTERM" traffic_moves 200
spawn_via_netns_exec=1 check "poised starts again by ip netns exec" poised_start
check "traffic goes on" traffic_moves 200
traffic_stop
total=$(wc -l < "$tmp/traffic")
is "no request of $total failed" "$(failures "$tmp/traffic")" 0
is "each connection is counted once" "$(($(flows_of web) - before))" $((total + 40))
end held

# ---- UDP
on client python3 "$root/tests/net/peers/local_peer.py" ask $HOST4 53 40 > "$tmp/answers"
is "UDP: 40 flows, each by one server that listens on the service's port" \
  "$(grep -cE '^b[12]$' "$tmp/answers")" 40
holds "by both ($(by 1), $(by 2))" "$(by 1) > 5 && $(by 2) > 5"
on lb python3 "$root/tests/net/peers/local_peer.py" ask $HOST4 53 10 > "$tmp/answers"
is "UDP: on the host itself" "$(grep -cE '^b[12]$' "$tmp/answers")" 10
on client python3 "$root/tests/net/peers/local_peer.py" tell $HOST4 514 60
told() { [ $(($(grep -cx s1 "$tmp/udp-s1.log") + $(grep -cx s2 "$tmp/udp-s2.log"))) = 60 ]; }
check "UDP: what is not to be answered arrives" wait_until 5 told
holds "at both servers" "$(grep -cx s1 "$tmp/udp-s1.log") > 10 && $(grep -cx s2 "$tmp/udp-s2.log") > 10"
is "each flow is counted once" "$(flows_of syslog)" 60
matches "that answers come from another port was said" "$(cat "$tmp/poised-$instance.log")" \
  "127.0.0.1:9001 answers from port 9001"

# ---- what is refused
poise service add loop --listen 0.0.0.0:8001/tcp --mode local > "$tmp/refused" 2>&1
is "a service on the port of a backend is refused" $? 1

# ---- and away with it
refused() { ! on client curl -sf -o /dev/null --max-time 3 "http://$HOST4:8080/"; }
for service in web web6 both six least syslog; do poise service del $service > /dev/null; done
check "without its service a port is refused" refused
on client python3 "$root/tests/net/peers/local_peer.py" ask $HOST4 53 5 > "$tmp/answers"
is "the last one serves" "$(grep -cE '^b[12]$' "$tmp/answers")" 5
pins() { find /sys/fs/bpf/poise /proc/1/root/sys/fs/bpf/poise -path "*/$instance/local*" 2> /dev/null || true; }
matches "while there is one its link is pinned" "$(pins)" "/local/link"
poise service del dns > /dev/null
nothing "with the last service nothing is left of it" pins
finish
