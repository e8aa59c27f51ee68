#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# poise run: one command, in the foreground, in front of sockets of this host and of servers
# elsewhere; whatever ends it, nothing is left.
. "$(dirname "$0")/../lib/lib.sh"

# A host with servers of its own and two networks behind it.
netns_add host client b1 b2 || bail "namespaces"
{ veth host eth0 client eth0 && address host eth0 10.0.0.1/24 2001:db8::1/64 \
  && address client eth0 10.0.0.2/24 2001:db8::2/64; } || bail "the client's network"
for number in 1 2; do
  { veth host "to-b$number" "b$number" eth0 && address host "to-b$number" "10.1.$number.1/24" \
    && address "b$number" eth0 "10.1.$number.2/24"; } || bail "b$number's network"
  takes_xdp_frames "b$number" eth0 || bail "b$number's XDP"
done
takes_xdp_frames client eth0 || bail "the client's XDP"

server_start() { # server_start NAME NAMESPACE ADDRESS PORT: answers /who with its name
  mkdir -p "$tmp/$1"
  echo "$1" > "$tmp/$1/who"
  spawn "$1" "$2" python3 -m http.server --bind "$3" --directory "$tmp/$1" "$4"
  wait_until 10 on "$2" curl -sf -o /dev/null "http://$3:$4/who"
}
for number in 1 2 3; do
  server_start "s$number" host 127.0.0.1 "800$number" || bail "server $number starts"
done
{ server_start b1 b1 10.1.1.2 8080 && server_start b2 b2 10.1.2.2 8080; } || bail "backends start"

# run_start NAME ARGUMENT...: `poise run` on the host. Of what runs in the background without job
# control SIGINT is ignored, and Ctrl-C is among what is to be tried.
run_start() {
  local name=$1
  shift
  spawn_with="env --default-signal=INT" spawn "$name" host "$poise" run \
    ${named[$name]:+--instance "${named[$name]}"} "$@"
  instances+=("$(name_of "$name")")
}
declare -A named=() # those that are not to choose the name of their instance
name_of() { echo "${named[$1]:-run-${pids[$1]}}"; } # the instance
says() { [ "$(grep -c -- "$3" "$tmp/$1.log")" = "$2" ]; } # says NAME TIMES PATTERN
poise_of() { on host "$poise" --instance "$(name_of "$1")" "${@:2}"; }
answers() { on "$1" curl -sf -o /dev/null -m 2 "$2"; }
pinned() { # pinned INSTANCE: anything of it on a BPF file system
  local mount
  while read -r _ mount _; do
    [ -e "$mount/poise/$1" ] && return
  done < <(grep -E '^[^ ]+ [^ ]+ bpf ' /proc/mounts)
  return 1
}
gone() { ! pinned "$1" && [ ! -e "/run/poise/$1" ] && [ ! -e "/var/lib/poise/$1" ]; }
nothing_left() { # nothing_left INSTANCE
  gone "$1" && ! pgrep -f -- "--instance $1 " > /dev/null \
    && ! on host ip link show eth0 | grep -q prog/xdp
}
spread() { # spread NAMESPACE URL: who answered 60 requests
  local _
  for _ in {1..60}; do on "$1" curl -s -m 2 "$2"; done | sort | uniq -c | awk '{ print $2 }' | xargs
}
refused() { # refused NAME PATTERN ARGUMENT...
  local name=$1 pattern=$2 said status
  shift 2
  said=$(on host timeout 20 "$poise" run "$@" 2>&1 < /dev/null)
  status=$?
  holds "$name: refused" "$status == 1 || $status == 2"
  matches "$name: with words" "$said" "$pattern"
}

# ---- sockets of this host: the README's first example
began_ms=$((${EPOCHREALTIME/./} / 1000))
run_start local --listen :8080 127.0.0.1:8001 127.0.0.1:8002 127.0.0.1:8003
check "it answers" wait_until 10 answers host http://127.0.0.1:8080/who
took_ms=$((${EPOCHREALTIME/./} / 1000 - began_ms))
echo "# after $took_ms ms"
holds "within two seconds, or five on a busy machine" "$took_ms < 5000 * ${POISE_PATIENCE:-1}"
check "all backends come up" wait_until 10 says local 3 ' is up$'
is "all of them answer" "$(spread host http://127.0.0.1:8080/who)" "s1 s2 s3"
is "from another machine, too" "$(spread client http://10.0.0.1:8080/who)" "s1 s2 s3"
matches "it says where it listens" "$(cat "$tmp/local.log")" \
  '^listening on \[::\]:8080/tcp; 3 backends, mode local'
