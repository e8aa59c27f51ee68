# SPDX-License-Identifier: BSD-2-Clause
"""What the balancer answers by itself."""
from scapy.layers.inet import IP, TCP as Segment
from scapy.layers.inet6 import IPv6
import checksum
from outcomes import Answered, Dropped, Refused
from reading import ETHERNET_LEAST, FIN, RST, SYN, is_martian
from services import TCP


def unavailable(packet):
    """poise.yaml(5), unavailable: a SYN is refused, all else is dropped. The limits of answers are far
    above what is sent here."""
    if not packet.is_syn or packet.proto != TCP or packet.flags & RST or packet.frame[6] & 1:
        raise Dropped("no_backend")
    raise Refused(reset(packet))


def reset(packet):
    """RFC 9293, 3.10.7.1: what a closed port answers to a segment without ACK."""
    body = packet.ip[packet.offset:packet.bytes]
    taken = len(body) - (body[12] >> 4) * 4 + bool(packet.flags & SYN) + bool(packet.flags & FIN)
    answer = Segment(sport=packet.dest_port, dport=packet.source_port, seq=0, flags="RA", window=0,
                     ack=(int.from_bytes(body[4:8], "big") + taken) % 2**32)
    tos = packet.tos & ~3  # RFC 3168, 6.1.4
    if packet.version == 4:
        ip = IP(src=packet.dest_text, dst=packet.source_text, tos=tos, id=0, flags="DF", ttl=64)
    else:
        ip = IPv6(src=packet.dest_text, dst=packet.source_text, tc=tos, hlim=64)
    frame = packet.frame[6:12] + packet.frame[:6] + packet.frame[12:14] + bytes(ip / answer)
    return frame.ljust(ETHERNET_LEAST, b"\0") if len(packet.frame) >= ETHERNET_LEAST else frame


def too_big(packet, mtu):
    """RFC 1191, 4; RFC 4443, 3.2."""
    told(packet, "too_big", (3, 4) if packet.version == 4 else (2, 0), mtu)


def time_exceeded(packet):
    """RFC 1812, 5.3.1; RFC 4443, 3.3."""
    told(packet, "ttl", (11, 0) if packet.version == 4 else (3, 0), 0)


def told(packet, reason, kind, rest):
    """RFC 1122, 3.2.2, and RFC 4443, 2.4: whom no error is sent to; RFC 1812, 4.3.2: how long one is."""
    if packet.frame[6] & 1 or is_martian(packet):
        raise Dropped(reason)
    ends = {"src": packet.dest_text, "dst": packet.source_text}
    quoted = packet.ip[:min(packet.bytes, 576 - 28 if packet.version == 4 else 1280 - 48)]
    error = bytes(kind) + b"\0\0" + rest.to_bytes(4, "big") + quoted
    if packet.version == 4:
        sum16 = -checksum.total(error) % 0xffff
        ip = IP(**ends, tos=0xc0, id=0, flags="DF", ttl=64, proto=1)
    else:
        sum16 = -checksum.segment(packet.dest, packet.source, 58, error) % 0xffff
        ip = IPv6(**ends, tc=0xc0, hlim=64, nh=58)
    error = error[:2] + sum16.to_bytes(2, "big") + error[4:]
    raise Answered(reason, packet.frame[6:12] + packet.frame[:6] + packet.frame[12:14] + bytes(ip / error))
