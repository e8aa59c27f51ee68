# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HAProxy in TCP mode, master-worker: SIGUSR2 reloads, listeners are handed over, the old process
# keeps its connections for hard-stop-after.
haproxy_hard_stop="hard-stop-after 30s"
haproxy_maxconn=8000
haproxy_bind= haproxy_defaults= # further options
subject_about() { echo "$(haproxy -v | awk 'NR == 1 { print "HAProxy", $3 }'), TCP mode, master-worker, reload with listeners handed over, hard-stop-after 30s"; }

haproxy_config() {
  local number
  cat << END
global
  stats socket $tmp/haproxy.sock mode 600 level admin expose-fd listeners
  maxconn $haproxy_maxconn
  nbthread 2
  $haproxy_hard_stop
defaults
  mode tcp
$haproxy_defaults
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend web
  bind $VIP4:80 $haproxy_bind
  default_backend web
backend web
  balance roundrobin
END
  for number in 1 2 3 4; do
    [ -z "${weights[number]}" ] || echo "  server b$number ${B4[number]}:80 weight $((weights[number] > 256 ? 256 : weights[number])) check inter 500ms"
  done
}

haproxy_spawn() {
  haproxy_config > "$tmp/haproxy.cfg"
  : > "$tmp/haproxy.log"
  spawn haproxy lb haproxy -W -f "$tmp/haproxy.cfg"
  wait_until 5 haproxy_workers_are 1
}

# The workers are the master's children; it names them as they come and go.
haproxy_loads() { grep -c 'Loading success' "$tmp/haproxy.log"; }
haproxy_workers_are() { [ "$(haproxy_loads)" -ge "$1" ]; }

subject_start() {
  address lb lo $VIP4/32
  haproxy_spawn
}

subject_set() {
  local before
  before=$(haproxy_loads)
  haproxy_config > "$tmp/haproxy.cfg"
  # A signal that comes while the master starts anew is lost now and then.
  for _ in 1 2 3; do
    kill -USR2 "${pids[haproxy]}"
    wait_until 2 haproxy_workers_are $((before + 1)) && return
  done
  return 1
}

# The master takes its workers along.
subject_restart() {
  weights[1]=70
  haproxy_config > "$tmp/haproxy.cfg"
  kill -USR2 "${pids[haproxy]}"
  sleep 0.02
  end haproxy KILL
  haproxy_spawn
}

haproxy_info() { python3 - "$tmp/haproxy.sock" << 'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(1)
s.connect(sys.argv[1])
s.sendall(b"show info\n")
while data := s.recv(65536):
    print(data.decode(), end="")
END
}
subject_carried() { haproxy_info | awk '$1 == "CumConns:" { print $2 }'; }

subject_extra() { echo "$(haproxy_processes) processes"; }
haproxy_processes() { ip netns pids "$run-lb" | wc -l; }

subject_stop() {
  end haproxy TERM
  ip -n "$run-lb" address del $VIP4/32 dev lo
}
