# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Servers on ports of their own behind mode nat, on backends where nothing else is set up, and what
# clients do with them. Sourced after lib.sh; POISE_LONG=1 makes transfers and silences those that
# users have. Topology plain or gateway.
SEGMENT_MTU=1500
big_mib=64 upload_mib=16 idle_s=5 idle_timeout=9s iperf_for=(-n 100M)
if [ -n "${POISE_LONG-}" ]; then big_mib=1024 upload_mib=256 idle_s=60 idle_timeout=90s iperf_for=(-t 10); fi
nat_check="{ http: /healthz, interval: 500ms, timeout: 400ms }"

# ---- backends
# "bN" on port 8080, who asked at /who, a large file at /big, and what is PUT below /up/ is kept;
# HTTP/2 without TLS on port 8081, with a stream that is idle for a while at /stream.
nat_nginx_start() { # nat_nginx_start NUMBER
  local prefix=$tmp/nat-b$1
  mkdir -p -m 777 "$prefix" "$prefix/up" "$prefix/body"
  cat > "$prefix/nginx.conf" << END
daemon off;
master_process off;
pid $prefix/nginx.pid;
error_log $prefix/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 0;
  client_body_temp_path $prefix/body;
  proxy_temp_path $prefix/proxy;
  fastcgi_temp_path $prefix/fastcgi;
  uwsgi_temp_path $prefix/uwsgi;
  scgi_temp_path $prefix/scgi;
  client_max_body_size 0;
  default_type text/plain;
  sendfile on;
  server {
    listen 8080 backlog=4096;
    listen [::]:8080 backlog=4096;
    location / { return 200 "b$1\n"; }
    location = /who { return 200 "\$remote_addr\n"; }
    location = /healthz { return 200 "ok\n"; }
    location = /big { alias $tmp/big; }
    location /up/ { root $prefix; dav_methods PUT; }
  }
  server {
    listen 8081 http2;
    listen [::]:8081 http2;
    keepalive_timeout 1h;
    location / { return 200 "b$1\n"; }
    location = /stream {
      proxy_pass http://127.0.0.1:8082;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
END
  spawn "nginx-b$1" "b$1" nginx -p "$prefix" -e "$prefix/error.log" -c "$prefix/nginx.conf"
  wait_until 5 on "b$1" curl -sf -o /dev/null http://127.0.0.1:8080/healthz
}

idle_start() { # idle_start NUMBER SECONDS: what /stream comes from
  spawn "idle-b$1" "b$1" python3 "$root/tests/net/peers/idle_server.py" 8082 "$2"
  wait_until 10 grep -q ready "$tmp/idle-b$1.log"
}

nat_servers_start() { # every backend's: nginx, the idle stream, UDP on port 5353, iperf3 on b1
  local number
  head -c $((big_mib << 20)) /dev/urandom > "$tmp/big"
  head -c $((upload_mib << 20)) /dev/urandom > "$tmp/upload"
  for number in 1 2 3; do
    idle_start $number $idle_s || return
    spawn "udp4-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" 0.0.0.0 5353
    spawn "udp6-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" "${B6[number]}" 5353
    nat_nginx_start $number || return
    wait_until 5 grep -q ready "$tmp/udp4-b$number.log" && wait_until 5 grep -q ready "$tmp/udp6-b$number.log" || return
  done
  spawn iperf b1 iperf3 -s -p 5202
  wait_until 5 on b1 sh -c 'ss -Hltn "sport = 5202" | grep -q .'
}

# ---- the balancer
with_port() { # with_port PORT ADDRESS...: a line each
  local port=$1 one
  shift
  for one in "$@"; do
    case $one in
      *:*) echo "[$one]:$port" ;;
      *) echo "$one:$port" ;;
    esac
  done
}

nat_service() { # nat_service NAME LISTEN PORT [CHECK] BACKEND...: these on that port
  local name=$1 listen=$2 port=$3 checked=() backends
  shift 3
  case ${1-} in "{"*) checked=("$1"); shift ;; esac
  mapfile -t backends < <(with_port "$port" "$@")
  service_yaml "$name" "$listen" nat ${checked[@]+"${checked[@]}"} "${backends[@]}"
}

