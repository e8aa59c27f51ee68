#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A second model of the forwarding rules judges what the loaded program makes of random packets.

oracle.py --config INTERFACE prints the configuration. oracle.py INSTANCE INTERFACE MACS FILE runs in
the balancer's namespace; MACS is "ADDRESS=MAC ..." of the balancer, the router and the backends. It
prints a line per kind of packet, then "N packets, N wrong". Packets that went wrong are appended to
FILE as rows of the packet table.
"""
import argparse
import random
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from model import XDP_TX, Model  # noqa: E402
from outcomes import Wrong  # noqa: E402
from packets import Maker  # noqa: E402
from reading import Packet  # noqa: E402
from services import BACKENDS, BY_KEY, OWN, configuration  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHANGE = struct.Struct("=II5Q")
MOST_WRONG = 10


class Runner:
    """build/tests/oracle/runner, which runs packets through the program."""

    def __init__(self, instance, interface):
        self.process = subprocess.Popen([ROOT / "build/tests/oracle/runner", instance, interface],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.targets, self.drops = {}, {}
        for line in self.process.stdout:
            words = line.decode().split()
            if words[0] == "ready":
                return
            if words[0] == "target":
                self.targets[int(words[1])] = (words[2], words[3])
            else:
                self.drops[int(words[1])] = words[2]
        sys.exit("the runner has ended")

    def take(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            sys.exit("the runner has ended")
        return data

    def run(self, frame):
        """Verdict, bytes, {(service, address) or reason: what its counters gained}."""
        self.process.stdin.write(struct.pack("=I", len(frame)) + frame)
        self.process.stdin.flush()
        verdict, size, count = struct.unpack("=III", self.take(12))
        out, changes = self.take(size), {}
        for _ in range(count):
            is_drop, number, *values = CHANGE.unpack(self.take(CHANGE.size))
            changes[self.drops[number] if is_drop else self.targets[number]] = tuple(values)
        return verdict, out, changes


def c_bytes(data):
    lines = [data[i:i + 16] for i in range(0, len(data), 16)]
    return "\n".join("\t" + " ".join(f"0x{b:02x}," for b in line) for line in lines)


def row(number, name, frame, verdict, out, why):
    """A row of the packet table (struct harness_row): the packet, and what should have become of it, as
    far as the model knows; else what did, to be put right."""
    verdicts = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"]
    parts = [f"/* {why} */"]
    for part, data in ("in", frame), ("out", why.expected or out):
        parts.append(f"static void oracle_{number}_{part}(struct pkt *p, const void *arg)\n{{\n"
                     f"\tstatic const __u8 bytes[] = {{\n{c_bytes(data)}\n\t}};\n\n\t(void)arg;\n"
                     f"\tmemcpy(p->bytes, bytes, sizeof(bytes));\n\tp->length = sizeof(bytes);\n}}\n")
    parts.append(f'{{ .name = "{name}", .in = oracle_{number}_in, .out = oracle_{number}_out,\n'
                 f"  .verdict = {verdicts[verdict]} }},\n")
    return "\n".join(parts) + "\n"


def service_of(frame):
    packet = Packet(frame)
    version = 4 if frame[12:14] == b"\x08\x00" else 6
    at = 34 if version == 4 else 54
    dest = packet.ip[16:20] if version == 4 else packet.ip[24:40]
    proto = packet.ip[9] if version == 4 else packet.ip[6]
    return BY_KEY.get((dest, int.from_bytes(frame[at + 2:at + 4], "big"), proto))


def sees_flip(model, flips, frame, out, changes):
    """True if the model finds fault with a forwarded packet once one of its bits is another. Its counters
    have been judged before: a flow is new once."""
    at = flips.randrange(len(out) * 8)
    spoilt = bytearray(out)
    spoilt[at // 8] ^= 1 << at % 8
    try:
        model.judge(frame, XDP_TX, bytes(spoilt), changes)
    except Wrong as why:
        return not str(why).startswith("counters")
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packets", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--flip", type=int, default=0, help="try whether a flipped bit is seen, in so many packets")
    parser.add_argument("words", nargs=4, metavar="INSTANCE INTERFACE MACS FILE")
    o = parser.parse_args()
    instance, interface, text, save = o.words
    print(f"# seed {o.seed}, {o.packets} packets", flush=True)
    macs = {address: bytes.fromhex(mac.replace(":", ""))
            for address, mac in (word.split("=") for word in text.split())}
    backends = {a: macs[a] for family in BACKENDS.values() for a in family}
    choice, flips = random.Random(o.seed), random.Random(o.seed + 1)
    maker = Maker(choice, macs[OWN[4]], macs["router"])
    model = Model(macs[OWN[4]], macs["router"], backends)
    runner = Runner(instance, interface)
    tally, wrong, tried, seen = Counter(), 0, 0, 0
    for number in range(o.packets):
        frame, name = maker.make()
        verdict, out, changes = runner.run(frame)
        try:
            how = model.judge(frame, verdict, out, changes)
        except Wrong as why:
            how, wrong = "wrong", wrong + 1
            print(f"# packet {number} ({name}): {why}\n#   in {frame.hex()}\n#   out {out.hex()}")
            with open(save, "a") as file:
                file.write(row(wrong, f"{name}, seed {o.seed}, packet {number}", frame, verdict, out, why))
        if how == "forwarded":
            maker.learn(service_of(frame), out)
            if tried < o.flip and name == "client":
                tried += 1
                seen += sees_flip(model, flips, frame, out, changes)
        tally[name.split(",")[0] + ": " + how] += 1
        if wrong >= MOST_WRONG:
            break
    for what, count in sorted(tally.items()):
        print(f"# {count:7} {what}")
    print(f"{sum(tally.values())} packets, {wrong} wrong, {seen} of {tried} flips seen")
    return wrong > 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--config"]:
        print(configuration(sys.argv[2]), end="")
        sys.exit(0)
    sys.exit(main())
