#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad configurations are refused with file:line:column and nothing is applied; bad API requests with
# a 4xx and a reason. poised goes on throughout.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
good() {
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[1]}" "${B4[2]}"
}
good > "$config"
poised_start || bail "poised starts"
check "the backends become usable" wait_until 10 all_usable
before=$(poise export)

# refused NAME PLACE PATTERN <<< FILE: by check, by apply and as what poised starts with
refused() {
  local file=$tmp/bad.yaml output
  cat > "$file"
  output=$("$poise" check "$file" 2>&1)
  is "$1: check refuses" $? 1
  matches "$1: at $2" "$output" "bad\.yaml:$2: .*$3"
  poise apply "$file" > /dev/null 2>&1
  is "$1: apply refuses" $? 1
}
service() { # service KEY: VALUE, in place of one of the service's lines
  printf 'services:\n  - name: web\n    listen: 192.0.2.10:80/tcp\n    mode: ipip\n    %s\n' "$1"
}

refused "unknown key" 5:5 'weigth' <<< "$(service 'weigth: 5')"
refused "unknown key at the top" 1:1 'interfces' <<< 'interfces: [eth0]'
refused "wrong type" 5:11 'prime.*"many"' <<< "$(service 'rows: "many"')"
refused "rows that are no prime" 5:11 'prime' <<< "$(service 'rows: 1000')"
refused "weight out of range" 5:46 '65535.*70000' <<< "$(service 'backends: [{ address: 10.0.0.11, weight: 70000 }]')"
refused "negative weight" 5:46 '65535.*-1' <<< "$(service 'backends: [{ address: 10.0.0.11, weight: -1 }]')"
refused "duplicate backend" 5:30 '10\.0\.0\.11' <<< "$(service 'backends: [10.0.0.11,    10.0.0.11]')"
refused "VIP that is also a backend" 5:16 '192\.0\.2\.10' <<< "$(service 'backends: [192.0.2.10]')"
refused "no address" 5:16 '10\.0\.0' <<< "$(service 'backends: [10.0.0]')"
refused "duplicate service" '[67]:[0-9]+' 'web' \
  <<< "$(service 'backends: []'; printf '  - name: web\n    listen: 192.0.2.11:80/tcp\n    mode: l2\n')"
refused "duplicate listen" '[67]:[0-9]+' '192\.0\.2\.10:80' \
  <<< "$(service 'backends: []'; printf '  - name: other\n    listen: 192.0.2.10:80/tcp\n    mode: l2\n')"
refused "family that l2 cannot carry" 5:16 '2001:db8::1' \
  <<< $'services:\n  - name: web\n    listen: 192.0.2.10:80/tcp\n    mode: l2\n    backends: ["2001:db8::1"]'
refused "port 0" 3:13 '192\.0\.2\.10:0' \
  <<< $'services:\n  - name: web\n    listen: 192.0.2.10:0/tcp\n    mode: l2'
refused "no such mode" 4:11 'dsr' <<< $'services:\n  - name: web\n    listen: 192.0.2.10:80/tcp\n    mode: dsr'
refused "not YAML" 2:3 'not YAML: ' <<< $'services: [\n  }'
refused "duplicate key" 2:1 'services' <<< $'services: []\nservices: []'

# A command line of poised without sense ends it before it touches anything.
misused() { # misused NAME PATTERN ARGUMENT...
  local name=$1 pattern=$2 output
  shift 2
  output=$("$poised" "$@" 2>&1)
  is "poised with $name: exit status" $? 2
  matches "poised with $name: what is wrong" "$output" "$pattern"
  matches "poised with $name: and how to use it" "$output" "Usage: poised "
}
misused "an extra word" "extra-word: poised takes options only" extra-word
misused "an extra word behind an option" "extra-word: poised takes options only" --transient extra-word
misused "an unknown option" "unknown option --confg: did you mean --config\?" --confg "$config"
misused "an option without its value" "option --config needs a value: FILE" --config
output=$("$poised" --instance a.b 2>&1)
is "poised with a bad instance: exit status" $? 2
matches "poised with a bad instance: what is wrong" "$output" '--instance: expected a letter.*found "a.b"'
output=$("$poised" --config "$config" --version)
is "poised --version: exit status" $? 0
matches "poised --version: says it" "$output" "^poised [0-9.]+$"
manual=$(sed -n '/^.SH OPTIONS/,/^.SH SIGNALS/p' "$root/packaging/man/poised.8" | sed 's/\\-/-/g')
is "poised --help and poised(8) name the same options" \
  "$("$poised" --help | grep -oE -- ' --[a-z]+' | sort -u)" \
  "$(grep -E '^\.BR? -' <<< "$manual" | grep -oE -- ' --[a-z]+' | sort -u)"

