# SPDX-License-Identifier: BSD-2-Clause
"""The balancer that the oracle looks at: its services and addresses, and their configuration."""
from collections import namedtuple
from socket import AF_INET, AF_INET6, inet_pton

TCP, UDP, SCTP = 6, 17, 132
NAMES = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
VIP = {4: "192.0.2.10", 6: "2001:db8:ffff::10"}
OWN = {4: "10.0.0.2", 6: "2001:db8:2::2"}  # the balancer's, towards its backends
CLIENTS = {4: "198.51.100.", 6: "2001:db8:1::"}  # what a number follows
BACKENDS = {4: ["10.0.0.11", "10.0.0.12", "10.0.0.13"],
            6: ["2001:db8:2::11", "2001:db8:2::12", "2001:db8:2::13"]}
MTU = 1600
NAT_PORTS = range(10240, 32768)

Service = namedtuple("Service", "name family port proto mode outer scheduler hash state backend_port")


def raw(address):
    return inet_pton(AF_INET6 if ":" in address else AF_INET, address)


def kind(name, port, mode, outer=None, scheduler="maglev", hash="5-tuple", state="ready",
         backend_port=None):
    """A service of each protocol and family. SCTP is not translated."""
    for family in 4, 6:
        for proto in (TCP, UDP) if mode in ("nat", "keep") else NAMES:
            yield Service(f"{name}-{family}-{NAMES[proto]}", family, port, proto,
                          mode, outer or family, scheduler, hash, state, backend_port)


SERVICES = [
    *kind("l2", 80, "l2"),
    *kind("ipip4", 81, "ipip", outer=4),
    *kind("ipip6", 82, "ipip", outer=6),
    *kind("gue4", 83, "gue", outer=4),
    *kind("gue6", 84, "gue", outer=6),
    *kind("nat", 85, "nat", backend_port=8085),
    *kind("keep", 86, "keep", backend_port=8086),
    *kind("robin", 87, "l2", scheduler="roundrobin"),
    *kind("source", 88, "l2", hash="source"),
    *kind("nobody", 89, "l2", state="maint"),
    *kind("natrobin", 90, "nat", scheduler="random", backend_port=8090),
]
PORTS = sorted({s.port for s in SERVICES})
BY_KEY = {(raw(VIP[s.family]), s.port, s.proto): s for s in SERVICES}
BY_NAME = {s.name: s for s in SERVICES}


def configuration(interface):
    """As poise.yaml(5) has it."""
    lines = [f"interfaces: [{interface}]", "max_backends: 512", "nat_flows: 64K", "services:"]
    for s in SERVICES:
        vip = VIP[4] if s.family == 4 else f"[{VIP[6]}]"
        lines += [f"  - name: {s.name}", f'    listen: "{vip}:{s.port}/{NAMES[s.proto]}"', "    rows: 251",
                  f"    mode: {'nat' if s.mode == 'keep' else s.mode}",
                  f"    scheduler: {s.scheduler}", f'    hash: "{s.hash}"']
        if s.mode == "keep":
            lines.append("    source: keep")
        lines.append("    backends:")
        for address in BACKENDS[s.outer]:
            if s.backend_port:
                address = f"[{address}]" if ":" in address else address
                address += f":{s.backend_port}"
            lines.append(f'      - {{ address: "{address}", state: {s.state} }}')
    return "\n".join(lines) + "\n"
