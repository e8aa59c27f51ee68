#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Shares of 3,000 requests are what the weights ask for, also after a change of weight and with 0.
. "$(dirname "$0")/../lib/lib.sh"

# within NAME ANSWERS PERCENT: of 3,000; five standard deviations of a fair draw, which one run in
# a million leaves.
within() {
  local answers
  answers=$(answers_of "$2" "$tmp/answers")
  check "$1: b$2 has $answers of 3000, about $3 %" awk -v n="$answers" -v p="$3" \
    'BEGIN { p /= 100; d = n - 3000 * p; exit !(d * d <= 25 * 3000 * p * (1 - p)) }'
}

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2
  printf '      - { address: %s, weight: %d }\n' "${B4[1]}" 300 "${B4[2]}" 200 "${B4[3]}" 100
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

requests "http://$VIP4/" 3000 > "$tmp/answers"
is "no request fails" "$(failures "$tmp/answers")" 0
within "3:2:1" 1 50
within "3:2:1" 2 33.333
within "3:2:1" 3 16.667

check "a weight is changed" poise backend set web "${B4[1]}" --weight 100
check "a weight is 0" poise backend set web "${B4[2]}" --weight 0
requests "http://$VIP4/" 3000 > "$tmp/answers"
is "no request fails after that" "$(failures "$tmp/answers")" 0
within "1:0:1" 1 50
is "1:0:1: b2 has none" "$(answers_of 2 "$tmp/answers")" 0
within "1:0:1" 3 50
finish
