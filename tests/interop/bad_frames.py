#!/usr/bin/env python3
"""Malformed frames of every layer, straight onto the relay's port: each raises its counter by name,
and the relay still relays. INTEROP_SEED repeats the random part."""

import os
import random
import re
import socket
import struct
import subprocess
import time

import frames as f
from peer import INSIDE, OUTSIDE, Peer, Results, counters, in_namespace, request, rises

results = Results()
DEVICE = os.environ["INTEROP_DEVICE_INSIDE"]
RELAY4, RELAY6 = "10.10.0.1", "fd10::1"
US4, US6 = "10.10.0.8", "fd10::8"


def relay_mac():
    """What ARP told the kernel of the namespace."""
    Peer(INSIDE, US4, 6201).send(b"\r\n\r\n", RELAY4)
    for _ in range(50):
        text = subprocess.run(["ip", "-n", INSIDE, "neigh", "show", RELAY4], check=True,
                              capture_output=True, text=True).stdout
        found = re.search(r"lladdr (\S+)", text)
        if found:
            return f.mac(found.group(1))
        time.sleep(0.1)
    raise RuntimeError("the relay does not answer ARP")


class Wire:
    def __init__(self):
        self.socket = in_namespace(
            INSIDE, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        in_namespace(INSIDE, lambda: self.socket.bind((DEVICE, 0)))
        self.relay = relay_mac()
        self.us = f.mac("02:00:00:00:00:08")

    def send(self, ether_type, payload, destination=None):
        self.socket.send(f.ethernet(destination or self.relay, self.us, ether_type, payload))

    def v4(self, packet):
        self.send(0x800, packet)

    def v6(self, packet):
        self.send(0x86dd, packet)


def ip4(protocol, payload, source=US4, destination=RELAY4, **more):
    return 0x800, f.ipv4(source, destination, protocol, payload, **more)


def ip6(next_header, payload, source=US6, destination=RELAY6, **more):
    return 0x86dd, f.ipv6(source, destination, next_header, payload, **more)


def udp4(payload=b"x", **more):
    return ip4(17, f.udp(US4, RELAY4, payload, **more))


def udp6(payload=b"x", **more):
    return ip6(17, f.udp(US6, RELAY6, payload, **more))


def nd(options=b"\x01\x01\x02\x00\x00\x00\x00\x08", target=RELAY6, **more):
    return ip6(58, f.solicitation(US6, RELAY6, target, options), **({"hop_limit": 255} | more))


def fragments4(*parts):
    """(offset, more, bytes) of one datagram each."""
    ident = random.randrange(1, 65536)
    return [ip4(17, b"f" * n, ident=ident, fragment=offset // 8 | (0x2000 if more else 0))
            for offset, more, n in parts]


def fragments6(*parts):
    ident = random.randrange(1, 1 << 32)
    return [ip6(44, f.fragment6(17, offset, more, ident, b"f" * n)) for offset, more, n in parts]


def cases(us):
    """(what, frames, counters that may name it)"""
    arp = f.arp(us, US4, RELAY4)
    echo = struct.pack("!HH", 1, 1) + b"ping"
    udp = f.udp(US4, RELAY4, b"x")
    udp_v6 = f.udp(US6, RELAY6, b"x")
    yield "an Ethernet header alone", [(0x800, b"")], ("eth_short", "ip_malformed")
    yield "an unknown EtherType", [(0x88b5, b"x" * 50)], "eth_type_unknown"
    yield "a VLAN that is not configured", [(0x8100, b"\x00\x07\x08\x00" + b"x" * 46)], "vlan_unknown"
    yield "a truncated VLAN tag", [(0x8100, b"\x00")], ("eth_short", "vlan_unknown")

    yield "a good ARP request", [(0x806, arp)], "arp_answered"
    yield "a truncated ARP", [(0x806, arp[:20])], "arp_malformed"
    yield "an ARP of other hardware", [(0x806, f.arp(us, US4, RELAY4, hardware=6))], "arp_malformed"
    yield "an ARP of another protocol", [(0x806, f.arp(us, US4, RELAY4, protocol=0x86dd))], \
        "arp_malformed"
    yield "an ARP with long addresses", [(0x806, f.arp(us, US4, RELAY4, hlen=8))], "arp_malformed"
    yield "an ARP with an unknown operation", [(0x806, f.arp(us, US4, RELAY4, op=9))], \
        "arp_malformed"
    yield "an ARP for somebody else", [(0x806, f.arp(us, US4, "10.10.0.77"))], "arp_not_ours"

    yield "IP version 5", [ip4(17, udp, version=5)], "ip_malformed"
    yield "a header of four words", [ip4(17, udp, ihl=4)], "ip_malformed"
    yield "a header longer than the packet", [ip4(17, b"", ihl=15)], "ip_malformed"
    yield "a total length beyond the frame", [ip4(17, udp, length=1500)], "ip_malformed"
    yield "a total length below the header", [ip4(17, udp, length=19)], "ip_malformed"
    yield "half an IPv4 header", [(0x800, ip4(17, udp)[1][:10])], ("ip_malformed", "eth_short")
    yield "a bad IPv4 checksum", [ip4(17, udp, bad_checksum=True)], "ip_checksum"
    yield "IPv4 options", [ip4(17, udp, options=b"\x94\x04\x00\x00")], "ip_options"
    yield "another IPv4 destination", [ip4(17, udp, destination="10.10.0.77")], "ip_not_ours"
    for source in ("224.0.0.1", "255.255.255.255", "127.0.0.1", RELAY4, "0.0.0.0"):
        yield "the IPv4 source " + source, [ip4(17, udp, source=source)], "ip_source_invalid"
    yield "an unknown IPv4 protocol", [ip4(132, b"x" * 20)], "ip_protocol_unknown"

    yield "IPv6 with version 4", [ip6(17, udp_v6, version=4)], "ip_malformed"
    yield "an IPv6 length beyond the frame", [ip6(17, udp_v6, length=1400)], "ip_malformed"
    yield "half an IPv6 header", [(0x86dd, ip6(17, udp_v6)[1][:20])], ("ip_malformed", "eth_short")
    yield "another IPv6 destination", [ip6(17, udp_v6, destination="fd10::77")], "ip_not_ours"
    for source in ("ff02::1", "::1", RELAY6):
        yield "the IPv6 source " + source, [ip6(17, udp_v6, source=source)], "ip_source_invalid"
    yield "an IPv6 routing header", [ip6(43, b"\x11\x02\x00\x01" + bytes(20) + udp_v6)], \
        ("ip_options", "ip_protocol_unknown")
    yield "an extension header that never ends", [ip6(60, b"\x3c\xff" + bytes(30))], \
        ("ip_options", "ip_malformed")
    yield "an unknown IPv6 next header", [ip6(132, b"x" * 20)], "ip_protocol_unknown"

    for family, fragments in (("IPv4", fragments4), ("IPv6", fragments6)):
        yield "an overlapping %s fragment" % family, fragments((0, 1, 64), (32, 0, 64)), \
            "ip_fragment_bad"
        yield "an %s fragment beyond 65535" % family, fragments((65528, 0, 64)), "ip_fragment_bad"
        yield "an %s fragment of odd length" % family, fragments((0, 1, 63)), \
            ("ip_fragment_bad", "ip_malformed")
        yield "too many %s fragments" % family, fragments(*((64 * n, 1, 64) for n in range(20))), \
            "ip_fragment_bad"
        yield "a lonely %s fragment" % family, fragments((64, 1, 64)), "fragment_held"

    yield "a good ICMP echo", [ip4(1, f.icmp(8, 0, echo))], "echo_answered"
    yield "a truncated ICMP", [ip4(1, b"\x08\x00")], "icmp_malformed"
    yield "a bad ICMP checksum", [ip4(1, f.icmp(8, 0, echo, bad_checksum=True))], "icmp_malformed"
    yield "an unknown ICMP type", [ip4(1, f.icmp(13, 0, echo))], "icmp_unhandled"
    yield "a good ICMPv6 echo", [ip6(58, f.icmpv6(US6, RELAY6, 128, 0, echo))], "echo_answered"
    yield "a bad ICMPv6 checksum", \
        [ip6(58, f.icmpv6(US6, RELAY6, 128, 0, echo, bad_checksum=True))], "icmp_malformed"
    yield "an unknown ICMPv6 type", [ip6(58, f.icmpv6(US6, RELAY6, 200, 0, echo))], "icmp_unhandled"

    yield "a good neighbour solicitation", [nd()], "nd_answered"
    yield "a solicitation from beyond the link", [nd(hop_limit=254)], "nd_malformed"
    yield "a solicitation with an empty option", [nd(options=b"\x01\x00" + bytes(6))], "nd_malformed"
    yield "a solicitation with an option beyond its end", \
        [nd(options=b"\x01\x05" + bytes(6))], "nd_malformed"
    yield "a solicitation for a multicast address", [nd(target="ff02::1")], "nd_malformed"
    yield "a truncated solicitation", \
        [ip6(58, f.icmpv6(US6, RELAY6, 135, 0, bytes(8)), hop_limit=255)], "nd_malformed"

    yield "a UDP length below its header", [udp4(length=7)], "udp_malformed"
    yield "a UDP length beyond the packet", [udp4(length=100)], "udp_malformed"
    yield "half a UDP header", [ip4(17, b"\x13\xc4\x13\xc4")], "udp_malformed"
    yield "a bad UDP checksum over IPv4", [udp4(bad_checksum=True)], "udp_checksum"
    yield "a bad UDP checksum over IPv6", [udp6(bad_checksum=True)], "udp_checksum"
    yield "no UDP checksum over IPv6", [udp6(no_checksum=True)], ("udp_checksum", "udp_malformed")
    yield "a port without listener", [udp4(port=5999)], "udp_no_listener"
    yield "no UDP checksum over IPv4, which is allowed", [udp4(no_checksum=True)], "sip_not_sip"
    yield "a payload that is not SIP", [udp4(bytes(range(200)))], "sip_not_sip"
    yield "a payload of NULs", [udp6(bytes(500))], "sip_not_sip"
    yield "an empty payload", [udp4(b"")], ("sip_keepalive", "sip_not_sip")


def still_relays(way):
    for caller, relay, from_domain, callee, to_domain in way:
        got = None
        for _ in range(3):
            caller.send(request("MESSAGE", caller, "sip:bob@" + to_domain,
                                "sip:alice@" + from_domain), relay)
            got = callee.receive(1)
            if got is not None:
                break
        if got is None:
            return False, "%s to %s: nothing arrived" % (from_domain, to_domain)
    return True


def check_cases(wire):
    before = counters()
    for ether_type, payload in ((0x800, f.ipv4(US4, RELAY4, 17, f.udp(US4, RELAY4, b"x"))),):
        wire.send(ether_type, payload, destination=f.mac("02:00:00:00:00:99"))
    results.check("a frame for another MAC address raises eth_not_ours",
                  rises("eth_not_ours", before))
    for what, sent, names in cases(wire.us):
        before = counters()
        for ether_type, payload in sent:
            wire.send(ether_type, payload)
        names = (names,) if isinstance(names, str) else names
        raised = rises(names, before, seconds=1)
        now = counters()
        others = {n: now[n] - before.get(n, 0) for n in now if now[n] != before.get(n, 0)}
        results.check("%s raises %s" % (what, " or ".join(names)), raised, "raised: %s" % others)


def check_sip(way):
    """Over the kernel's UDP: the messages are larger than a frame."""
    caller, relay, from_domain, callee, to_domain = way[0]
    uris = ("sip:bob@" + to_domain, "sip:alice@" + from_domain)
    good = request("MESSAGE", caller, *uris)
    for what, data, name in (
            ("three hundred header fields",
             request("MESSAGE", caller, *uris, extra=["X: y"] * 300), "sip_too_many_headers"),
            ("a header field of 8 KB without an end", good[:-4] + b"\r\nX: " + b"y" * 8000,
             ("sip_malformed", "sip_not_sip")),
            ("a NUL in the Request-URI", good.replace(b"bob@", b"b\0b@", 1),
             ("sip_bad_uri", "sip_malformed")),
            ("a message cut in the middle of its header", good[:len(good) // 2],
             ("sip_malformed", "sip_missing_header", "sip_bad_header")),
            ("a Content-Length of 2^64", good.replace(b"Length: 0", b"Length: 18446744073709551616"),
             ("sip_bad_content_length", "sip_body_short")),
            ("contradicting Content-Lengths",
             request("MESSAGE", caller, *uris, extra=["Content-Length: 5"]),
             ("sip_bad_content_length", "sip_duplicate_header")),
            ("no Via", b"\r\n".join(l for l in good.split(b"\r\n") if not l.startswith(b"Via")),
             ("sip_missing_header", "sip_malformed")),
            ("only line feeds", good.replace(b"\r\n", b"\n"), ("sip_malformed", "sip_not_sip"))):
        before = counters()
        caller.drain()
        callee.drain()
        caller.send(data, relay)
        names = (name,) if isinstance(name, str) else name
        raised = rises(names, before, seconds=1)
        now = counters()
        others = {n: now[n] - before.get(n, 0) for n in now if now[n] != before.get(n, 0)}
        silent = callee.is_silent(0.1)
        results.check("%s raises %s and goes nowhere" % (what, " or ".join(names)),
                      raised and silent, "raised: %s, silent %s" % (others, silent))


def check_random(wire, seed):
    """Good frames with some bits flipped, bytes cut off or put in."""
    chance = random.Random(seed)
    sip = b"MESSAGE sip:b@fabrikam.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.0.8;branch=z9hG4bK1\r\n" \
        b"From: <sip:a@contoso.example>;tag=1\r\nTo: <sip:b@fabrikam.example>\r\nCall-ID: 1\r\n" \
        b"CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    good = [(0x806, f.arp(wire.us, US4, RELAY4)), udp4(sip), udp6(sip), nd(),
            ip4(1, f.icmp(8, 0, bytes(20))), ip6(58, f.icmpv6(US6, RELAY6, 128, 0, bytes(20))),
            *fragments4((0, 1, 64), (64, 0, 64)), *fragments6((0, 1, 64), (64, 0, 64))]
    before = sum(counters().values())
    n_sent = 3000
    for number in range(n_sent):
        ether_type, payload = chance.choice(good)
        data = bytearray(payload)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind < 2:
                data[at] ^= 1 << chance.randrange(8)
            elif kind == 2 and len(data) > 1:
                del data[at:at + chance.randrange(1, 40)]
            else:
                data[at:at] = chance.randbytes(chance.randrange(1, 40))
            if not data:
                data = bytearray(b"\0")
        wire.send(ether_type, bytes(data))
        if number % 100 == 99:
            time.sleep(0.01)  # the relay sleeps when idle; its queue is short
    time.sleep(0.3)
    n_counted = sum(counters().values()) - before
    results.check("each of %d mutated frames is counted (seed %d)" % (n_sent, seed),
                  n_counted >= n_sent, "%d counted" % n_counted)


def main():
    seed = int(os.environ.get("INTEROP_SEED", time.time_ns() % 1000000007))
    random.seed(seed)
    way = (
        (Peer(INSIDE, "10.10.0.4", 5071), RELAY4, "contoso.example",
         Peer(OUTSIDE, "192.0.2.2"), "fabrikam.example"),
        (Peer(INSIDE, "fd10::4", 5071), RELAY6, "contoso-six.example",
         Peer(OUTSIDE, "2001:db8::2"), "woodgrove.example"),
    )
    results.run("messages pass before", still_relays, way)
    wire = Wire()
    check_cases(wire)
    results.run("messages pass after malformed frames", still_relays, way)
    check_sip(way)
    check_random(wire, seed)
    for peer in (way[0][3], way[1][3]):
        peer.drain()
    results.run("messages pass after mutated frames", still_relays, way)
    results.end()


main()