is "others can ask its poised" "$(poise_of local -j service list | jq -r '.[0].mode')" local
holds "connections are counted" \
  "$(poise_of local -j stats --once | jq '.services[0].new_flows') >= 120"
matches "explain names a socket" "$(poise_of local explain 10.0.0.2:5555 10.0.0.1:8080)" \
  'answer +127\.0\.0\.1:800[123]'

refused "a port that is taken" "\[::\]:8001/tcp is taken: python3 \(process ${pids[s1]}\) listens on 127.0.0.1:8001" \
  --listen :8001 127.0.0.1:8002
refused "a port of another poised" "\[::\]:8080/tcp is taken: it is service 8080 of poised \(process [0-9]+, instance $(name_of local)\)" \
  --listen 127.0.0.1:8080 127.0.0.1:8002
refused "one address and another" "no address of this host" --listen 192.0.2.77:80 127.0.0.1:8001
refused "itself as a backend" "connections would come back" --listen :8090 127.0.0.1:8090
refused "backends here and elsewhere" "127.0.0.1:8001 is on this host, 10.1.1.2:8080 is not" \
  --listen :8090 127.0.0.1:8001 10.1.1.2:8080
refused "no port" "needs a port" --listen :8090 127.0.0.1
refused "port 0" "port from 1 to 65535" --listen :0 127.0.0.1:8001
refused "no backends" "no backends" --listen :8090
refused "nowhere to listen" "where clients connect to is missing" 127.0.0.1:8001
refused "an interface that is not there" "^poise: --interface nope: No such device" \
  --listen 10.0.0.77:80 --interface nope 10.1.1.2:8080
refused "an address twice" "^poise: --listen: 10.0.0.1:7300/tcp is meant twice" \
  --listen 10.0.0.1:7300 --listen :7300 10.1.1.2:8080
said=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$poise" run --listen :8090 127.0.0.1:8001 2>&1)
is "not root: refused" $? 1
matches "with what to do" "$said" 'not root.*sudo poise run'
cp "$poise" "$tmp/poise-alone"
said=$(PATH=/nowhere /usr/bin/nsenter --net="/run/netns/$run-host" "$tmp/poise-alone" run --listen :8090 127.0.0.1:8001 2>&1)
is "no poised: refused" $? 1
matches "saying where it was looked for" "$said" 'poised is neither beside poise nor in PATH'

end s2 KILL
check "a server that is killed is told of" wait_until 10 says local 1 '^127.0.0.1:8002 is down: '
is "the others go on" "$(spread host http://127.0.0.1:8080/who)" "s1 s3"
server_start s2 host 127.0.0.1 8002
check "and that it is back" wait_until 10 says local 2 '^127.0.0.1:8002 is up'

instance=$(name_of local)
end local INT
is "Ctrl-C: exit status" $? 0
check "everything is taken away" wait_until 5 nothing_left "$instance"
on host curl -s -m 2 http://127.0.0.1:8080/who > "$tmp/answer"
is "and nobody answers: connection refused" $? 7

# ---- however it ends
ends_with() { # ends_with NAME SIGNAL STATUS [WHOM]: WHOM: "poised", else poise itself
  local instance
  run_start "$1" --listen :8080 127.0.0.1:8001 127.0.0.1:8002
  instance=$(name_of "$1")
  check "$1: it answers" wait_until 10 answers host http://127.0.0.1:8080/who
  if [ "${4-}" = poised ]; then
    kill -"$2" "$(cat "/run/poise/$instance/poised.pid")"
    wait "${pids[$1]}"
  else
    end "$1" "$2"
  fi
  is "$1: exit status" $? "$3"
  unset "pids[$1]"
  check "$1: nothing is left" wait_until 5 nothing_left "$instance"
}
ends_with terminated TERM 0
ends_with hangup HUP 0
ends_with killed KILL 137
ends_with poised-killed KILL 1 poised
matches "which is said" "$(cat "$tmp/poised-killed.log")" 'poised has ended: it was ended by signal 9'

# Two in the same instant find the port free, both.
run_start first --listen :8080 127.0.0.1:8001
run_start second --listen :8080 127.0.0.1:8002
only_one() { [ "$(cat "$tmp/first.log" "$tmp/second.log" | grep -c "$1")" = 1 ]; }
check "of two at once one listens" wait_until 10 only_one '^listening on'
check "and the other is refused" wait_until 10 only_one 'is taken: it is service 8080'
check "one only" only_one '^listening on'
end first
end second

