#!/usr/bin/env python3
"""What a peer may do to its stream, and what it gets: byte by byte, joined, cut, silent, without
framing, too long; and one that never reads, beside others that do."""

import time

from peer import INSIDE, OUTSIDE, Peer, Results, counters, request, response, rises
from streams import NextHop, connect

results = Results()
RELAY = "192.0.2.1"
FROM = "sip:alice@fabrikam-tcp.example"
TO = "sip:bob@contoso.example"
SILENCE_S = 32  # after that, half a message closes its stream


def caller(**options):
    return connect(OUTSIDE, "192.0.2.9", RELAY, **options)


def message(stream, n, *, to_uri=TO, **options):
    return request("MESSAGE", stream, to_uri, FROM, via=stream.via("z9hG4bKbad%d" % n),
                   cseq=n, **options)


def answered(stream, callee, n):
    """The callee gets request n and its 200 comes back by the stream."""
    got = callee.receive()
    if got is None:
        return False, "request %d did not arrive" % n
    if got.first("CSeq") != "%d MESSAGE" % n:
        return False, "%s instead of %d" % (got.first("CSeq"), n)
    callee.send(response(got, 200, "OK"), "10.10.0.1")
    back = stream.receive_final()
    if back is None or back.status != 200 or back.first("CSeq") != "%d MESSAGE" % n:
        return False, "answer to %d: %s" % (n, back and back.start)
    return True, ""


def byte_by_byte(callee):
    stream = caller()
    for byte in message(stream, 1, body=b"one after the other"):
        stream.send(bytes([byte]))
    right = answered(stream, callee, 1)
    stream.close()
    return right


def joined(callee):
    """Forty in one write: all arrive in their order, and so do their answers."""
    stream = caller()
    stream.send(b"".join(message(stream, n, body=b"x" * n, call_id="joined") for n in range(1, 41)))
    got = [callee.receive() for _ in range(40)]
    order = [m and m.first("CSeq") for m in got]
    if order != ["%d MESSAGE" % n for n in range(1, 41)]:
        return False, order
    for m in got:
        callee.send(response(m, 200, "OK"), "10.10.0.1")
    backs = [stream.receive_final() for _ in range(40)]
    stream.close()
    return all(m and m.status == 200 for m in backs), [m and m.start for m in backs]


def cut_anywhere(callee):
    """Two messages, cut once at every place."""
    stream = caller()
    pair = message(stream, 1, body=b"a") + message(stream, 2, body=b"b")
    for cut in range(1, len(pair), 9):
        stream.send(pair[:cut])
        time.sleep(0.002)
        stream.send(pair[cut:])
        for n in (1, 2):
            right = answered(stream, callee, n)
            if not right[0]:
                return False, "cut at %d: %s" % (cut, right[1])
    stream.close()
    return True


def pinged():
    stream = caller()
    before = counters()
    stream.send(b"\r\n\r\n")
    until = time.monotonic() + 3
    while stream.n_crlf == 0 and time.monotonic() < until:
        stream.receive(0.1)
    right = stream.n_crlf == 1 and rises("sip_keepalive", before)
    stream.close()
    return right, "%d CRLF" % stream.n_crlf


def ended_by(counter, data, status=None):
    """The stream is closed and counted; with a status, that answer comes first."""
    stream = caller()
    before = counters()
    stream.send(data(stream) if callable(data) else data)
    back = stream.receive_final(3) if status else None
    if status and (back is None or back.status != status):
        return False, "answer: %s" % (back and back.start)
    if not stream.ends():
        return False, "still open"
    stream.close()
    return rises(counter, before), "%s does not rise: %s" % (counter, counters())


def without_length(stream):
    lines = message(stream, 1).split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"Content-Length"))


def endless_head(stream):
    return message(stream, 1)[:-2] + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(80))


def too_long(callee, n_bytes, status):
    """A body beyond a limit: refused, its bytes thrown away, and the stream goes on."""
    stream = caller()
    stream.socket.settimeout(60)
    stream.socket.sendall(message(stream, 1, body=b"x" * n_bytes) + message(stream, 2))
    back = stream.receive_final()
    if back is None or back.status != status:
        return False, "answer: %s" % (back and back.start)
    right = answered(stream, callee, 2)
    stream.close()
    return right


