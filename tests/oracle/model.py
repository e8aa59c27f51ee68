# SPDX-License-Identifier: BSD-2-Clause
"""What has to become of a frame: the forwarding rules, written from doc/, the manual pages,
ARCHITECTURE.md and the RFCs. Each rule is a function that names its source. It shares no code with
the program that it judges.

What nobody can compute without the balancer's seed (which backend a new flow is given, a port of mode
nat, a flow label) is taken from what the balancer did: it has to be one of those allowed, and every
later packet of the flow has to get the same.
"""
import time

import checksum
from answers import time_exceeded, too_big, unavailable
from outcomes import Answered, Dropped, Part, Passed, Refused, Unjudged, Wrong
from reading import (ETHERNET, SOURCES, VIPS, link, martian, ports, source_route, transport, trimmed,
                     whole_transport)
from scapy.layers.inet import IP, UDP as Datagram
from scapy.layers.inet6 import IPv6
from services import BACKENDS, BY_KEY, CLIENTS, MTU, NAT_PORTS, OWN, SCTP, SERVICES, TCP, UDP, VIP, raw

XDP_DROP, XDP_PASS, XDP_TX = 1, 2, 3
IPIP, IPV6 = 4, 41
SILENCE = 5  # seconds after which the model does not say whether a flow is still remembered
SILENCE_ENDED = 1  # the same for a flow that has ended

ADDRESS = {raw(a): a for family in BACKENDS.values() for a in family}


def fits(packet, more=0):
    """doc/modes.md, "What holds for all modes"."""
    if packet.bytes + more > MTU:
        too_big(packet, MTU - more)


def outer(packet, version, more):
    """doc/modes.md: the packet grows by 20 or 40 bytes in ipip, by 32 or 52 in gue."""
    fits(packet, more + (20 if version == 4 else 40))


def ip_header(packet, service, address, protocol, more, label):
    """RFC 2003, 3.1; RFC 2473, 6; RFC 4213, 3.5; RFC 6040, 4.1 (normal mode); RFC 6438."""
    if service.outer == 4:
        return bytes(IP(src=OWN[4], dst=address, tos=packet.tos, len=20 + more + packet.bytes, id=0,
                        flags="DF", ttl=64, proto=protocol))
    return bytes(IPv6(src=OWN[6], dst=address, tc=packet.tos, fl=label, plen=more + packet.bytes,
                      nh=protocol, hlim=64))


def gue_sum_is_right(packet, header, out):
    """RFC 8200, 8.1: over IPv6 the outer checksum is not zero, and right; it may be wrong where the
    inner packet's own is (ARCHITECTURE, "GUE's UDP checksum")."""
    if out[ETHERNET + 46:ETHERNET + 48] == b"\0\0":
        raise Wrong("the outer UDP checksum is zero")
    datagram = out[ETHERNET + 40:ETHERNET + 52 + packet.bytes]
    if checksum.segment(header[8:24], header[24:40], UDP, datagram) and inner_is_right(packet):
        raise Wrong("the outer UDP checksum is wrong")


def inner_is_right(packet):
    if packet.version == 4 and checksum.total(packet.ip[:packet.offset]):
        return False
    body = packet.ip[packet.offset:packet.bytes]
    if packet.proto == SCTP:  # its checksum is no sum
        return True
    if packet.proto == UDP:
        body = body[:int.from_bytes(body[4:6], "big")]
        if body[6:8] == b"\0\0":
            return True
    return not checksum.segment(packet.source, packet.dest, packet.proto, body)


class Flow:
    """What the balancer remembers, or computes each time anew, of one flow."""

    def __init__(self):
        self.backend = None  # address
        self.label = self.gue_port = None
        self.nat_port = self.service = self.client = self.way_back = None
        self.known = self.ended = False
        self.seen = time.monotonic()

    def may_be_forgotten(self):
        silence = time.monotonic() - self.seen
        return silence > (SILENCE_ENDED if self.ended else SILENCE)

    def stay(self, name, found):
        """A property of the flow that the balancer shows again with each packet."""
        if getattr(self, name) is None:
            setattr(self, name, found)
        if getattr(self, name) != found:
            raise Wrong(f"{name}: {found}, but the flow had {getattr(self, name)}")


