# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HAProxy in TCP mode without a time limit: a new process takes the listeners over from the last one
# (-x), and each old one (-sf) stays for as long as a connection of it does.
# shellcheck source=tools/bench-churn/lib-haproxy.sh
. tools/bench-churn/lib-haproxy.sh
haproxy_hard_stop=
haproxy_number=0

subject_about() { echo "$(haproxy -v | awk 'NR == 1 { print "HAProxy", $3 }'), TCP mode, -sf and -x at each change, old processes without a time limit"; }

haproxy_spawn() { # haproxy_spawn [OLD-PID]
  haproxy_number=$((haproxy_number + 1))
  haproxy_config > "$tmp/haproxy.cfg"
  spawn "haproxy-$haproxy_number" lb haproxy -db -f "$tmp/haproxy.cfg" ${1:+-x "$tmp/haproxy.sock" -sf "$1"}
  wait_until 5 haproxy_serves "${pids[haproxy-$haproxy_number]}"
}

# The one that answers on the socket is the one that listens.
haproxy_serves() { haproxy_info 2> /dev/null | grep -qx "Pid: $1"; }

subject_set() { haproxy_spawn "${pids[haproxy-$haproxy_number]}"; }

subject_restart() {
  weights[1]=70
  spawn haproxy-begun lb haproxy -db -f "$tmp/haproxy.cfg" -x "$tmp/haproxy.sock" -sf "${pids[haproxy-$haproxy_number]}"
  sleep 0.02
  haproxy_kill
  haproxy_spawn
}

haproxy_kill() { # all of its processes
  local name
  for name in "${!pids[@]}"; do
    case $name in haproxy-*) end "$name" KILL ;; esac
  done
}

subject_stop() {
  haproxy_kill
  ip -n "$run-lb" address del $VIP4/32 dev lo
}
