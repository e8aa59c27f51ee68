# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The network of tests/net with three nginx, and what makes it the same for each subject.
peers_topology() {
  local name
  SEGMENT_MTU=1500
  topology_make segment && xdp_peer_undo || return
  for name in client lb b1 b2 b3; do
    # Neither may ports run out nor what TCP learned from one subject carry over to the next.
    on "$name" sh -c 'cd /proc/sys/net/ipv4 && echo 1024 65535 > ip_local_port_range &&
      echo 1 > tcp_tw_reuse && echo 1 > tcp_no_metrics_save' || return
  done
  head -c "${file_mib}M" /dev/zero > "$tmp/file" || return
  for name in 1 2 3; do peers_server_start $name || return; done
}

# Ports 80 and 8080 answer "bN"; /file is sent by sendfile out of a tmpfs.
peers_server_start() { # peers_server_start NUMBER
  local prefix=$tmp/b$1
  mkdir -p "$prefix"
  cat > "$prefix/nginx.conf" << END
daemon off;
pid $prefix/nginx.pid;
error_log $prefix/error.log;
worker_processes 2;
worker_rlimit_nofile 20000;
events { worker_connections 8000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path $prefix/body;
  proxy_temp_path $prefix/proxy;
  fastcgi_temp_path $prefix/fastcgi;
  uwsgi_temp_path $prefix/uwsgi;
  scgi_temp_path $prefix/scgi;
  server {
    listen 80 backlog=4096 reuseport;
    listen 8080 backlog=4096 reuseport;
    location / { return 200 "b$1\n"; }
    location = /file { root $tmp; }
  }
}
END
  spawn "nginx-b$1" "b$1" nginx -p "$prefix" -e "$prefix/error.log" -c "$prefix/nginx.conf"
  wait_until 5 on "b$1" curl -sf -o /dev/null http://127.0.0.1:8080/
}

# ---- offloads
# Both ends of each link, as NAMESPACE INTERFACE.
link_ends="client eth0
router client
lb eth0
router lb
b1 eth0
router b1
b2 eth0
router b2
b3 eth0
router b3"

# off: frames as on a wire, whole and no longer than the MTU; on: what veth has from the start,
# super-packets with unfinished checksums from one end to the other.
offloads_set() { # offloads_set on|off
  local namespace interface
  while read -r namespace interface; do
    on "$namespace" ethtool -K "$interface" tx "$1" sg "$1" tso "$1" gso "$1" > /dev/null || return
  done <<< "$link_ends"
}

# XDP on a veth needs two things at the other end, whichever offloads the rest has: a program, so that
# frames from XDP_TX get through, and frames that are sent whole.
xdp_peer_prepare() { takes_xdp_frames router lb && plain_frames router lb; }
xdp_peer_undo() { ip -n "$run-router" link set lb xdp off; }
