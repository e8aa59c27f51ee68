#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Numbers of backends are short: a change that needs those of removed ones waits until they have come
# free, and poised does everything else meanwhile.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"

write() { # write BACKEND...: of a service beside web, which needs three of the seven numbers
  {
    echo "interfaces: [eth0]"
    echo "max_backends: 8"
    echo "services:"
    service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"
    [ $# = 0 ] || service_yaml other "$VIP4:81/tcp" ipip "$@"
  } > "$config"
}
order() { # order: requests of standard input (api_order.py), their names and statuses as they are answered
  python3 "$here/../peers/api_order.py" "/run/poise/$instance/poised.sock" | xargs
}
delete='["delete", "DELETE", "/v1/services/other", null]'
add() { # add BACKEND...: a request for the service with these
  local backends
  backends=$(printf ', {"address": "%s"}' "$@")
  echo '["add", "POST", "/v1/services", {"name": "other", "listen": "'"$VIP4"':81/tcp", "mode": "ipip",
    "backends": ['"${backends:2}"']}]' | tr '\n' ' '
}
web_usable() { [ "$(field '[.backends[].usable] | all' service show web)" = true ]; }
others() { field '[.backends[].id] | join(" ")' service show other; }
others_are() { [ "$(others 2>/dev/null)" = "$*" ]; }

write 10.9.0.1 10.9.0.2 10.9.0.3
poised_start || bail "poised starts"
check "every backend of web becomes usable" wait_until 10 web_usable
traffic_start "http://$VIP4/"
traffic_moves 100

write
check "three backends are removed" poise reload
write 10.9.1.1 10.9.1.2 10.9.1.3
check "as many others come at once" poise reload
is "all of them are there" "$(others)" "10.9.1.1 10.9.1.2 10.9.1.3"

is "poised answers while a change waits" \
  "$(printf '%s\n\n%s\n%s\n' "$delete" "$(add 10.9.2.1 10.9.2.2 10.9.2.3)" '["show", "GET", "/v1/config", null]' | order)" \
  "delete 200 show 200 add 201"
is "the change is made" "$(others)" "10.9.2.1 10.9.2.2 10.9.2.3"

write
kill -HUP "$(poised_pid)"
check "SIGHUP: a service goes" wait_until 5 eval '! others_are 10.9.2.1 10.9.2.2 10.9.2.3'
write 10.9.3.1 10.9.3.2 10.9.3.3
kill -HUP "$(poised_pid)"
check "and another comes, a moment later" wait_until 5 others_are 10.9.3.1 10.9.3.2 10.9.3.3

matches "too many are refused, with what would do" \
  "$(poise backend add other 10.9.3.4 2>&1 && poise backend add other 10.9.3.5 2>&1)" "max_backends"
is "nothing of it was made" "$(others)" "10.9.3.1 10.9.3.2 10.9.3.3 10.9.3.4"
traffic_stop
is "no request of $(wc -l < "$tmp/traffic") failed" "$(failures "$tmp/traffic")" 0

printf '%s\n\n%s\n' "$delete" "$(add 10.9.4.1 10.9.4.2 10.9.4.3)" | order > "$tmp/late" &
sleep 0.1
check "poised ends while a change waits" poised_stop
finish
