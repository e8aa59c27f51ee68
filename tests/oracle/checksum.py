# SPDX-License-Identifier: BSD-2-Clause
"""Internet checksums as sums modulo 65,535 (RFC 1071): what is whole adds up to 0."""


def total(data):
    if len(data) % 2:
        data += b"\0"
    return int.from_bytes(data, "big") % 0xffff


def segment(source, dest, proto, data):
    """A TCP segment or datagram together with its pseudo-header (RFC 9293, 768, 8200)."""
    return (total(source + dest) + proto + len(data) + total(data)) % 0xffff
