# SPDX-License-Identifier: BSD-2-Clause
"""What has to become of a frame: the forwarding rules, written from doc/, the manual pages,
ARCHITECTURE.md and the RFCs. Each rule is a function that names its source. It shares no code with
the program that it judges.

What nobody can compute without the balancer's seed (which backend a new flow is given, a port of mode
nat, a flow label) is taken from what the balancer did: it has to be one of those allowed, and every
later packet of the flow has to get the same.
"""
import ipaddress
import time

import checksum
from answers import unavailable
from outcomes import Dropped, Part, Passed, Refused, Unjudged, Wrong
from scapy.layers.inet import IP, UDP as Datagram
from scapy.layers.inet6 import IPv6
from services import BACKENDS, BY_KEY, CLIENTS, MTU, NAT_PORTS, OWN, SCTP, SERVICES, TCP, UDP, VIP, raw

XDP_DROP, XDP_PASS, XDP_TX = 1, 2, 3
FIN, SYN, RST, ACK = 1, 2, 4, 16
ETHERNET, LEAST_FRAME = 14, 60
HOP, ICMP, IPIP, ROUTING, FRAGMENT, AH, ICMP6, DEST = 0, 1, 4, 43, 44, 51, 58, 60
IPV6 = 41
INIT, ABORT, SHUTDOWN_ACK, SHUTDOWN_COMPLETE = 1, 6, 8, 14  # RFC 9260, 3.2
SILENCE = 5  # seconds after which the model does not say whether a flow is still remembered
SILENCE_ENDED = 1  # the same for a flow that has ended

VIPS = {raw(a) for a in VIP.values()}
SOURCES = {raw(a) for a in OWN.values()}
ADDRESS = {raw(a): a for family in BACKENDS.values() for a in family}


class Packet:
    """A frame with what the rules find in it."""

    def __init__(self, frame):
        self.frame, self.ip = frame, frame[ETHERNET:]
        self.version = self.proto = self.tos = self.ttl = self.flags = 0
        self.source = self.dest = b""
        self.source_port = self.dest_port = 0
        self.bytes = 0  # of the IP packet
        self.offset = 0  # of the transport header in it

    @property
    def source_text(self):
        return str(ipaddress.ip_address(self.source))

    @property
    def dest_text(self):
        return str(ipaddress.ip_address(self.dest))

    @property
    def is_syn(self):
        """For SCTP: an INIT begins an association (doc/modes.md)."""
        return self.flags & (SYN | ACK) == SYN

    @property
    def ends(self):
        """True for what the last packets of a flow have."""
        return bool(self.flags & (FIN | RST))

    @property
    def may_begin(self):
        """doc/operating.md, "What a stranger can do": what takes a port in mode nat."""
        how = self.flags & (FIN | SYN | RST | ACK)
        return self.proto != TCP or how == SYN or how & (SYN | RST | ACK) == ACK


# ---- what a packet is


def link(frame):
    """ARCHITECTURE, packet path 1; RFC 1122, 3.3.6: group addresses are not forwarded."""
    if frame[0] & 1:
        raise Passed
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return ipv4(Packet(frame))
    if kind == b"\x86\xdd":
        return ipv6(Packet(frame))
    raise Passed


def malformed(packet, reason):
    """ARCHITECTURE, packet path 2: other people's packets are the kernel's to judge."""
    raise Dropped(reason) if packet.dest in VIPS else Passed


def ipv4(packet):
    """RFC 791, 3.1; ARCHITECTURE, packet path 2."""
    ip = packet.ip
    if len(ip) < 20 or ip[0] >> 4 != 4 or ip[0] & 15 < 5:
        raise Dropped("malformed_ip")
    packet.version, packet.tos, packet.ttl, packet.proto = 4, ip[1], ip[8], ip[9]
    packet.source, packet.dest = ip[12:16], ip[16:20]
    packet.offset, packet.bytes = (ip[0] & 15) * 4, int.from_bytes(ip[2:4], "big")
    if int.from_bytes(ip[6:8], "big") & 0x3fff:  # more fragments, or an offset
        raise Part(packet)
    if packet.proto == ICMP:
        raise Unjudged
    if packet.proto not in (TCP, UDP, SCTP):
        raise Passed
    if not packet.offset <= packet.bytes <= len(ip):
        malformed(packet, "malformed_ip")
    return packet


def ipv6(packet):
    """RFC 8200, 3; ARCHITECTURE, packet path 2."""
    ip = packet.ip
    if len(ip) < 40 or ip[0] >> 4 != 6:
        raise Dropped("malformed_ip")
    packet.version, packet.tos, packet.ttl = 6, int.from_bytes(ip[:2], "big") >> 4 & 255, ip[7]
    packet.source, packet.dest = ip[8:24], ip[24:40]
    packet.bytes = 40 + int.from_bytes(ip[4:6], "big")
    if packet.bytes > len(ip) or packet.bytes > 0xffff:
        malformed(packet, "malformed_ip")
    packet.proto, packet.offset = ip[6], 40
    extensions(packet)
    if packet.proto == ICMP6:
        raise Unjudged
    if packet.proto not in (TCP, UDP, SCTP):
        raise Passed
    return packet


