# SPDX-License-Identifier: BSD-2-Clause
"""What the rules find in a frame, and what makes it no service's. Each rule names its source."""
import ipaddress

from outcomes import Dropped, Part, Passed, Unjudged
from services import OWN, SCTP, TCP, UDP, VIP, raw

FIN, SYN, RST, ACK = 1, 2, 4, 16
ETHERNET, ETHERNET_LEAST = 14, 60
HOP, ICMP, ROUTING, FRAGMENT, AH, ICMP6, DEST = 0, 1, 43, 44, 51, 58, 60
INIT, ABORT, SHUTDOWN_ACK, SHUTDOWN_COMPLETE = 1, 6, 8, 14  # RFC 9260, 3.2

VIPS = {raw(a) for a in VIP.values()}
SOURCES = {raw(a) for a in OWN.values()}


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
    return packet.ip[:max(packet.bytes, ETHERNET_LEAST - ETHERNET)]


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


def is_martian(packet):
    """RFC 1812, 5.3.7; RFC 4291, 2.5 and 2.7: nobody has this source address."""
    source = packet.source
    if source in VIPS or source in SOURCES:
        return True
    if packet.version == 4:
        return source[0] in (0, 127) or source[0] >= 224
    return source[0] == 0xff or source[:15] == bytes(15) and source[15] <= 1 or \
        source[:12] == bytes(10) + b"\xff\xff"


def martian(packet, service):
    """doc/operating.md, "Martians"; link-local addresses mean nothing beyond their link."""
    off_link = packet.version == 6 and service.mode not in ("l2", "nat")
    link_local = packet.source[0] == 0xfe and packet.source[1] & 0xc0 == 0x80
    if is_martian(packet) or off_link and link_local:
        raise Dropped("martian")