# Services of both families for everything that nat_servers_start starts; the balancer's interfaces,
# and what else, come before.
nat_services() {
  echo "services:"
  nat_service web4 "$VIP4:80/tcp" 8080 "$nat_check" "${B4[@]}"
  nat_service web6 "[$VIP6]:80/tcp" 8080 "$nat_check" "${B6[@]}"
  nat_service h2c4 "$VIP4:81/tcp" 8081 "${B4[@]}"
  echo "    idle_timeout: $idle_timeout"
  nat_service h2c6 "[$VIP6]:81/tcp" 8081 "${B6[@]}"
  echo "    idle_timeout: $idle_timeout"
  nat_service dns4 "$VIP4:53/udp" 5353 "${B4[@]}"
  nat_service dns6 "[$VIP6]:53/udp" 5353 "${B6[@]}"
  nat_service iperf4 "$VIP4:5201/tcp" 5202 "${B4[1]}"
  nat_service iperf6 "[$VIP6]:5201/tcp" 5202 "${B6[1]}"
}

# ---- clients
sum_of() { sha256sum < "$1"; }

nat_web() { # nat_web NAME URL: requests spread over the backends, large transfers come whole
  local number before
  before=$(flows_of "$1")
  requests "$2/" 300 > "$tmp/answers"
  is "$1: all of 300 requests are answered" "$(grep -cE '^b[123]$' "$tmp/answers")" 300
  for number in 1 2 3; do
    holds "$1: b$number has part of them" "$(answers_of $number "$tmp/answers") > 50"
  done
  is "$1: each connection is counted once" $(($(flows_of "$1") - before)) 300
  is "$1: $big_mib MiB come whole" "$(on client curl -sf --max-time 300 "$2/big" | sha256sum)" "$big_sum"
  check "$1: $upload_mib MiB go up" on client curl -sf --max-time 300 -T "$tmp/upload" "$2/up/$1"
  is "$1: and arrive whole" "$(cat "$tmp"/nat-b?/up/"$1" | sha256sum)" "$upload_sum"
}

nat_streams_start() { # in the background: HTTP/2 streams that are silent for a while
  local family
  for family in 4 6; do
    spawn "stream$family" client curl -sSfN --http2-prior-knowledge --max-time $((idle_s + 20)) \
      -w '%{http_version}\n' "$(url_of $family 81)/stream"
  done
}

nat_streams_end() {
  local family
  for family in 4 6; do
    wait "${pids[stream$family]}"
    unset "pids[stream$family]"
    is "h2c over IPv$family: a stream goes on after $idle_s s of silence" \
      "$(xargs < "$tmp/stream$family.log")" "first last 2"
  done
}

url_of() { # url_of FAMILY PORT
  case $1 in
    4) echo "http://$VIP4:$2" ;;
    6) echo "http://[$VIP6]:$2" ;;
  esac
}

nat_udp() { # nat_udp NAME ADDRESS FULL-SIZE
  local size flows number
  for size in 0 64 "$3"; do
    flows=$((size == 64 ? 150 : 10))
    on client python3 "$root/tests/net/peers/udp_peer.py" ask "$2" 53 $flows "$size" > "$tmp/answers"
    is "$1: $flows flows of $size bytes, each by one backend, and back" \
      "$(grep -cE '^b[123]$' "$tmp/answers")" $flows
    [ $flows = 150 ] || continue
    for number in 1 2 3; do
      holds "$1: b$number has part of them" "$(answers_of $number "$tmp/answers") > 25"
    done
  done
}

nat_iperf() { # nat_iperf NAME ADDRESS [--reverse]
  on client iperf3 -J -c "$2" -p 5201 "${iperf_for[@]}" "${@:3}" > "$tmp/iperf.json" 2>&1
  is "$1: iperf3" $? 0
  holds "$1: bytes arrive" "$(jq '.end.sum_received.bytes // 0' "$tmp/iperf.json") > 10000000"
  echo "# $1: $(jq -r '.end.sum_received.bits_per_second / 1e6 | floor' "$tmp/iperf.json") Mbit/s"
}

nat_everything() { # nat_everything: of both families
  big_sum=$(sum_of "$tmp/big") upload_sum=$(sum_of "$tmp/upload")
  nat_streams_start
  nat_web web4 "http://$VIP4"
  nat_web web6 "http://[$VIP6]"
  nat_udp dns4 $VIP4 1472
  nat_udp dns6 $VIP6 1452
  nat_iperf "iperf4, up" $VIP4
  nat_iperf "iperf4, down" $VIP4 --reverse
  nat_iperf "iperf6, up" $VIP6
  nat_iperf "iperf6, down" $VIP6 --reverse
  nat_streams_end
  is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
  is "no flow was lost" "$(field '.nat // {} | (.evicted // 0) + (.broken // 0)' status)" 0
}
