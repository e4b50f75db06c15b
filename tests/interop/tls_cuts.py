"""What cuts live TLS sessions and what does not.
    tls_cuts.py COMMAND…    starts control"""

import os
import signal
import ssl
import sys
import threading
import time

from authority import Authority, put
from control_process import Control
from peer import INSIDE, OUTSIDE, Message, Peer, Results, counters, fedctl, request, response, rises
from secure_streams import SecureHop, connect, context

results = Results()
check = results.check
COMMAND = sys.argv[1:]
FOLDER = os.environ["INTEROP_DIR"]
LOOK_S = 10  # control's, between two looks at the folder
PARTNERS = {
    "fabrikam.example": ("192.0.2.2", "192.0.2.1"),
    "woodgrove.example": ("2001:db8::2", "2001:db8::1"),
    "litware.example": ("192.0.2.7", "192.0.2.1"),
}


class Server(threading.Thread):
    """Our own server: answers 200 to every request."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peer = Peer(INSIDE, "10.10.0.2")

    def run(self):
        while True:
            got = self.peer.receive_bytes(3600)
            message = Message(got[0])
            if not message.status:
                self.peer.send(response(message, 200, "OK"), *got[1])

    def send(self, to):
        self.peer.send(request("MESSAGE", self.peer, "sip:bob@" + to, "sip:alice@contoso.example"),
                       "10.10.0.1")


ours = Server()


class Hop(threading.Thread):
    """The partner's server, which answers all the time."""

    def __init__(self, domain):
        super().__init__(daemon=True)
        self.hop = SecureHop(OUTSIDE, PARTNERS[domain][0], context(True, domain))
        self.got = []

    def run(self):
        while True:
            self.got += self.hop.serve(0.2)

    def gets_one(self, seconds=8):
        """Whether a message of ours reaches it."""
        n = len(self.got)
        ours.send("fabrikam.example")
        return becomes(lambda: len(self.got) > n, True, seconds)

    def is_left(self, seconds=3):
        """Whether the relay has ended all its connections to it."""
        return becomes(lambda: self.hop.streams, [], seconds)


class Partner:
    """Two connections of a partner, one of each version, that have had a message answered, and one that
    has said nothing yet."""

    def __init__(self, domain):
        self.domain = domain
        self.streams = [self.connect(version) for version in
                        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)]
        for stream in self.streams[:2]:
            assert self.is_answered(stream), "%s is not served" % domain

    def connect(self, version=None):
        address, relay = PARTNERS[self.domain]
        return connect(OUTSIDE, address, relay, context(False, self.domain, version=version))

    def is_answered(self, stream):
        stream.send(request("MESSAGE", stream, "sip:bob@contoso.example", "sip:alice@" + self.domain,
                            via=stream.via("z9hG4bK-cut-%d" % time.monotonic_ns())))
        final = stream.receive_final()
        return final is not None and final.status == 200

    def works(self):
        return all(self.is_answered(stream) for stream in self.streams)

    def are_cut(self, seconds):
        """By close_notify, all of them."""
        until = time.monotonic() + seconds
        for stream in self.streams:
            stream.ends(max(until - time.monotonic(), 0.01))
        return [stream.ended for stream in self.streams] == ["FIN"] * len(self.streams)

    def is_refused(self):
        try:
            stream = self.connect()
            return not self.is_answered(stream)
        except (ssl.SSLError, OSError):
            return True

    def ends(self):
        return [stream.ended for stream in self.streams]

    def close(self):
        for stream in self.streams:
            stream.close()


def serial_shown():
    stream = connect(OUTSIDE, "192.0.2.2", "192.0.2.1", context(False, "fabrikam.example"))
    try:
        return stream.socket.getpeercert()["serialNumber"]
    finally:
        stream.close()


def becomes(function, wanted, seconds):
    until = time.monotonic() + seconds
    while True:
        value = function()
        if value == wanted or time.monotonic() > until:
            return value == wanted
        time.sleep(0.05)


