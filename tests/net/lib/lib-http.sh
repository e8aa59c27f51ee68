# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP through one mode, in each pair of families that it carries.

# The services of http_through: NAME LISTEN FAMILY-OF-BACKENDS. Ports stay as they are in these
# modes, and nginx listens on both.
http_services() { # http_services MODE
  echo "web44 $VIP4:80/tcp 4"
  echo "web66 [$VIP6]:80/tcp 6"
  [ "$1" = l2 ] && return # the backend must carry the packet as it is
  echo "web46 $VIP4:8080/tcp 6"
  echo "web64 [$VIP6]:8080/tcp 4"
}

http_config() { # http_config MODE
  local name listen family
  echo "interfaces: [eth0]"
  echo "services:"
  while read -r name listen family; do
    case $family in
      4) service_yaml "$name" "$listen" "$1" "{ http: /healthz, interval: 500ms, timeout: 400ms }" "${B4[@]}" ;;
      6) service_yaml "$name" "$listen" "$1" "{ http: /healthz, interval: 500ms, timeout: 400ms }" "${B6[@]}" ;;
    esac
  done < <(http_services "$1")
}

http_through() { # http_through MODE: poised with these services, and everything about each
  local name listen
  http_config "$1" > "$config"
  nginx_start_all || bail "nginx starts"
  [ "$1" = l2 ] || decap_attach_all || bail "poise decap attach"
  check "poised starts" poised_start || bail "no poised"
  check "every backend becomes usable" wait_until 10 all_usable
  while read -r name listen _; do
    http_service "$name" "http://${listen%/tcp}"
  done < <(http_services "$1")
  is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
}

http_service() { # http_service NAME URL
  local number before after
  before=$(flows_of "$1")
  requests "$2/" 300 > "$tmp/answers"
  after=$(flows_of "$1")
  is "$1: all of 300 requests are answered" "$(grep -cE '^b[123]$' "$tmp/answers")" 300
  for number in 1 2 3; do
    holds "$1: b$number has part of them" "$(answers_of $number "$tmp/answers") > 50"
  done
  is "$1: each connection is counted once" $((after - before)) 300
  check "$1: 3 MB come whole" transfer_is 3000000 "$2/big"
  check "$1: 1 MB goes up in full-sized packets" on client curl -sf --max-time 20 -o /dev/null \
    --data-binary "@$tmp/upload" "$2/"
}

transfer_is() { # transfer_is BYTES URL
  [ "$(on client curl -sf --max-time 20 -o /dev/null -w '%{size_download}' "$2")" = "$1" ]
}

head -c 1000000 /dev/zero > "$tmp/upload"