run_start hung --listen :8080 127.0.0.1:8001
instance=$(name_of hung)
check "hung: it answers" wait_until 10 answers host http://127.0.0.1:8080/who
kill -STOP "$(cat "/run/poise/$instance/poised.pid")"
refused "a port of one that does not answer" "poised \(process [0-9]+, instance $instance\) does not answer" \
  --listen :8080 127.0.0.1:8002
end hung INT
is "hung: Ctrl-C ends both: exit status" $? 0
check "hung: nothing is left" wait_until 5 nothing_left "$instance"

# ---- nobody reads what it prints
pipe_make() { # pipe_make NAME: what it prints goes there: a pipe of one page, which is full
  mkfifo "$tmp/$1.log" && exec 7<> "$tmp/$1.log" || return
  python3 -c 'import fcntl, os; fcntl.fcntl(7, fcntl.F_SETPIPE_SZ, 4096); os.write(7, bytes(4096))'
}
pipe_remove() { exec 7>&- && rm "$tmp/$1.log"; }
pipe_full() { # but for what is shorter than an update
  python3 -c 'import array, fcntl, termios
count = array.array("i", [0])
fcntl.ioctl(7, termios.FIONREAD, count)
exit(count[0] < 3900)'
}
pipe_make stalled || bail "a pipe"
run_start stalled --listen :8080 --verbose 127.0.0.1:8001 127.0.0.1:8002
instance=$(name_of stalled)
check "stalled: it answers" wait_until 10 answers host http://127.0.0.1:8080/who
end stalled INT
is "stalled: Ctrl-C: exit status" $? 0
check "stalled: nothing is left" wait_until 5 nothing_left "$instance"
pipe_remove stalled

health_told() { poise_of "$1" -j service list | jq -e --arg id "$2" --arg health "$3" \
  '.[0].backends[] | select(.id == $id) | .health == $health'; }
pipe_make read-later || bail "a pipe"
run_start read-later --listen :8080 --interval 100ms 127.0.0.1:8001 127.0.0.1:8002
check "read later: it answers" wait_until 10 answers host http://127.0.0.1:8080/who
check "read later: a backend is up" wait_until 10 health_told read-later 127.0.0.1:8002 up
cat <&7 > "$tmp/read.log" &
pids[reader]=$!
reads() { grep -qa -- "$1" "$tmp/read.log"; }
check "read later: then it is told" wait_until 10 reads '^127.0.0.1:8002 is up'
kill -STOP "${pids[reader]}"
check "read later: the pipe is full again" wait_until 10 pipe_full
end s2 KILL
check "read later: a backend fails meanwhile" wait_until 10 health_told read-later 127.0.0.1:8002 down
kill -CONT "${pids[reader]}"
check "read later: this is told" wait_until 10 reads '^127.0.0.1:8002 is down'
server_start s2 host 127.0.0.1 8002
end read-later TERM
is "read later: exit status" $? 0
check "read later: it says that it has ended" wait_until 5 reads '^ended: everything is taken away'
end reader
pipe_remove read-later

# ---- servers elsewhere
run_start nat --listen :80 10.1.1.2:8080 10.1.2.2:8080
check "by nat: it answers another machine" wait_until 10 answers client http://10.0.0.1/who
check "by nat: all come up" wait_until 10 says nat 6 ' is up$'
is "by nat: all of them answer" "$(spread client http://10.0.0.1/who)" "b1 b2"
matches "by nat: each address is listened on" "$(cat "$tmp/nat.log")" \
  '^listening on 10\.0\.0\.1:80/tcp, 10\.1\.1\.1:80/tcp, 10\.1\.2\.1:80/tcp; 2 backends, mode nat'
matches "by nat: whom it does not serve" "$(cat "$tmp/nat.log")" 'not those on this very host'
holds "by nat: replies are counted" \
  "$(poise_of nat -j stats --once | jq '.services[] | select(.name == "80") | .reply_packets') > 100"