def publish(blocked=None):
    """The document, with one of the allowed domains blocked instead."""
    with open(os.environ["INTEROP_DOCUMENT"], encoding="ascii") as file:
        lines = [line for line in file if blocked is None or "domain: %s, partner" % blocked not in line]
    text = "".join(lines)
    if blocked is not None:
        text = text.replace("block:\n", "block:\n  - {domain: %s}\n" % blocked)
    name = os.path.join(FOLDER, "document.yaml")
    with open(name, "w", encoding="ascii") as file:
        file.write(text)
    fedctl("publish", name)


def test_renewal(control, authority, partners):
    before = serial_shown()
    key, certificate = authority.issue("contoso-tls.example")
    put(key, "edge.key")
    control.signal(signal.SIGHUP)
    check("a key without its certificate is complained about",
          becomes(lambda: "credentials of revision" in control.log(), True, 3), control.log()[-500:])
    check("  and the former ones stay in force", serial_shown() == before)
    put(certificate, "edge.pem")
    control.signal(signal.SIGHUP)
    check("a renewed certificate is shown to new connections",
          becomes(lambda: serial_shown() != before, True, 3), before)
    check("  and no session has ended by it", all(p.works() for p in partners.values()),
          [p.ends() for p in partners.values()])


def test_block(partners):
    before = counters()
    hop = Hop("fabrikam.example")
    hop.start()
    check("a message of ours goes to a partner", hop.gets_one(), hop.hop.errors)
    publish(blocked="fabrikam.example")
    check("a published block cuts the partner's sessions, also one that has said nothing yet",
          partners["fabrikam.example"].are_cut(3), partners["fabrikam.example"].ends())
    check("  and those that we have opened to it", hop.is_left(), hop.hop.streams)
    check("  which is counted", rises("session_blocked", before, 4), counters())
    check("  and nobody else's", partners["woodgrove.example"].works() and
          partners["litware.example"].works())
    check("  a new session of it is refused what it asks", partners["fabrikam.example"].is_refused())
    publish()
    partners["fabrikam.example"].close()
    partners["fabrikam.example"] = Partner("fabrikam.example")
    check("unblocked it is served again", partners["fabrikam.example"].works())
    check("  in both directions", hop.gets_one(), hop.hop.errors)
    return hop


def test_revocation(control, authority, partners, hop):
    before = counters()
    authority.revoke("fabrikam.example")
    control.signal(signal.SIGHUP)
    check("a certificate on a new CRL cuts its sessions at once, where control is told to look",
          partners["fabrikam.example"].are_cut(3), partners["fabrikam.example"].ends())
    check("  those that we have opened too", hop.is_left(), hop.hop.streams)
    check("  which is counted", rises("session_revoked", before, 4))
    check("  nobody else's", partners["woodgrove.example"].works() and partners["litware.example"].works())
    check("  it gets no new one", partners["fabrikam.example"].is_refused())
    authority.revoke("woodgrove.example")
    check("and within %d s where it is not" % LOOK_S,
          partners["woodgrove.example"].are_cut(LOOK_S + 2), partners["woodgrove.example"].ends())
    check("  nobody else's", partners["litware.example"].works())


def test_revocation_unseen(control, authority, partners):
    """Revoked while no control was there to see it."""
    control.kill()
    authority.revoke("litware.example")
    check("a session goes on without control", partners["litware.example"].works())
    control = Control(COMMAND)
    check("a certificate revoked while control was away cuts its sessions when it is back",
          control.attaches(10) and partners["litware.example"].are_cut(3),
          partners["litware.example"].ends())
    return control


def main():
    ours.start()
    control = Control(COMMAND)
    try:
        check("control attaches", control.attaches(20))
        authority = Authority()
        partners = {domain: Partner(domain) for domain in PARTNERS}
        test_renewal(control, authority, partners)
        hop = test_block(partners)
        test_revocation(control, authority, partners, hop)
        control = test_revocation_unseen(control, authority, partners)
    finally:
        control.kill()
    results.end()


if __name__ == "__main__":
    main()