# These mistakes show on a running system alone.
{ echo "interfaces: [eth0, eth9]"; good | tail -n +2; } > "$tmp/bad.yaml"
output=$(poise apply "$tmp/bad.yaml" 2>&1)
is "an interface that is missing: apply refuses" $? 1
matches "and names it" "$output" "eth9"
is "nothing of all that was applied" "$(poise export)" "$before"

poised_stop
instance=$run-bad
echo "services: [{ name: 5 }]" > "$tmp/bad.yaml"
config=$tmp/bad.yaml poised_start
is "poised does not start with a bad file" $? 1
matches "and says where" "$(cat "$tmp/poised-$instance.log")" "bad.yaml:1:[0-9]+: "
end "poised-$instance"
is "its exit status" $? 1
instance=$run
poised_start || bail "poised starts again"

# ---- the API
sock=/run/poise/$instance/poised.sock
api() { # api METHOD PATH [CURL-OPTION...]: the status; the body is in $tmp/body
  local method=$1 path=$2
  shift 2
  curl -s --max-time 20 -o "$tmp/body" -w '%{http_code}' --unix-socket "$sock" -X "$method" "$@" "http://poise$path"
}
answers() { # answers NAME STATUS METHOD PATH [CURL-OPTION...]: 4xx with a reason in JSON
  local name=$1 status=$2
  shift 2
  is "$name: status" "$(api "$@")" "$status"
  check "$name: a reason" jq -e '.error | length > 0' "$tmp/body"
}
raw() { python3 "$root/tests/net/peers/raw_client.py" "$sock" "${@:2}" <<< "$1"; }

answers "not JSON" 400 POST /v1/services -d '{"name": "x",'
is "not JSON: says where" "$(jq -c '[.line, .column]' "$tmp/body")" "[1,13]"
answers "JSON, but no object" 400 POST /v1/services -d '[1, 2]'
answers "no body" 400 POST /v1/services
answers "a wrong type" 400 POST /v1/services -d '{"name": "x", "listen": 80, "mode": "l2"}'
answers "an unknown key" 400 PATCH /v1/services/web -d '{"weigth": 5}'
answers "a bad weight" 400 PATCH "/v1/services/web/backends/${B4[1]}" -d '{"weight": 65536}'
answers "no such path" 404 GET /v1/nothing
answers "no such service" 404 GET /v1/services/wbe
answers "no such backend" 404 DELETE /v1/services/web/backends/10.9.9.9
answers "a wrong method" 405 DELETE /v1/status
answers "a service that is there" 409 POST /v1/services -d "{\"name\": \"web\", \"listen\": \"$VIP4:81/tcp\", \"mode\": \"l2\"}"
head -c 17000000 /dev/zero | tr '\0' ' ' > "$tmp/large"
answers "too large" 413 PUT /v1/config --data-binary "@$tmp/large"
answers "not UTF-8" 400 POST /v1/services --data-binary $'{"name": "\xff\xfe"}'
answers "deeply nested" 400 PUT /v1/config -d "$(printf '[%.0s' {1..20000})"
is "no HTTP at all: the connection is closed" "$(raw 'GARBAGE' | xargs)" "(closed)"
is "half a body: the rest is waited for" \
  "$(raw $'POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"name"' --half | xargs)" "(open)"
raw $'GET /v1/services HTTP/1.1\r\nHost: x\r\n\r\n' --slam
raw $'PUT /v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{' --slam
raw $'PUT /v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{' > "$tmp/body"
is "a negative length" "$(head -n 1 "$tmp/body")" $'HTTP/1.1 400 Bad Request\r'
raw $'PUT /v1/config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n' > "$tmp/body"
is "a broken chunk" "$(head -n 1 "$tmp/body")" $'HTTP/1.1 400 Bad Request\r'
for _ in $(seq 50); do raw 'GET /v1/status' --slam; done

check "poised is still there" poised_ready
check "it is the same process" alive "poised-$instance"
is "nothing of all that was applied" "$(poise export)" "$before"
is "requests go through" "$(requests "http://$VIP4/" 50 | grep -c '^b')" 50
finish
