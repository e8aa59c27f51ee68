# SPDX-License-Identifier: BSD-2-Clause
"""What the balancer answers by itself."""
from scapy.layers.inet import IP, TCP as Segment
from scapy.layers.inet6 import IPv6
from outcomes import Dropped, Refused
from reading import ETHERNET_LEAST, FIN, RST, SYN
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
