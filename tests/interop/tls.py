"""SIP over mutual TLS against OpenSSL: both directions, both versions, every suite, messages cut and
joined anywhere, impostors, a partner that refuses us late, KeyUpdate, blocks, revocation."""

import queue
import ssl
import subprocess
import threading
import time

from peer import (INSIDE, OUTSIDE, Message, Peer, Results, counters, fedctl, request, response,
                  rises)
from secure_streams import SecureHop, connect, context, path

results = Results()
check = results.check
RELAY, RELAY6 = "192.0.2.1", "2001:db8::1"
GOOD = context(False, "fabrikam.example")


class Server(threading.Thread):
    """Our own server: answers 200 to every request, at once, and remembers them by Call-ID. Its own
    requests get their answers from answers()."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peer = Peer(INSIDE, "10.10.0.2")
        self.seen = {}
        self.finals = queue.Queue()

    def run(self):
        while True:
            got = self.peer.receive_bytes(3600)
            if got is None:
                continue
            m = Message(got[0])
            if m.status >= 200:
                self.finals.put(m)
            elif not m.status:
                self.seen.setdefault(m.first("Call-ID"), m)
                self.peer.send(response(m, 200, "OK"), *got[1])

    def saw(self, call_id, seconds=3):
        until = time.monotonic() + seconds
        while call_id not in self.seen and time.monotonic() < until:
            time.sleep(0.01)
        return self.seen.get(call_id)

    def send(self, to, body=b"out"):
        self.peer.send(request("MESSAGE", self.peer, "sip:bob@" + to, "sip:alice@contoso.example",
                               body=body), "10.10.0.1")

    def final(self, seconds):
        try:
            return self.finals.get(timeout=seconds)
        except queue.Empty:
            return None


ours = Server()


def message(stream, sender="fabrikam.example", to="contoso.example", body=b"hello", extra=()):
    return request("MESSAGE", stream, "sip:bob@" + to, "sip:alice@" + sender,
                   via=stream.via("z9hG4bK-tls-%d" % time.monotonic_ns()), body=body, extra=extra)


def call_id(data):
    return Message(data).first("Call-ID")


def answered(stream, **what):
    """Whether a message from the partner reaches our server and its answer comes back."""
    data = message(stream, **what)
    stream.send(data)
    final = stream.receive_final()
    if final is None or final.status != 200:
        return False, final.start if final else "no answer, %s" % stream.ended
    return ours.saw(call_id(data), 0.5) is not None, "answered by somebody else"


def refused(stream, status, **what):
    data = message(stream, **what)
    stream.send(data)
    final = stream.receive_final()
    return (final is not None and final.status == status and ours.saw(call_id(data), 0.2) is None,
            final.start if final else "ended: %s" % stream.ended)


def attempt(certificate, **options):
    """How far a client with that certificate gets: "answered", or how it ended."""
    try:
        stream = connect(OUTSIDE, "192.0.2.2", RELAY, context(False, certificate, **options))
    except (ssl.SSLError, OSError) as error:
        return "handshake: %s" % error
    try:
        if answered(stream)[0]:
            return "answered"
        return "ended: %s" % stream.ended
    except (ssl.SSLError, OSError) as error:
        return "ended: %s" % error
    finally:
        stream.close()


def test_versions_and_suites():
    for version, name in ((ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")):
        stream = connect(OUTSIDE, "192.0.2.2", RELAY, context(False, "fabrikam.example", version=version))
        results.run("a partner's message over TLS %s arrives and is answered" % name, answered, stream)
        stream.close()
    for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                   "ECDHE-ECDSA-CHACHA20-POLY1305"):
        tls = context(False, "fabrikam.example", version=ssl.TLSVersion.TLSv1_2, ciphers=cipher)
        stream = connect(OUTSIDE, "192.0.2.2", RELAY, tls)
        results.run("  with %s" % stream.socket.cipher()[0], answered, stream)
        check("  which is the one asked for", stream.socket.cipher()[0] == cipher)
        stream.close()
    for cipher, what in (("ECDHE-ECDSA-AES128-SHA256", "a CBC suite"),
                         ("DHE-RSA-AES128-GCM-SHA256", "a suite without ECDHE")):
        how = attempt("fabrikam.example", version=ssl.TLSVersion.TLSv1_2, ciphers=cipher)
        check("a client that has only %s is refused" % what, how.startswith("handshake"), how)
    stream = connect(OUTSIDE, "2001:db8::2", RELAY6, context(False, "woodgrove.example"))
    results.run("a partner's message over IPv6 arrives",
                lambda: answered(stream, sender="woodgrove.example"))
    stream.close()


def test_cuts():
    stream = connect(OUTSIDE, "192.0.2.2", RELAY, GOOD)
    messages = [message(stream, body=b"x" * n) for n in (1, 700, 3000)]
    for byte in b"".join(messages):
        stream.send(bytes([byte]))
    got = [ours.saw(call_id(m)) for m in messages]
    check("three messages in records of one byte each arrive whole",
          all(got) and [len(m.body) for m in got] == [1, 700, 3000])
    check("  and are answered", all(stream.receive_final() for _ in messages))
    messages = [message(stream, body=b"y") for _ in range(40)]
    stream.send(b"".join(messages))
    check("forty messages in one record arrive", all(ours.saw(call_id(m)) for m in messages))
    check("  and are answered", all(stream.receive_final() for _ in messages))
    stream.send(message(stream, body=b"z" * 40000))
    final = stream.receive_final()
    check("a message over several records, too long for UDP, is answered so",
          final is not None and final.status in (413, 513), final and final.start)
    stream.send(b"\r\n\r\n")
    stream.receive(0.5)
    check("a keepalive is answered", stream.n_crlf >= 1, stream.n_crlf)
    stream.close()


def test_first_flight():
    """Data that comes in the very segment of the client's Finished, or right behind it."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls = context(False, "fabrikam.example", version=version)
        n = 0
        for _ in range(20):
            stream = connect(OUTSIDE, "192.0.2.2", RELAY, tls)
            n += answered(stream)[0]
            stream.close()
        check("twenty messages right behind as many handshakes (%s) are not lost" % version.name,
              n == 20, n)


