# SPDX-License-Identifier: BSD-2-Clause
"""Packets of clients, backends and strangers, by a seed: whole, then some of them spoilt."""
from collections import deque

from scapy.layers.inet import ICMP, IP, IPOption_LSRR, IPOption_NOP, IPOption_SSRR, TCP as Segment, UDP as Datagram
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)
from scapy.layers.ipsec import AH
from scapy.layers.sctp import (SCTP as Association, SCTPChunkAbort, SCTPChunkData, SCTPChunkInit,
                               SCTPChunkShutdownAck)
from services import BACKENDS, CLIENTS, OWN, PORTS, SCTP, SERVICES, TCP, UDP, VIP

FLAGS = ["S"] * 40 + ["A"] * 80 + ["PA"] * 40 + ["FA", "R", "RA", "SA", "", "FPU", "SEC", "SFR"]
SIZES = [0] * 6 + [1, 2, 5, 6, 7, 17, 100, 512, 1000, 1400, 1460, 1519, 1560, 1580]
POOL, REMEMBERED = 64, 256
STRANGERS = {4: ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.1.2.3", VIP[4], OWN[4]],
             6: ["::1", "::", "ff02::1", "fe80::7", "::ffff:1.2.3.4", VIP[6], OWN[6]]}


class Maker:
    """make() returns a frame and says what it was meant to be. `learn` is told what became of it."""

    def __init__(self, random, own_mac, router_mac):
        self.random, self.own_mac, self.router_mac = random, own_mac, router_mac
        self.flows = [self.flow() for _ in range(POOL)]
        self.sent, self.forwarded = deque(maxlen=REMEMBERED), deque(maxlen=REMEMBERED)

    def flow(self):
        """Client, port, service."""
        r = self.random
        service = r.choice(SERVICES)
        return f"{CLIENTS[service.family]}{r.randrange(2, 200)}", r.randrange(1, 0x10000), service

    def make(self):
        r = self.random
        kinds = {self.client: 50, self.answer: 18, self.stray: 6, self.fragment: 5, self.echo: 3,
                 self.stranger: 3, self.tunnel: 5, self.replay: 10}
        build = r.choices(list(kinds), kinds.values())[0]
        frame = build()
        name = build.__name__
        if r.random() < 0.25:
            frame, how = self.spoil(frame)
            name += ", " + how
        self.sent.append(frame)
        return frame, name

    def learn(self, service, out):
        """A packet that reached a backend in mode nat can be answered."""
        if service and service.mode in ("nat", "keep"):
            self.forwarded.append((service, out))

    # ---- whole packets

    def ethernet(self, packet, source=None):
        kind = b"\x08\x00" if packet.version == 4 else b"\x86\xdd"
        frame = self.own_mac + (source or self.router_mac) + kind + bytes(packet)
        return frame + bytes(max(0, 60 - len(frame))) if self.random.random() < 0.9 else frame

    def ip(self, family, source, dest):
        r = self.random
        ttl = r.choice([64, 64, 64, 128, 255, 2, 2, 1, 0])
        if family == 4:
            packet = IP(src=source, dst=dest, ttl=ttl, tos=r.randrange(256), id=r.randrange(0x10000),
                        flags=r.choice(["DF", 0]))
            if r.random() < 0.1:
                packet.options = r.choice([[IPOption_NOP()] * r.choice([4, 8, 40]),
                                           [r.choice([IPOption_LSRR, IPOption_SSRR])(routers=["192.0.2.1"],
                                                                                     pointer=r.choice([4, 8]))]])
            return packet
        packet = IPv6(src=source, dst=dest, hlim=ttl, tc=r.randrange(256), fl=r.randrange(1 << 20))
        if r.random() < 0.2:
            for _ in range(r.choice([1, 1, 2, 3, 8, 9])):
                packet /= self.extension()
        return packet

    def extension(self):
        r = self.random
        return r.choice([
            lambda: IPv6ExtHdrHopByHop(), lambda: IPv6ExtHdrDestOpt(),
            lambda: IPv6ExtHdrRouting(segleft=r.choice([0, 0, 1])),
            lambda: IPv6ExtHdrFragment(offset=0, m=0, id=r.randrange(1 << 32)),
            lambda: AH(spi=1, seq=1, icv=bytes(12), payloadlen=4),
        ])()

    def transport(self, proto, source_port, dest_port):
        r = self.random
        body = r.randbytes(r.choice(SIZES))
        if proto == TCP:
            options = r.choice([[], [], [("MSS", 1460)], [("NOP", None)] * 40])
            return Segment(sport=source_port, dport=dest_port, flags=r.choice(FLAGS), seq=r.randrange(1 << 32),
                           ack=r.randrange(1 << 32), options=options) / body
        if proto == SCTP:
            chunk = r.choices([SCTPChunkInit(), SCTPChunkData(data=body), SCTPChunkAbort(), SCTPChunkShutdownAck()],
                              [40, 80, 1, 1])[0]
            return Association(sport=source_port, dport=dest_port, tag=r.randrange(1 << 32)) / chunk
        datagram = Datagram(sport=source_port, dport=dest_port)
        if r.random() < 0.1:
            datagram.chksum = 0
        return datagram / body

    def client(self):
        r = self.random
        at = r.randrange(POOL)
        if r.random() < 0.05:
            self.flows[at] = self.flow()
        source, port, service = self.flows[at]
        return self.ethernet(self.ip(service.family, source, VIP[service.family]) /
                             self.transport(service.proto, port, service.port))

    def answer(self):
        """What a backend says to a packet that it got: its addresses and ports the other way round."""
        if not self.forwarded:
            return self.client()
        service, out = self.random.choice(self.forwarded)
        got = (IP if service.family == 4 else IPv6)(out[14:])
        inner = got[Segment if service.proto == TCP else Datagram]
        return self.ethernet(self.ip(service.family, got.dst, got.src) /
                             self.transport(service.proto, inner.dport, inner.sport), out[:6])

    def stray(self):
        """To no service: another port, another address, or the balancer's own."""
        r = self.random
        family, proto = r.choice([4, 6]), r.choice([TCP, UDP, SCTP])
        dest, port = r.choice([(VIP[family], 9), (VIP[family], 0), (OWN[family], r.choice(PORTS)),
                               (OWN[family], r.randrange(10240, 32768)),
                               ("203.0.113.9" if family == 4 else "2001:db8:9::9", 80)])
        source = r.choice([CLIENTS[family] + "9", r.choice(BACKENDS[family])])
        return self.ethernet(self.ip(family, source, dest) /
                             self.transport(proto, r.choice([40000, 8085, 8086]), port))

    def stranger(self):
        r = self.random
        source, port, service = r.choice(self.flows)
        source = r.choice(STRANGERS[service.family])
        return self.ethernet(self.ip(service.family, source, VIP[service.family]) /
                             self.transport(service.proto, port, service.port))

    def fragment(self):
        r = self.random
        _, port, service = r.choice(self.flows)
        # The model does not judge the flows that these begin.
        source = f"{CLIENTS[service.family]}{r.randrange(200, 250)}"
        body = self.transport(service.proto, port, service.port)
        offset, more = r.choice([(0, 1), (1, 0), (2, 1), (8191, 0)])
        if service.family == 4:
            return self.ethernet(IP(src=source, dst=VIP[4], frag=offset, flags="MF" if more else 0) / body)
        return self.ethernet(IPv6(src=source, dst=VIP[6]) / IPv6ExtHdrFragment(offset=offset, m=more) / body)

    def echo(self):
        family = self.random.choice([4, 6])
        return self.ethernet(self.ip(family, CLIENTS[family] + "9", VIP[family]) /
                             (ICMP() if family == 4 else ICMPv6EchoRequest()))

    def tunnel(self):
        """Packets in packets, as decapsulation would take them: to the service they are a datagram, or
        a protocol that it does not balance."""
        r = self.random
        source, port, service = r.choice(self.flows)
        inner = self.ip(service.family, source, VIP[service.family]) / \
            self.transport(service.proto, port, service.port)
        family = r.choice([4, 6])
        out = self.ip(family, CLIENTS[family] + "7", r.choice([VIP[family], OWN[family]]))
        if r.random() < 0.5:
            out = out / Datagram(sport=0xc001, dport=r.choice([6080, 80])) / \
                bytes([0, 4 if service.family == 4 else 41, 0, 0])
        return self.ethernet(out / inner)

    def replay(self):
        return self.random.choice(self.sent) if self.sent else self.client()

    # ---- spoilt ones

    def spoil(self, frame):
        r = self.random
        how = r.choice(["a bit flipped", "a header byte changed", "cut short", "grown", "a length changed"])
        data = bytearray(frame)
        if how == "a bit flipped":
            data[r.randrange(len(data))] ^= 1 << r.randrange(8)
        elif how == "a header byte changed":
            data[r.randrange(min(len(data), 14 + 60))] = r.randrange(256)
        elif how == "cut short":
            del data[r.randrange(14, max(15, len(data))):]
        elif how == "grown":
            data += r.randbytes(r.choice([1, 2, 7, 60, 500]))
        else:
            at = 16 if data[12:14] == b"\x08\x00" else 18
            value = r.choice([0, 1, 19, 20, 27, 28, 40, 41, len(data) - 14, len(data), 0xffff])
            data[at:at + 2] = value.to_bytes(2, "big")
        return bytes(data), how