def reset_within(callee):
    """A RST within a message harms nobody else."""
    stream, other = caller(), caller()
    stream.send(message(stream, 1)[:100])
    stream.reset()
    other.send(message(other, 1))
    right = answered(other, callee, 1)
    other.close()
    return right


def others_go_on(callee, n_messages=50):
    """Each of so many in turn is answered; (right, why not), and the longest time."""
    stream, slowest = caller(), 0
    for n in range(1, n_messages + 1):
        start = time.monotonic()
        stream.send(message(stream, n))
        right = answered(stream, callee, n)
        if not right[0]:
            return right
        slowest = max(slowest, time.monotonic() - start)
    stream.close()
    return slowest < 1, "the slowest took %.3f s" % slowest


def deaf_caller(callee):
    """It asks and asks (OPTIONS of the relay itself are answered at once) and reads nothing."""
    deaf = caller(receive_bytes=2048)
    ask = request("OPTIONS", deaf, "sip:192.0.2.1", FROM, via=deaf.via("z9hG4bKdeaf"))
    deaf.socket.setblocking(False)
    n_bytes = 0
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        try:
            n_bytes += deaf.socket.send(ask * 100)
        except BlockingIOError:
            time.sleep(0.02)
    blocked = False
    try:
        deaf.socket.send(ask)
    except BlockingIOError:
        blocked = True
    if not blocked:
        return False, "its window is still open after %d bytes" % n_bytes
    right = others_go_on(callee)
    deaf.reset()
    return right


def deaf_next_hop(callee):
    """A next hop that accepts and never reads: its own messages are refused with 503 in the end, the
    others' go on."""
    hop = NextHop(OUTSIDE, "192.0.2.6", receive_bytes=2048)
    inside = connect(INSIDE, "10.10.0.4", "10.10.0.1")
    statuses = set()
    inside.socket.settimeout(5)
    n_sent = 0
    for n in range(1, 3001):
        inside.send(request("MESSAGE", inside, "sip:bob@fabrikam-tcp.example",
                            "sip:alice@contoso.example", via=inside.via("z9hG4bKdeaf%d" % n),
                            cseq=n, body=b"x" * 2000))
        n_sent = n
        back = inside.receive_final(0.001)
        if back is not None:
            statuses.add(back.status)
            break
    right = others_go_on(callee)
    if right[0] and statuses != {503}:
        right = False, "answers after %d messages: %s" % (n_sent, statuses)
    inside.reset()
    hop.close()
    return right


def main():
    callee = Peer(INSIDE, "10.10.0.2")
    silent, mute = caller(), caller()
    silent.send(message(silent, 1)[:200])
    silent_since = time.monotonic()
    before_silence = counters()

    results.run("a MESSAGE that comes byte by byte passes", byte_by_byte, callee)
    results.run("40 MESSAGEs in one write pass in order", joined, callee)
    results.run("two MESSAGEs cut anywhere pass", cut_anywhere, callee)
    results.run("CRLFCRLF is answered by CRLF", pinged)
    results.run("no Content-Length gets 400 and ends the stream", ended_by, "sip_stream_lost",
                without_length, 400)
    results.run("two Content-Lengths that differ get 400 and end the stream", ended_by,
                "sip_stream_lost", lambda s: message(s, 1, extra=["Content-Length: 7"]), 400)
    results.run("garbage ends the stream", ended_by, "sip_stream_lost",
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    results.run("binary garbage ends the stream", ended_by, "sip_stream_lost",
                bytes(range(256)) * 300)
    results.run("a head without an end ends the stream", ended_by, "sip_stream_lost", endless_head)
    results.run("a body over the limit gets 413, and the stream goes on", too_long, callee, 6 << 20, 413)
    results.run("a body too large for UDP gets 513, and the stream goes on", too_long, callee, 200000,
                513)
    results.run("a reset within a message harms no other stream", reset_within, callee)
    results.run("a caller that never reads is read no more, and others go on", deaf_caller, callee)
    results.run("a next hop that never reads fills its own queue only, and others go on",
                deaf_next_hop, callee)

    left = silent_since + SILENCE_S + 5 - time.monotonic()
    results.check("half a message and then silence ends the stream",
                  silent.ends(left) and rises("sip_stream_silent", before_silence), counters())
    results.check("a connection that never says anything is ended too", mute.ends(2))
    callee.close()
    results.end()


main()
