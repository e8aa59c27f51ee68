#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 1,000 services with 10 backends each. Figures are printed; what is asserted is that it works.
. "$(dirname "$0")/../lib/lib.sh"

services=1000
# A row takes 4 bytes: the default 65,537 rows for a thousand services are 262 MB.
rows=65537
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt 1500 ] || rows=4093

topology_make routed || bail "topology"
nginx_start_all || bail "nginx starts"
decap_attach_all || bail "poise decap attach"

generate() { # generate SERVICES: the first one's backends are real; the others' are routed, nothing more
  awk -v services="$1" -v rows=$rows -v vip=$VIP4 -v real="${B4[*]}" 'BEGIN {
    print "interfaces: [eth0]\nmax_backends: 16384\nservices:"
    for (s = 0; s < services; s++) {
      printf "  - name: s%d\n    listen: \"%s:%d/tcp\"\n    mode: ipip\n    rows: %d\n    backends:\n", s, vip, 80 + s, rows
      if (s == 0) { n = split(real, b, " "); for (i = 1; i <= n; i++) printf "      - %s\n", b[i] }
      for (i = s ? 0 : 10; i < 10; i++) printf "      - 10.1.%d.%d\n", 1 + i % 3, 10 + (s + i) % 200
    }
  }'
}
now_us() { echo "${EPOCHREALTIME/./}"; }
rows_filled() { # rows_filled SERVICE
  field '[.backends[].rows] | add' service show "$1" | grep -qx "$rows"
}
figure() { echo "# $1: $2"; }

generate 1 > "$config"
poised_start || bail "poised starts"
check "the first service is usable" wait_until 10 all_usable
figure "kernel map memory with one service" "$(field .map_memory_bytes status) bytes"
generate $services > "$tmp/many.yaml"
began=$(now_us)
check "poise apply of $services services with 10 backends each" poise apply "$tmp/many.yaml"
figure "apply, $rows rows each" "$((($(now_us) - began) / 1000)) ms"
check "the last one's rows are filled" wait_until 20 rows_filled s$((services - 1))
figure "apply until then" "$((($(now_us) - began) / 1000)) ms"
is "they are there" "$(field .services status)" $services
is "with their backends" "$(field .backends status)" $((services * 10 - 7))

backend=$(field '.backends[0].id' service show s500)
for weight in 40 50 60; do
  began=$(now_us)
  poise backend set s500 "$backend" --weight $weight || not_ok "a weight is set"
  figure "one weight changed" "command $((($(now_us) - began) / 1000)) ms, publishing $(field .last_publish_us status) us"
done
is "the change is there" "$(field '.backends[0].weight' service show s500)" 60
is "requests go through" "$(requests "http://$VIP4/" 100 | grep -c '^b')" 100
figure "kernel map memory with all" "$(field .map_memory_bytes status) bytes"

poised_kill
began=$(now_us)
check "poised starts over them" poised_start
figure "start over $services services" "$((($(now_us) - began) / 1000)) ms"
is "they are still there" "$(field .services status)" $services
is "requests go through" "$(requests "http://$VIP4/" 100 | grep -c '^b')" 100
began=$(now_us)
check "back to one service" poise apply "$config"
figure "back to one" "$((($(now_us) - began) / 1000)) ms"
is "the others are gone" "$(field .services status)" 1
is "requests go through" "$(requests "http://$VIP4/" 100 | grep -c '^b')" 100
finish