class Model:
    """macs: of the balancer, the router and the backends, by address."""

    def __init__(self, own_mac, router_mac, macs):
        self.own_mac, self.router_mac, self.macs = own_mac, router_mac, macs
        self.by_mac = {(mac, 6 if ":" in address else 4): address for address, mac in macs.items()}
        self.flows = {}
        self.uncertain = set()  # (service, client, port): a fragment may have begun or changed a flow
        self.replies = {}  # mode nat: (backend, protocol, port of ours) -> flow

    def judge(self, frame, verdict, out, changes):
        """Raises Wrong. changes: {(service, address) or reason: counters}. Returns how the packet went."""
        try:
            packet = link(frame)
            ports(packet)
            service = BY_KEY.get((packet.dest, packet.dest_port, packet.proto))
            if service:
                source_route(packet)
                transport(packet)
                expect = self.client(packet, service, out)
            else:
                expect = self.reply(packet, out)
        except Unjudged:
            return "unjudged"
        except Part as part:
            packet = part.args[0]
            if packet.dest in VIPS | SOURCES or packet.source in ADDRESS:
                self.part(packet)
                return "unjudged"
            same("verdict", verdict, XDP_PASS)
            same("bytes", out, frame)
            return "passed"
        except Passed:
            same("verdict", verdict, XDP_PASS)
            same("bytes", out, frame)
            same("counters", changes, {})
            return "passed"
        except Refused as refusal:
            same("verdict", verdict, XDP_TX)
            same("bytes", out, refusal.args[0])
            same("counters", changes, {"no_backend": (1, 0, 0, 0, 0)})
            return "refused"
        except Answered as answer:
            reason, told = answer.args
            same("counters", changes, {reason: (1, 0, 0, 0, 0)})
            if verdict == XDP_DROP:  # a source gets 100 answers a second: doc/operating.md
                return reason
            same("verdict", verdict, XDP_TX)
            same("bytes", out, told)
            return reason + ", told"
        except Dropped as reason:
            same("counters", changes, {str(reason): (1, 0, 0, 0, 0)})
            same("verdict", verdict, XDP_DROP)
            return str(reason)
        same("verdict", verdict, XDP_TX)
        expect(changes)
        return "forwarded"

    def part(self, packet):
        """ARCHITECTURE, "Fragments": the first one is judged as a whole packet would be."""
        head = packet.ip[packet.offset:packet.offset + 4]
        service = BY_KEY.get((packet.dest, int.from_bytes(head[2:], "big"), packet.proto))
        if service:
            packet.source_port = int.from_bytes(head[:2], "big")
            self.uncertain.add(self.key_of(packet, service))

    # ---- towards backends

    def client(self, packet, service, out):
        if self.key_of(packet, service) in self.uncertain:
            raise Unjudged
        if service.mode == "nat":
            return self.nat(packet, service, out)
        martian(packet, service)
        if service.state != "ready":
            unavailable(packet)
        flow = self.flow_of(packet, service)
        build = {"l2": self.l2, "ipip": self.ipip, "gue": self.gue, "keep": self.keep}[service.mode]
        try:
            expected, address = build(packet, service, flow, out)
        except (Answered, Dropped):  # the choice of a backend came first, and is remembered
            self.begin_anew(flow, packet, service)
            self.is_new(flow, packet, service)
            flow.ended |= packet.ends
            raise

        def expect(changes):
            if isinstance(expected, bytes):
                same("bytes", out, expected)
            self.follow(flow, packet, service, address())
            counted(changes, (service.name, flow.backend), packet.bytes, self.is_new(flow, packet, service))
        return expect

    def key_of(self, packet, service):
        """poise.yaml(5), hash: with `source` all that a client sends is one flow."""
        port = 0 if service.hash == "source" and service.mode != "nat" else packet.source_port
        return service.name, packet.source, port

    def flow_of(self, packet, service):
        return self.flows.setdefault(self.key_of(packet, service), Flow())

    def begin_anew(self, flow, packet, service):
        """ARCHITECTURE, "Rows that move": a SYN of a flow that has ended is a new flow's, and silence makes
        the balancer forget a flow, sooner if it has ended."""
        if service.scheduler != "maglev" and (flow.ended and packet.is_syn or flow.may_be_forgotten()):
            flow.backend = None

    def follow(self, flow, packet, service, address):
        """doc/operating.md, "No connection broken": nothing changes, so a hash leads to one backend for
        ever, and a flow that is remembered stays until it has ended."""
        if address not in BACKENDS[service.outer]:
            raise Wrong(f"{address} is no backend of {service.name}")
        self.begin_anew(flow, packet, service)
        flow.stay("backend", address)
        flow.ended |= packet.ends

    def is_new(self, flow, packet, service):
        """ARCHITECTURE, packet path 9: SYNs, and what made an entry in the flow table, which services
        over UDP and with another scheduler than maglev use always."""
        tracks = service.proto == UDP or service.scheduler != "maglev"
        made, forgotten = tracks and not flow.known, flow.may_be_forgotten()
        flow.known, flow.seen = True, time.monotonic()
        if packet.is_syn:
            return {1}
        return {0, 1} if tracks and forgotten else {int(made)}

    def towards(self, address):
        return self.macs[address] + self.own_mac

    def l2(self, packet, service, flow, out):
        """poise.yaml(5): new MAC addresses, and the packet stays as it came."""
        fits(packet)
        address = self.by_mac.get((out[:6], service.family))
        return out[:6] + self.own_mac + packet.frame[12:14] + trimmed(packet), lambda: address

    def ipip(self, packet, service, flow, out):
        outer(packet, service.outer, 0)
        address, label = self.outer_of(packet, service, flow, out)
        header = ip_header(packet, service, address, IPIP if packet.version == 4 else IPV6, 0, label)
        return self.tunnel(service, address) + header + trimmed(packet), lambda: address

    def gue(self, packet, service, flow, out):
        """draft-ietf-intarea-gue-09: variant 0, no options; ARCHITECTURE, "Modes": 14 bits of the source
        port are the flow's."""
        outer(packet, service.outer, 12)
        address, label = self.outer_of(packet, service, flow, out)
        header = ip_header(packet, service, address, UDP, 12, label)
        at = ETHERNET + len(header)
        port = int.from_bytes(out[at:at + 2], "big")
        if port < 0xc000:
            raise Wrong(f"GUE's source port is {port}")
        flow.stay("gue_port", port)
        check = 0
        if service.outer == 6:
            check = int.from_bytes(out[at + 6:at + 8], "big")
            gue_sum_is_right(packet, header, out)
        datagram = bytes(Datagram(sport=port, dport=6080, len=12 + packet.bytes, chksum=check))
        gue = bytes([0, IPIP if packet.version == 4 else IPV6, 0, 0])
        return self.tunnel(service, address) + header + datagram + gue + trimmed(packet), lambda: address

    def tunnel(self, service, address):
        return self.towards(address) + (b"\x08\x00" if service.outer == 4 else b"\x86\xdd")

    def outer_of(self, packet, service, flow, out):
        size, at = (4, 30) if service.outer == 4 else (16, 38)
        address = ADDRESS.get(out[at:at + size])
        if address not in BACKENDS[service.outer]:
            raise Wrong("the outer header leads to no backend of the service")
        if service.outer == 4:
            return address, 0
        label = int.from_bytes(out[14:18], "big") & 0xfffff
        flow.stay("label", label)
        return address, label

    def keep(self, packet, service, flow, out):
        """doc/modes.md, "nat with source: keep"; the balancer is a hop (RFC 1812, 5.3.1)."""
        if packet.ttl <= 1:
            time_exceeded(packet)
        if packet.version == 4 and not packet.ip[6] & 0x40 and packet.bytes > MTU:
            raise Unjudged  # the kernel fragments it, if it forwards
        fits(packet)
        address = ADDRESS.get(dest_of(packet, out))
        if address not in BACKENDS[service.family]:
            raise Wrong("the destination is no backend of the service")
        translated(packet, out, self.towards(address), packet.source, raw(address), packet.source_port,
                   service.backend_port)
        return None, lambda: address

    def nat(self, packet, service, out):
        """doc/modes.md, "nat"; the way back is where the client's last packet came from."""
        if packet.ttl <= 1:
            time_exceeded(packet)
        flow = self.flow_of(packet, service)
        if not flow.known:
            martian(packet, service)
        begins, forgotten = {int(not flow.known)}, flow.may_be_forgotten()
        if not packet.may_begin:
            if not flow.known:
                raise Dropped("no_flow")
            if forgotten:
                raise Unjudged
        if forgotten or flow.ended and packet.is_syn:
            flow.backend = flow.nat_port = None
            begins = {0, 1}
        flow.known, flow.seen = True, time.monotonic()
        flow.ended |= packet.ends
        fits(packet)
        address = ADDRESS.get(dest_of(packet, out))
        if address not in BACKENDS[service.family]:
            raise Wrong("the destination is no backend of the service")
        port = int.from_bytes(out[ETHERNET + packet.offset:ETHERNET + packet.offset + 2], "big")
        flow.stay("backend", address)
        flow.stay("nat_port", port)
        translated(packet, out, self.towards(address), raw(OWN[service.family]), raw(address), port,
                   service.backend_port)
        self.own(flow, packet, service)

        def expect(changes):
            counted(changes, (service.name, address), packet.bytes, begins)
        return expect

    def own(self, flow, packet, service):
        """RFC 4787, REQ-1 and REQ-3: no two flows that live have one port towards a backend."""
        if flow.nat_port not in NAT_PORTS:
            raise Wrong(f"port {flow.nat_port} is not of nat_ports")
        key = (raw(flow.backend), service.backend_port, service.proto, flow.nat_port)
        other = self.replies.get(key)
        if other and other is not flow and not other.ended and time.monotonic() - other.seen < SILENCE:
            raise Wrong(f"port {flow.nat_port} is another flow's")
        flow.service, flow.client = service, (packet.source, packet.source_port)
        flow.way_back = packet.frame[6:12] + packet.frame[:6]
        self.replies[key] = flow

    # ---- towards clients

    def reply(self, packet, out):
        """ARCHITECTURE, "NAT": a packet for no service may be a backend's answer."""
        if packet.dest in SOURCES and packet.dest_port >= 1024:
            return self.nat_reply(packet, out)
        for service in SERVICES:
            if service.mode == "keep" and service.proto == packet.proto and \
                    packet.source_port == service.backend_port and \
                    packet.source in map(raw, BACKENDS[service.family]):
                return self.keep_reply(packet, service, out)
        raise Passed

    def nat_reply(self, packet, out):
        """doc/operating.md: packets that do not come from the connection's backend are not translated."""
        whole_transport(packet)
        flow = self.replies.get((packet.source, packet.source_port, packet.proto, packet.dest_port))
        if not flow:
            raise Passed
        if flow.ended or flow.may_be_forgotten() or (flow.service.name, *flow.client) in self.uncertain:
            raise Unjudged
        if packet.ttl <= 1:
            time_exceeded(packet)
        service = flow.service
        translated(packet, out, flow.way_back, raw(VIP[service.family]), flow.client[0], service.port,
                   flow.client[1])
        flow.ended |= packet.ends
        return lambda changes: counted_reply(changes, (service.name, ADDRESS[packet.source]), packet.bytes)

    def keep_reply(self, packet, service, out):
        """doc/modes.md: a reply is known by the backend's address and port alone; the kernel's routes tell
        where it goes."""
        whole_transport(packet)
        if packet.ttl <= 1:
            raise Passed
        network = raw(CLIENTS[service.family] + "1")
        if packet.dest[:len(network) - 1] != network[:-1] or packet.bytes > MTU:
            raise Unjudged  # other routes lead elsewhere
        translated(packet, out, self.router_mac + self.own_mac, raw(VIP[service.family]), packet.dest,
                   service.port, packet.dest_port)
        return lambda changes: counted_reply(changes, (service.name, ADDRESS[packet.source]), packet.bytes)


