"""Frames for the interop tests, right or wrong in one place each: every field can be overridden."""

import socket
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ethernet(destination, source, ether_type, payload):
    return destination + source + struct.pack("!H", ether_type) + payload


def arp(sender_mac, sender_ip, target_ip, op=1, hardware=1, protocol=0x800, hlen=6, plen=4):
    return (struct.pack("!HHBBH", hardware, protocol, hlen, plen, op) + sender_mac + ip(sender_ip) +
            bytes(6) + ip(target_ip))


def ipv4(source, destination, protocol, payload, *, version=4, ihl=None, options=b"", length=None,
         ident=1, fragment=0, ttl=64, bad_checksum=False):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH", version << 4 | ihl, 0, length, ident, fragment, ttl, protocol, 0)
    head += ip(source) + ip(destination) + options
    total = checksum(head) ^ (0x5555 if bad_checksum else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def ipv6(source, destination, next_header, payload, *, version=6, length=None, hop_limit=64):
    length = len(payload) if length is None else length
    return (struct.pack("!IHBB", version << 28, length, next_header, hop_limit) + ip(source) +
            ip(destination) + payload)


def _upper(source, destination, protocol, data, at, bad):
    """data with its checksum over the pseudo header at that offset."""
    if len(ip(source)) == 4:
        pseudo = ip(source) + ip(destination) + struct.pack("!BBH", 0, protocol, len(data))
    else:
        pseudo = ip(source) + ip(destination) + struct.pack("!II", len(data), protocol)
    total = (checksum(pseudo + data) or 0xffff) ^ (0x5555 if bad else 0)
    return data[:at] + struct.pack("!H", total) + data[at + 2:]


def udp(source, destination, payload, *, source_port=6200, port=5060, length=None,
        bad_checksum=False, no_checksum=False):
    length = 8 + len(payload) if length is None else length
    data = struct.pack("!HHHH", source_port, port, length, 0) + payload
    return data if no_checksum else _upper(source, destination, 17, data, 6, bad_checksum)


def icmp(kind, code, rest, bad_checksum=False):
    data = struct.pack("!BBH", kind, code, 0) + rest
    total = checksum(data) ^ (0x5555 if bad_checksum else 0)
    return data[:2] + struct.pack("!H", total) + data[4:]


def icmpv6(source, destination, kind, code, rest, bad_checksum=False):
    data = struct.pack("!BBH", kind, code, 0) + rest
    return _upper(source, destination, 58, data, 2, bad_checksum)


def solicitation(source, destination, target, options):
    return icmpv6(source, destination, 135, 0, bytes(4) + ip(target) + options)


def fragment6(next_header, offset, more, ident, payload):
    return struct.pack("!BBHI", next_header, 0, offset | more, ident) + payload
