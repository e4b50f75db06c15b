#!/usr/bin/env python3
"""Bodies of 1 to 20 MB over TCP and TLS, both ways, byte for byte; what is over the limit, stalls or ends in
the middle; and small messages beside all of it. The peers are Linux' TCP and OpenSSL."""

import os
import random
import re
import socket
import subprocess
import threading
import time

import secure_streams
import streams
from peer import INSIDE, OUTSIDE, Message, Peer, Results, counters, request, response, rises

results = Results()
LIMIT = 20000 * 1024
STALL_S = 33
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def body_of(n_bytes, seed):
    return random.Random(seed).randbytes(n_bytes)


class Reader:
    """Whole messages of a socket, without looking at a byte twice."""

    def __init__(self, sock):
        self.socket = sock
        self.pending = bytearray()

    def read(self):
        """The next message, None at the end."""
        self.socket.settimeout(120)
        whole = None
        while whole is None or len(self.pending) < whole:
            end = self.pending.find(b"\r\n\r\n") if whole is None else -1
            if end == 0:
                del self.pending[:4]  # a keepalive
                continue
            if end > 0:
                whole = end + 4 + int(LENGTH.search(self.pending[:end + 2]).group(1))
                continue
            try:
                data = self.socket.recv(1 << 18)
            except (OSError, ValueError):
                return None
            if not data:
                return None
            self.pending += data
        message, self.pending = bytes(self.pending[:whole]), self.pending[whole:]
        return Message(message)