# ---- comparing


def same(what, found, expected):
    if found == expected:
        return
    if not isinstance(found, bytes):
        raise Wrong(f"{what}: found {found}, expected {expected}")
    if len(found) != len(expected):
        raise Wrong(f"{what}: found {len(found)}, expected {len(expected)}", expected)
    at = next(i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1])
    raise Wrong(f"{what}: byte {at} is {found[at]:02x}, expected {expected[at]:02x}", expected)


def counted(changes, counter, ip_bytes, new):
    """ARCHITECTURE, packet path 9: packets, bytes of the IP packet as it came, new flows."""
    if changes not in [{counter: (1, ip_bytes, n, 0, 0)} for n in new]:
        raise Wrong(f"counters: found {changes}, expected {counter} with 1, {ip_bytes} and {new} new")


def counted_reply(changes, counter, ip_bytes):
    same("counters", changes, {counter: (0, 0, 0, 1, ip_bytes)})


def dest_of(packet, out):
    return out[ETHERNET + 16:ETHERNET + 20] if packet.version == 4 else out[ETHERNET + 24:ETHERNET + 40]


def translated(packet, out, macs, source, dest, source_port, dest_port):
    """RFC 3022, 4.1; RFC 1624: addresses, ports and the hop count change. A checksum says of what
    leaves what it said of what came: right stays right, and wrong stays as wrong as it was."""
    at, ip = ETHERNET + packet.offset, bytearray(trimmed(packet))
    if packet.version == 4:
        ip[8], ip[10:12] = packet.ttl - 1, out[ETHERNET + 10:ETHERNET + 12]
        ip[12:20] = source + dest
    else:
        ip[7], ip[8:40] = packet.ttl - 1, source + dest
    ip[packet.offset:packet.offset + 4] = source_port.to_bytes(2, "big") + dest_port.to_bytes(2, "big")
    check = packet.offset + (16 if packet.proto == TCP else 6)
    none = packet.proto == UDP and packet.ip[check:check + 2] == b"\0\0"
    if not none:
        ip[check:check + 2] = out[ETHERNET + check:ETHERNET + check + 2]
    same("bytes", out, macs + packet.frame[12:14] + bytes(ip))
    if packet.version == 4:
        same("the IPv4 header's sum", checksum.total(out[ETHERNET:at]),
             checksum.total(packet.ip[:packet.offset]))
    if none:
        return
    same("the transport checksum's sum", checksum.segment(source, dest, packet.proto, out[at:ETHERNET + packet.bytes]),
         checksum.segment(packet.source, packet.dest, packet.proto, packet.ip[packet.offset:packet.bytes]))
    if packet.proto == UDP and out[ETHERNET + check:ETHERNET + check + 2] == b"\0\0":
        raise Wrong("a datagram has lost its checksum (RFC 768)")
