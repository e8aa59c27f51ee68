# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Four backends and clients that hold connections while they change (churn_client.c): for the
# scenarios churn and drain, and for tools/bench-churn. Sourced after lib.sh.
churn_client=$root/build/tests/net/peers/churn_client
churn_server=$root/build/tests/net/peers/churn_server

churn_topology() { # the segment with a fourth backend
  topology_make segment && netns_add b4 && backend_segment 4 && backend_carries 4 $VIP4 $VIP6
}

decap_attach_fourth() {
  instances+=("$instance-b4")
  on b4 "$poise" --instance "$instance-b4" decap attach eth0 --vip "$VIP4" --vip "$VIP6"
}

# Each backend serves flows, also one that is given no new ones.
all_serve() {
  [ "$(poise -j service list | jq '[.[].backends[] | .serves and .health != "checking"] | all')" = true ]
}

poised_kill_and_start() { poised_kill; poised_start; }

# ---- servers
churn_server_start() { # churn_server_start NUMBER [PORT]: port 80, IPv4 and IPv6
  : > "$tmp/server-b$1.log"
  spawn "server-b$1" "b$1" "$churn_server" "b$1" "${2:-80}"
  wait_until 5 grep -q ready "$tmp/server-b$1.log"
}

# nginx on port 8080, whose variables are the answer that churn_server gives.
churn_nginx_start() { # churn_nginx_start NUMBER
  local prefix=$tmp/churn-b$1
  mkdir -p "$prefix"
  cat > "$prefix/nginx.conf" << END
daemon off;
master_process off;
pid $prefix/nginx.pid;
worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http {
  access_log off;
  keepalive_timeout 1h;
  keepalive_requests 100000000;
  keepalive_time 1d;
  client_body_temp_path $prefix/body;
  proxy_temp_path $prefix/proxy;
  fastcgi_temp_path $prefix/fastcgi;
  uwsgi_temp_path $prefix/uwsgi;
  scgi_temp_path $prefix/scgi;
  server {
    listen 8080 backlog=4096;
    listen [::]:8080 backlog=4096;
    location / { return 200 "b$1 \$connection \$connection_requests\n"; }
  }
}
END
  spawn "nginx-b$1" "b$1" nginx -p "$prefix" -e "$prefix/error.log" -c "$prefix/nginx.conf"
  wait_until 5 on "b$1" curl -sf -o /dev/null http://127.0.0.1:8080/
}

# ---- clients
churn_start() { # churn_start NAME OPTION... ADDRESS PORT: returns once every connection is there
  local name=$1
  shift
  mkfifo "$tmp/$name.orders" || return
  spawn "$name" client "$churn_client" --control "$tmp/$name.orders" "$@"
  wait_until 30 grep -qx ready "$tmp/$name.log"
}

churn_says() { # churn_says NAME PATTERN ORDER: prints the line that answers the order
  local log=$tmp/$1.log before
  before=$(wc -l < "$log")
  echo "$3" > "$tmp/$1.orders"
  wait_until 15 churn_said "$log" "$before" "$2" || return
  tail -n +$((before + 1)) "$log" | grep -E -m 1 -- "$2"
}

churn_said() { tail -n +$(($2 + 1)) "$1" | grep -qE -- "$3"; } # churn_said LOG LINE PATTERN

churn_ask() { churn_says "$1" '^asked$' ask > /dev/null; } # every connection, the silent ones too
churn_leave() { churn_says "$1" '^left' "leave $2" > /dev/null; } # churn_leave NAME BACKEND
churn_allow() { churn_says "$1" '^allowed' "allow $2" > /dev/null; }
churn_forbid() { churn_says "$1" '^forbidden' forbid > /dev/null; }

churn_value() { churn_says "$1" '^\{' report | jq -r "$2"; } # churn_value NAME JQ-FILTER

# Waits until that many more answers have come, so that what was changed has been used.
churn_moves() { churn_says "$1" '^answered' "answers $2" > /dev/null; } # churn_moves NAME COUNT

churn_broken() { churn_value "$1" .broken.total; }

churn_whole() { # churn_whole NAME: as many as there should be have been answered
  churn_value "$1" '.established == .long' | grep -qx true
}

churn_end() { # churn_end NAME: asks all a last time; the report is the last line of its log
  local pid=${pids[$1]} status
  kill -TERM "$pid"
  wait "$pid"
  status=$?
  unset "pids[$1]"
  return "$status"
}

churn_last() { grep '^{' "$tmp/$1.log" | tail -n 1 | jq -r "$2"; } # churn_last NAME JQ-FILTER