def extensions(packet):
    """RFC 8200, 4; RFC 4302, 2.2; RFC 6946; ARCHITECTURE, packet path 2: up to eight headers, which
    end within 1,023 bytes."""
    for _ in range(8):
        if packet.proto not in (HOP, ROUTING, FRAGMENT, AH, DEST):
            return
        header = packet.ip[packet.offset:packet.offset + 8]
        if len(header) < 8:
            malformed(packet, "malformed_ip")
        if packet.proto == ROUTING and header[3]:  # segments left: on its way to somebody else
            raise Passed
        if packet.proto == FRAGMENT and int.from_bytes(header[2:4], "big") & 0xfff9:
            packet.proto, packet.offset = header[0], packet.offset + 8
            raise Part(packet)
        length = {FRAGMENT: 8, AH: (header[1] + 2) * 4}.get(packet.proto, (header[1] + 1) * 8)
        packet.proto, packet.offset = header[0], packet.offset + length
        if packet.offset > 1023:
            raise Passed


def ports(packet):
    """ARCHITECTURE, packet path 2: a packet too short for its ports."""
    end = packet.offset + 4
    if end > packet.bytes or end > len(packet.ip):
        malformed(packet, "malformed_transport")
    head = packet.ip[packet.offset:end]
    packet.source_port = int.from_bytes(head[:2], "big")
    packet.dest_port = int.from_bytes(head[2:], "big")


def transport(packet):
    """RFC 9293, 3.1; RFC 768; ARCHITECTURE, packet path 4."""
    body = packet.ip[packet.offset:packet.bytes]
    if packet.proto == TCP:
        if len(body) < 20 or not 20 <= (body[12] >> 4) * 4 <= len(body):
            raise Dropped("malformed_transport")
        packet.flags = body[13]
    elif packet.proto == SCTP:
        sctp(packet, body)
    elif len(body) < 8 or not 8 <= int.from_bytes(body[4:6], "big") <= len(body):
        raise Dropped("malformed_transport")


def sctp(packet, body):
    """RFC 9260, 3 and 9.2: common header and a chunk; which chunks begin and end an association."""
    if len(body) < 16 or int.from_bytes(body[14:16], "big") < 4:
        raise Dropped("malformed_transport")
    ends = body[12] in (ABORT, SHUTDOWN_ACK, SHUTDOWN_COMPLETE)
    packet.flags = SYN if body[12] == INIT else FIN if ends else ACK


def whole_transport(packet):
    """A reply that is too short for its transport header is not translated."""
    if packet.bytes < packet.offset + (20 if packet.proto == TCP else 8):
        raise Passed
    packet.flags = packet.ip[packet.offset + 13] if packet.proto == TCP else 0


def trimmed(packet):
    """ARCHITECTURE, packet path 7: what follows the IP packet is cut off, but not the padding of short
    frames."""
    return packet.ip[:max(packet.bytes, LEAST_FRAME - ETHERNET)]


def source_route(packet):
    """RFC 791, 3.1; doc/operating.md, "Source routes": on its way to another host until it is used up."""
    options = packet.ip[20:packet.offset] if packet.version == 4 else b""
    while len(options) >= 3 and options[0] != 0:
        if options[0] in (131, 137):
            if options[2] <= options[1]:
                raise Passed
            return
        length = 1 if options[0] == 1 else options[1]
        if length < 1 or length == 1 and options[0] != 1:
            return
        options = options[length:]


def martian(packet, service):
    """doc/operating.md, "Martians"; RFC 1812, 5.3.7; RFC 4291, 2.5 and 2.7."""
    source = packet.source
    bad = source in VIPS or source in SOURCES
    if packet.version == 4:
        bad |= source[0] in (0, 127) or source[0] >= 224
    else:
        bad |= source[0] == 0xff or source[:15] == bytes(15) and source[15] <= 1
        bad |= source[:12] == bytes(10) + b"\xff\xff"
        on_link = service.mode in ("l2", "nat")
        bad |= source[0] == 0xfe and source[1] & 0xc0 == 0x80 and not on_link
    if bad:
        raise Dropped("martian")


# ---- what it becomes


def fits(packet, more=0):
    """doc/modes.md, "What holds for all modes"."""
    if packet.bytes + more > MTU:
        raise Dropped("too_big")


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
        except Dropped:  # the choice of a backend came first, and is remembered
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
            raise Dropped("ttl")
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
            raise Dropped("ttl")
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
            raise Dropped("ttl")
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