IMPOSTORS = {
    "bad/unknown-ca": "whose CA nobody trusts",
    "bad/expired": "that has expired",
    "bad/not-yet-valid": "that is not valid yet",
    "bad/revoked": "that was revoked",
    "bad/no-eku": "made for code signing",
    "bad/wildcard": "with a wildcard alone",
    "bad/cn-only": "with the name in its CN beside a subjectAltName",
    None: "none at all",
}
STRANGERS = {
    "bad/wrong-name": "for another name",
    "bad/other-partner": "of another partner",
}


def test_impostors():
    for certificate, what in IMPOSTORS.items():
        how = attempt(certificate)
        check("a certificate %s is refused in the handshake" % what,
              how != "answered" and ("handshake" in how or "ALERT" in how.upper()), how)
    for certificate, what in STRANGERS.items():
        stream = connect(OUTSIDE, "192.0.2.2", RELAY, context(False, certificate))
        results.run("a certificate %s proves no From of fabrikam: 403" % what, refused, stream, 403)
        stream.close()
    stream = connect(OUTSIDE, "192.0.2.2", RELAY, GOOD)
    results.run("a partner that says it is another one gets 403",
                lambda: refused(stream, 403, sender="woodgrove.example"))
    results.run("  and its own messages go on", answered, stream)
    stream.close()


def test_outgoing():
    hop = SecureHop(OUTSIDE, "192.0.2.2", context(True, "fabrikam.example"))
    ours.send("fabrikam.example")
    got = hop.serve(8, 1)
    check("a message of ours reaches the partner over a connection that the relay opens", len(got) == 1,
          "errors %s" % hop.errors)
    final = ours.final(3)
    check("  and its answer returns", final is not None and final.status == 200, final and final.start)
    for _ in range(20):
        ours.send("fabrikam.example")
    got = hop.serve(4, 20)
    check("twenty more use it", len(got) == 20, len(got))
    check("  and are answered", all(ours.final(3) for _ in range(20)))
    rows = fedctl("sessions")["sessions"]
    mine = [r for r in rows if "192.0.2.2" in str(r)]
    check("`fedctl sessions` shows it", len(mine) >= 1, rows)
    hop.close()
    time.sleep(0.3)
    hop = SecureHop(OUTSIDE, "192.0.2.2", context(True, "bad/wrong-name"))
    ours.send("fabrikam.example")
    got = hop.serve(6, 1)
    final = ours.final(6)
    check("a server that cannot prove the partner's name gets no message", not got, got)
    check("  and its sender is told", final is not None and final.status in (503, 504),
          final and final.start)
    hop.close()


def test_late_refusal():
    """A TLS 1.3 server that refuses our certificate when our handshake is done already."""
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.minimum_version = ssl.TLSVersion.TLSv1_3
    strict.verify_mode = ssl.CERT_REQUIRED
    strict.load_verify_locations(path("unknown-ca.pem"))
    strict.load_cert_chain(path("litware.example.pem"), path("litware.example.key"))
    hop = SecureHop(OUTSIDE, "192.0.2.7", strict)
    ours.send("litware.example")
    hop.serve(3)
    final = ours.final(6)
    check("a partner that refuses our certificate late loses no message silently",
          final is not None and final.status in (503, 504), final and final.start)
    hop.close()


def test_key_update():
    process = subprocess.Popen(
        ["ip", "netns", "exec", OUTSIDE, "openssl", "s_client", "-connect", "192.0.2.1:5061", "-tls1_3",
         "-cert", path("fabrikam.example.pem"), "-key", path("fabrikam.example.key"),
         "-CAfile", path("ca.pem"), "-servername", "contoso-tls.example"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        for command in (b"k\n", b"K\n"):  # update ours; update both
            process.stdin.write(command)
            process.stdin.flush()
            time.sleep(0.5)
        text = request("OPTIONS", ours.peer, "sip:192.0.2.1", "sip:alice@fabrikam.example",
                       via="SIP/2.0/TLS 192.0.2.2:5061;branch=z9hG4bKku", max_forwards=0)
        process.stdin.write(text)
        process.stdin.flush()
        time.sleep(1)
        process.stdin.close()
        output = process.stdout.read(200000)
    finally:
        process.kill()
        process.wait()
    check("a session goes on over KeyUpdates of its peer", b"SIP/2.0 " in output, output[-400:])


def test_close():
    stream = connect(OUTSIDE, "192.0.2.2", RELAY, GOOD)
    answered(stream)
    before = counters()
    raw = stream.socket.unwrap()
    check("a peer's close_notify is answered by ours", raw is not None)
    raw.close()
    check("  and is no truncation", not rises("session_truncated", before, 1, 0.5))


def main():
    ours.start()
    test_versions_and_suites()
    test_cuts()
    test_first_flight()
    test_impostors()
    test_outgoing()
    test_late_refusal()
    test_key_update()
    test_close()
    results.end()


if __name__ == "__main__":
    main()
