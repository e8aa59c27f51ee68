# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# nftables: bench-churn's DNAT by a jhash map and, so that answers come back, masquerade.
# shellcheck source=tools/bench-churn/lib-nftables.sh
. tools/bench-churn/lib-nftables.sh
subject_about() { echo "$(nft --version), DNAT by a jhash map, masquerade, conntrack"; }

subject_start() {
  forwarding_on && nft_publish && on lb nft -f - << END
table ip bench {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip daddr { ${B4[1]}, ${B4[2]}, ${B4[3]} } tcp dport 80 masquerade
  }
}
END
}