class Hop(threading.Thread):
    """A next hop: answers 200, with a body as long as X-Answer says, and keeps what it got by Call-ID."""

    def __init__(self, namespace, address, port, tls=None):
        super().__init__(daemon=True)
        self.listener = streams._socket(namespace, address, port)
        self.listener.listen(16)
        self.tls = tls
        self.got = {}
        self.slow = threading.Event()
        self.start()

    def run(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        if self.tls is not None:
            sock = self.tls.wrap_socket(sock, server_side=True)
        reader = Reader(sock)
        while True:
            if self.slow.is_set():
                time.sleep(0.1)
                continue
            message = reader.read()
            if message is None:
                return
            if message.status:
                continue
            if not message.start.startswith("OPTIONS "):
                self.got[message.first("Call-ID")] = message
            n_answer = int(message.first("X-Answer") or 0)
            sock.sendall(response(message, 200, "OK", body=body_of(n_answer, n_answer)))

    def wait(self, call_id, seconds=60):
        until = time.monotonic() + seconds
        while call_id not in self.got and time.monotonic() < until:
            time.sleep(0.005)
        return self.got.get(call_id)


TLS_SERVER = {name: secure_streams.context(True, name) for name in ("fabrikam.example", "contoso-tls.example")}
TLS_CLIENT = {name: secure_streams.context(False, name) for name in ("fabrikam.example", "contoso-tls.example")}
HOPS = {
    "contoso-tcp.example": Hop(INSIDE, "10.10.0.6", 5060),
    "fabrikam-tcp.example": Hop(OUTSIDE, "192.0.2.6", 5060),
    "contoso-tls.example": Hop(INSIDE, "10.10.0.6", 5061, TLS_SERVER["contoso-tls.example"]),
    "fabrikam.example": Hop(OUTSIDE, "192.0.2.2", 5061, TLS_SERVER["fabrikam.example"]),
}


class Caller:
    """A connection to the relay of a domain's client."""

    def __init__(self, domain, host=9):
        self.domain = domain
        inside = domain.startswith("contoso")
        namespace, address, relay = ((INSIDE, "10.10.0.%d" % host, "10.10.0.1") if inside
                                     else (OUTSIDE, "192.0.2.%d" % host, "192.0.2.1"))
        if domain in TLS_CLIENT:
            self.stream = secure_streams.connect(namespace, address, relay, TLS_CLIENT[domain],
                                                 name="sip.contoso.example")
        else:
            self.stream = streams.connect(namespace, address, relay)
        self.socket = self.stream.socket
        self.reader = Reader(self.socket)

    def request(self, to, body, call_id, extra=()):
        return request("MESSAGE", self.stream, "sip:b@" + to, "sip:a@" + self.domain,
                       via=self.stream.via("z9hG4bK" + call_id), call_id=call_id, body=body, extra=extra)

    def send(self, data):
        self.socket.settimeout(120)
        self.socket.sendall(data)

    def close(self):
        self.socket.close()


def crosses(caller, to, n_bytes, call_id, n_answer=0):
    """The body arrives as it was, and so does the answer's."""
    body = body_of(n_bytes, call_id)
    start = time.monotonic()
    caller.send(caller.request(to, body, call_id, ["X-Answer: %d" % n_answer]))
    back = caller.reader.read()
    took = time.monotonic() - start
    if back is None or back.status != 200:
        return False, "answer: %s" % (back and back.start)
    got = HOPS[to].got[call_id]
    if got.body != body:
        return False, "%d bytes of body, %d were sent, or others" % (len(got.body), n_bytes)
    print("# %s to %s: %d bytes in %.2f s" % (caller.domain, to, n_bytes, took), flush=True)
    return back.body == body_of(n_answer, n_answer), "the answer's body differs"


class Beside(threading.Thread):
    """Small messages over UDP between others, one after the other, while something goes on."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ours, self.theirs = Peer(INSIDE, "10.10.0.2"), Peer(OUTSIDE, "192.0.2.3")
        self.ended = False
        self.times, self.n_lost = [], 0
        self.start()

    def run(self):
        while not self.ended:
            start = time.monotonic()
            data = request("MESSAGE", self.theirs, "sip:b@contoso.example", "sip:a@northwind.example",
                           body=b"small")
            # A TAP may drop either: once more after T1, as SIP does.
            if not any(self.is_answered(data) for _ in range(4)):
                self.n_lost += 1
            self.times.append(time.monotonic() - start)
            time.sleep(0.002)

    def is_answered(self, data):
        self.theirs.send(data, "192.0.2.1")
        got = self.ours.receive(0.5)
        if got is None:
            return False
        self.ours.send(response(got, 200, "OK"), "10.10.0.1")
        return self.theirs.receive(0.5) is not None

    def end(self):
        self.ended = True
        self.join()


def both_ways(pairs, n_bytes, tag):
    outcomes = {}

    def one(domain, to):
        try:
            caller = Caller(domain)
            outcomes[domain] = crosses(caller, to, n_bytes, "%s-%s" % (tag, domain))
            caller.close()
        except Exception as error:
            outcomes[domain] = (False, "%s: %s" % (type(error).__name__, error))

    threads = [threading.Thread(target=one, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return all(o[0] for o in outcomes.values()), outcomes


def behind(caller, to, tag):
    """Small ones behind a large one, all in one go, keep their order behind it."""
    body = body_of(3 << 20, tag)
    data = caller.request(to, body, tag) + b"".join(
        caller.request(to, b"%d" % n, "%s-%d" % (tag, n)) for n in range(20))
    caller.send(data)
    backs = [caller.reader.read() for _ in range(21)]
    order = [b and b.first("Call-ID") for b in backs]
    right = sorted(map(str, order)) == sorted([tag] + ["%s-%d" % (tag, n) for n in range(20)])
    return right and HOPS[to].got[tag].body == body, order


def over_the_limit(caller, to, n_bytes):
    """413 at once, the rest is skipped, and the stream goes on."""
    before = counters()
    data = caller.request(to, body_of(n_bytes, 1), "over-%d" % n_bytes)
    caller.send(data)
    back = caller.reader.read()
    if back is None or back.status != 413:
        return False, "answer: %s" % (back and back.start)
    if not rises("sip_body_too_large", before):
        return False, "not counted"
    return crosses(caller, to, 100, "behind-%d" % n_bytes)


def to_a_datagram(caller):
    caller.send(caller.request("contoso.example", body_of(1 << 20, 2), "datagram"))
    back = caller.reader.read()
    if back is None or back.status != 513:
        return False, "answer: %s" % (back and back.start)
    return crosses(caller, "contoso-tcp.example", 100, "behind-datagram")


def resets_in_the_middle(to):
    cut, other = Caller("fabrikam-tcp.example"), Caller("fabrikam-tcp.example", host=8)
    before = counters()
    data = cut.request(to, body_of(5 << 20, 3), "cut")
    cut.send(data[:len(data) // 2])
    cut.stream.reset()
    right = crosses(other, to, 1 << 20, "after-cut")
    other.close()
    if HOPS[to].wait("cut", 0.2) is not None:
        return False, "it arrived"
    return right[0] and rises("tcp_reset", before), right[1]


def many_at_once():
    """More than there is memory for: each is delivered or refused with 503, and counted."""
    before = counters()
    callers = [Caller("fabrikam-tcp.example", host=4 + n % 6) for n in range(8)]
    statuses = []

    def one(n, caller):
        caller.send(caller.request("contoso-tcp.example", body_of(10 << 20, n), "many-%d" % n))
        back = caller.reader.read()
        statuses.append(back.status if back else 0)

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, caller in enumerate(callers):
        caller.close()
        got = HOPS["contoso-tcp.example"].got.get("many-%d" % n)
        if got is not None and got.body != body_of(10 << 20, n):
            return False, "body %d differs" % n
    n_refused = statuses.count(503)
    if statuses.count(200) + n_refused != 8 or statuses.count(200) == 0:
        return False, statuses
    return n_refused == 0 or rises("sip_bodies_full", before, n_refused), statuses


def s_client():
    """OpenSSL's own client sends 5 MB and sees the 200."""
    stream = Caller("fabrikam.example")
    data = stream.request("contoso-tls.example", body_of(5 << 20, 4), "s_client")
    stream.close()
    client = subprocess.run(
        ["ip", "netns", "exec", OUTSIDE, "sh", "-c",
         "(cat; sleep 15) | timeout 15 openssl s_client -quiet -connect 192.0.2.1:5061 -cert %s -key %s "
         "-CAfile %s -servername sip.contoso.example" % tuple(
             secure_streams.path(n) for n in ("fabrikam.example.pem", "fabrikam.example.key", "ca.pem"))],
        input=data, capture_output=True, timeout=60, check=False)
    got = HOPS["contoso-tls.example"].wait("s_client", 5)
    return (got is not None and got.body == body_of(5 << 20, 4) and b"SIP/2.0 200 OK" in client.stdout,
            client.stderr[-500:])


def stalled_is_ended(stalled, since, before):
    left = max(since + STALL_S + 6 - time.monotonic(), 2)
    return stalled.stream.ends(left) and rises("sip_stream_silent", before), counters()


def main():
    beside = Beside()
    before_stall = counters()
    stalled = Caller("fabrikam-tcp.example", host=7)
    data = stalled.request("contoso-tcp.example", body_of(100000, 5), "stalled")
    stalled.send(data[:len(data) // 2])
    stalled_since = time.monotonic()

    for domain, to, kind in (("fabrikam-tcp.example", "contoso-tcp.example", "TCP, in"),
                             ("contoso-tcp.example", "fabrikam-tcp.example", "TCP, out"),
                             ("fabrikam.example", "contoso-tls.example", "TLS, in"),
                             ("contoso-tls.example", "fabrikam.example", "TLS, out")):
        caller = Caller(domain)
        for n_bytes in (70000, 1 << 20, 5 << 20):
            results.run("a body of %d bytes crosses byte for byte, %s" % (n_bytes, kind), crosses, caller, to,
                        n_bytes, "%s-%d" % (domain, n_bytes))
        results.run("and its answer may have one of 2 MB, " + kind, crosses, caller, to, 1000,
                    "%s-answer" % domain, 2 << 20)
        results.run("and small messages behind it follow, " + kind, behind, caller, to, domain + "-behind")
        results.run("one byte over the limit gets 413, and the stream goes on, " + kind, over_the_limit, caller, to,
                    LIMIT + 1)
        caller.close()
    pairs = (("fabrikam-tcp.example", "contoso-tcp.example"), ("contoso-tcp.example", "fabrikam-tcp.example"))
    results.run("20 MB both ways at the same time, TCP", both_ways, pairs, LIMIT, "both")
    pairs = (("fabrikam.example", "contoso-tls.example"), ("contoso-tls.example", "fabrikam.example"))
    results.run("20 MB both ways at the same time, TLS", both_ways, pairs, LIMIT, "both-tls")
    results.run("s_client sends 5 MB", s_client)
    caller = Caller("fabrikam-tcp.example")
    results.run("a large body for a next hop over UDP gets 513, and the stream goes on", to_a_datagram, caller)
    caller.close()
    results.run("a reset within a body harms no other stream", resets_in_the_middle, "contoso-tcp.example")
    results.run("more than there is memory for get 503, the others are whole", many_at_once)
    results.run("half a body and then silence ends the stream", stalled_is_ended, stalled, stalled_since, before_stall)
    beside.end()
    beside.times.sort()
    print("# beside: %d messages, median %.1f ms, longest %.0f ms, %d lost" % (
        len(beside.times), 1000 * beside.times[len(beside.times) // 2], 1000 * beside.times[-1], beside.n_lost))
    results.check("small messages of others went on beside all of it",
                  beside.n_lost == 0 and beside.times[-1] < 2.5, "lost: %d" % beside.n_lost)
    results.end()


main()
