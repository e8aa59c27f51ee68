# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The programs of the scenarios: poised and poise on the balancer, nginx on the backends, clients.
instance=$run
config=$tmp/poise.yaml
poised=${POISED:-$root/build/poised} poise=${POISE:-$root/build/poise}

# ---- the balancer
poise() { # poise ARGUMENT...: the command, on the balancer, of this run's instance
  on "${balancer:-lb}" "$poise" --instance "$instance" "$@"
}

# Asked itself: `poise status` answers from the pinned maps as well.
poised_ready() { curl -sf -o /dev/null --unix-socket "/run/poise/$instance/poised.sock" http://poise/v1/status; }

poised_start() { # reads $config; returns once it answers, 1 when it does not or has ended
  case " ${instances[*]-} " in
    *" $instance "*) ;;
    *) instances+=("$instance") ;;
  esac
  spawn "poised-$instance" "${balancer:-lb}" "$poised" --instance "$instance" --config "$config"
  wait_until 10 poised_ready_or_gone && alive "poised-$instance"
}

poised_ready_or_gone() { poised_ready || ! alive "poised-$instance"; }

poised_stop() { end "poised-$instance" TERM; } # traffic goes on
poised_kill() { end "poised-$instance" KILL; }
poised_pid() { echo "${pids[poised-$instance]}"; }

# Another build of poised, by what it says of itself: its version is $other_version.
other_build() { # other_build FILE
  local version
  version=$("$poised" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+') || return
  other_version=${version//[0-9]/9}
  # The other version is as long as this one; the text of LIBBPF_0.1.0 stays as it is.
  sed -E "s/(^|[^_0-9.])${version//./\\.}/\\1$other_version/g" "$poised" > "$1"
  chmod 755 "$1"
}

# One service in a configuration file; the rest of the file goes before or after it.
service_yaml() { # service_yaml NAME LISTEN MODE [CHECK] BACKEND...: CHECK as "{ http: /healthz }"
  printf '  - name: %s\n    listen: "%s"\n    mode: %s\n' "$1" "$2" "$3"
  shift 3
  case ${1-} in "{"*) printf '    check: %s\n' "$1"; shift ;; esac
  printf '    backends:\n'
  [ $# = 0 ] || printf '      - { address: "%s" }\n' "$@"
}

# field JQ-FILTER ARGUMENT...: one value out of a -j answer of poise
field() {
  local filter=$1
  shift
  poise -j "$@" | jq -r "$filter"
}

health_of() { # health_of SERVICE BACKEND
  field ".backends[] | select(.id == \"$2\") | .health" service show "$1"
}

health_is() { [ "$(health_of "$1" "$2")" = "$3" ]; }

# Every backend of every service can be used: next hops resolved, checks passed.
all_usable() {
  [ "$(poise -j service list | jq '[.[].backends[] | .usable and .health != "checking"] | all')" = true ]
}

all_up() {
  [ "$(poise -j service list | jq '[.[].backends[] | .usable and .health == "up"] | all')" = true ]
}

flows_of() { # flows_of SERVICE: connections counted so far
  field ".services[] | select(.name == \"$1\") | .new_flows" stats --once
}

drops_of() { field ".$1" drops; } # drops_of REASON

# ---- backends
# Answers "bN" on ports 80 and 8080; "ok" at /healthz, 503 while $tmp/bN/sick exists.
nginx_start() { # nginx_start NUMBER
  local prefix=$tmp/b$1
  mkdir -p "$prefix/logs" "$prefix/tmp"
  [ -e "$prefix/big" ] || head -c 3000000 /dev/zero > "$prefix/big"
  # One process, so that killing it kills the server; a connection for every request.
  cat > "$prefix/nginx.conf" << END
daemon off;
master_process off;
pid $prefix/nginx.pid;
error_log $prefix/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 0;
  client_body_temp_path $prefix/tmp/body;
  proxy_temp_path $prefix/tmp/proxy;
  fastcgi_temp_path $prefix/tmp/fastcgi;
  uwsgi_temp_path $prefix/tmp/uwsgi;
  scgi_temp_path $prefix/tmp/scgi;
  client_max_body_size 0;
  default_type text/plain;
  server {
    listen 80 backlog=4096;
    listen [::]:80 backlog=4096;
    listen 8080;
    listen [::]:8080;
    location / { return 200 "b$1\n"; }
    location = /healthz { if (-e $prefix/sick) { return 503; } return 200 "ok\n"; }
    location = /big { root $prefix; }
  }
}
END
  spawn "nginx-b$1" "b$1" nginx -p "$prefix" -e "$prefix/error.log" -c "$prefix/nginx.conf"
  wait_until 5 on "b$1" curl -sf -o /dev/null http://127.0.0.1/healthz
}

nginx_kill() { end "nginx-b$1" KILL; }

nginx_start_all() { nginx_start 1 && nginx_start 2 && nginx_start 3; }

# Takes tunnels off on the backends; this run's files for it go with the namespaces.
decap_attach_all() { # decap_attach_all: every backend, for VIP4 and VIP6
  local number
  for number in 1 2 3; do
    instances+=("$instance-b$number")
    on "b$number" "$poise" --instance "$instance-b$number" decap attach eth0 \
      --vip "$VIP4" --vip "$VIP6" || return
  done
}

# ---- clients
requests() { # requests URL COUNT: one line per request, the backend's name or "failed: WHY"
  local separator="?"
  [[ $1 == *\?* ]] && separator="&"
  on client curl -sf --no-keepalive --connect-timeout 3 --max-time 10 \
    -w '%{onerror}failed: %{errormsg}\n' "$1${separator}n=[1-$2]" 2> /dev/null
}

failures() { grep -vcE '^b[0-9]+$' "$@"; }      # failures FILE: requests without an answer
answers_of() { grep -cx "b$1" "${@:2}"; }       # answers_of NUMBER FILE

traffic_start() { # traffic_start URL: requests one after another, until traffic_stop
  rm -f "$tmp/traffic.stop"
  : > "$tmp/traffic"
  while [ ! -e "$tmp/traffic.stop" ]; do requests "$1" 100; done >> "$tmp/traffic" &
  pids["traffic"]=$!
}

traffic_stop() { # results are in $tmp/traffic, one request a line
  touch "$tmp/traffic.stop"
  wait "${pids[traffic]}"
  unset 'pids[traffic]'
}

traffic_moves() { # traffic_moves [COUNT]: waits until that many more requests have been answered
  local seen
  seen=$(wc -l < "$tmp/traffic")
  wait_until 20 traffic_beyond $((seen + ${1:-100}))
}

traffic_beyond() { [ "$(wc -l < "$tmp/traffic")" -ge "$1" ]; }