holds "by nat: its table has had the flows" "$(poise_of nat -j status | jq .nat.made) >= 60"
matches "by nat: sources" "$(poise_of nat status)" 'from 10\.1\.[12]\.1, 10\.1\.[12]\.1, ports'
spawn held client python3 -c 'import socket, time
s = socket.create_connection(("10.0.0.1", 80), source_address=("10.0.0.2", 45678))
s.send(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n"); s.recv(100); time.sleep(60)'
translated() { # translated SOURCE: the NAT table has that flow
  poise_of nat explain "$1" 10.0.0.1:80 | grep -qE '^translated +yes: from 10\.1\.[12]\.1:[0-9]+'
}
check "by nat: a flow is explained" wait_until 5 translated 10.0.0.2:45678
matches "by nat: and one that is not there" "$(poise_of nat explain 10.0.0.2:1 10.0.0.1:80)" \
  'translated +no: the NAT table has no such flow'
kill -KILL "$(cat "/run/poise/$(name_of nat)/poised.pid")"
wait "${pids[nat]}"
is "by nat: poised killed: exit status" $? 1
instance=$(name_of nat)
unset "pids[nat]"
check "by nat: nothing is left" wait_until 5 nothing_left "$instance"

# Both killed: who comes next takes it away, whatever the instance is called.
both_killed() { # both_killed NAME
  local instance
  run_start "$1" --listen :80 10.1.1.2:8080
  check "$1: it answers before" wait_until 10 answers client http://10.0.0.1/who
  instance=$(name_of "$1")
  kill -STOP "${pids[$1]}"
  kill -KILL "$(cat "/run/poise/$instance/poised.pid")"
  end "$1" KILL
  check "$1: something is left" pinned "$instance"
  run_start "$1-next" --listen :80 10.1.1.2:8080
  check "$1: until the next one" wait_until 10 answers client http://10.0.0.1/who
  check "$1: which takes it away" wait_until 5 gone "$instance"
  instance=$(name_of "$1-next")
  end "$1-next" TERM
  check "$1: and at its own end itself" wait_until 5 nothing_left "$instance"
}
both_killed both-killed
named[both-killed-named]=$run-named
both_killed both-killed-named

# Serving without its poised is what others' pins are for, whatever their instance is called.
balancer=host instance=run-99999999-eu$$
{ echo "services:"; service_yaml web "0.0.0.0:9010/tcp" local 127.0.0.1:8001; } > "$config"
check "another poised starts" poised_start
check "and answers" wait_until 10 answers host http://127.0.0.1:9010/who
poised_stop
run_start beside --listen :8080 127.0.0.1:8002
check "a run beside its pins" wait_until 10 answers host http://127.0.0.1:8080/who
check "leaves them alone" answers host http://127.0.0.1:9010/who
end beside TERM
check "at its end, too" answers host http://127.0.0.1:9010/who
refused "a port that pins serve" "0\.0\.0\.0:9010/tcp is taken: it is service web of instance $instance, which is served without its poised; .poise --instance $instance detach --all. ends that" \
  --listen :9010 127.0.0.1:8002
on client timeout --preserve-status -s INT 2 "$poise" run --listen :9010 127.0.0.1:8001 > "$tmp/elsewhere.log" 2>&1
is "in another network they serve nothing" $? 0
check "they are taken off as that says" poise detach --all
run_start freed --listen :9010 127.0.0.1:8002
check "then the port is free" wait_until 10 answers host http://127.0.0.1:9010/who
is "for the run's own backends" "$(spread host http://127.0.0.1:9010/who)" s2
end freed TERM

{ echo "interfaces: [eth0, to-b1]"; echo "services:"
  service_yaml web "10.0.0.1:80/tcp" nat 10.1.1.2:8080; } > "$config"
check "one by XDP starts" poised_start
check "one by XDP answers" wait_until 10 answers client http://10.0.0.1/who
poised_kill
refused "a port that XDP serves" "10\.0\.0\.1:80/tcp is taken: it is service web of instance $instance, which is served without its poised" \
  --listen :80 10.1.2.2:8080
check "it goes on" answers client http://10.0.0.1/who
check "it is taken off by hand" poise detach --all

# ---- on a terminal
if script --version > /dev/null 2>&1; then
  # shellcheck disable=SC2016
  spawn terminal host env TERM=xterm run="$poise" timeout 20 script -qec \
    'stty rows 40 cols 120; exec timeout --foreground -s INT 3 "$run" run --listen :8080 127.0.0.1:8001 127.0.0.1:8009' \
    "$tmp/typescript"
  wait "${pids[terminal]}"
  unset "pids[terminal]"
  shown=$(tr -d '\r' < "$tmp/typescript")
  matches "a terminal has a table" "$shown" '127\.0\.0\.1:8001 .*up'
  matches "with why one is down" "$shown" '127\.0\.0\.1:8009 .*down.*refused'
  matches "drawn in place" "$shown" $'\033\\[[0-9]+A'
  matches "until Ctrl-C" "$shown" 'ended: everything is taken away'
else
  skip "a terminal has a table" "no script(1)"
fi
finish
