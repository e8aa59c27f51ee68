# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# nginx as a TCP proxy: its stream module.
subject_about() { echo "$(nginx -v 2>&1 | awk '{ print $3 }') stream, round robin, 2 workers, a listener each"; }
subject_balances() { echo process; }

subject_start() {
  local prefix=$tmp/stream
  address lb lo "$VIP4/32" || return
  mkdir -p "$prefix"
  cat > "$prefix/nginx.conf" << END
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
pid $prefix/nginx.pid;
error_log $prefix/error.log;
worker_processes 2;
worker_rlimit_nofile 40000;
events { worker_connections 16000; }
stream {
  upstream web { server ${B4[1]}:80; server ${B4[2]}:80; server ${B4[3]}:80; }
  server {
    listen $VIP4:80 backlog=4096 reuseport;
    proxy_pass web;
  }
}
END
  spawn stream lb nginx -p "$prefix" -e "$prefix/error.log" -c "$prefix/nginx.conf"
  wait_until 5 on client curl -sf -o /dev/null "http://$VIP4/"
}

subject_stop() {
  end stream TERM
  ip -n "$run-lb" address del "$VIP4/32" dev lo
}
