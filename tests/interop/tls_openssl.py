"""OpenSSL's s_client and s_server: every suite, both versions, EC and RSA; then TLS whose segments are
cut and joined otherwise than its records."""

import itertools
import os
import queue
import re
import select
import ssl
import subprocess
import threading
import time

from authority import Authority, put
from peer import INSIDE, OUTSIDE, Message, Peer, Results, fedctl, request, response
from secure_streams import context, path
from streams import Stream, _socket

results = Results()
check = results.check
RELAY = "192.0.2.1:5061"
SUITES_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES_12 = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
# The partner's certificate, and the name by which the relay chooses its own.
KINDS = {"ECDSA": ("fabrikam.example", "contoso-tls.example"), "RSA": ("rsa", "contoso.example")}
# Records of 512 bytes at most.
CUT = ["-max_send_frag", "512", "-split_send_frag", "512"]

FIRST_PORT = 5100
PARTNER = """partners:
  - name: partner{0}
    next_hops: ["tls:192.0.2.2:{1}"]
    identity: host
    hosts: [fabrikam.example]
"""
ALLOW = """allow:
  - {{domain: partner{0}.example, partner: partner{0}}}
"""


class Server(threading.Thread):
    """Our own server: answers 200; hands over what answers its own requests get."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peer = Peer(INSIDE, "10.10.0.2")
        self.finals = queue.Queue()

    def run(self):
        while True:
            got = self.peer.receive_bytes(3600)
            message = Message(got[0])
            if message.status >= 200:
                self.finals.put(message)
            elif not message.status:
                self.peer.send(response(message, 200, "OK"), *got[1])

    def send(self, to, body):
        self.peer.send(request("MESSAGE", self.peer, "sip:bob@" + to,
                               "sip:alice@contoso.example", body=body), "10.10.0.1")

    def final(self, seconds):
        try:
            return self.finals.get(timeout=seconds)
        except queue.Empty:
            return None


ours = Server()


def message(body, via="SIP/2.0/TLS 192.0.2.2:5061"):
    return request("MESSAGE", ours.peer, "sip:bob@contoso.example", "sip:alice@fabrikam.example",
                   via="%s;branch=z9hG4bK-o-%d" % (via, time.monotonic_ns()), body=body)


class Tool:
    """openssl with an encrypted connection between its input and output and the relay."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", OUTSIDE, "openssl", *arguments, "-quiet", "-CAfile", path("ca.pem")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.text = b""

    def send(self, data):
        self.process.stdin.write(data)

    def read(self, seconds):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.text += data
        return bool(data)

    def take(self, pattern, seconds=5):
        """The next text that matches; what is before it is dropped. None: not in that time."""
        until = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text, re.DOTALL)
            if found:
                self.text = self.text[found.end():]
                return found.group(0)
            left = until - time.monotonic()
            if left < 0 or not self.read(left):
                return None

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def suites():
    """Every one with its kind of certificates: (options of openssl, name)."""
    for kind, suite in itertools.product(KINDS, SUITES_13):
        yield kind, ["-tls1_3", "-ciphersuites", suite], "%s, %s" % (suite, kind)
    for kind, suite in itertools.product(KINDS, SUITES_12):
        name = "ECDHE-%s-%s" % (kind, suite)
        yield kind, ["-tls1_2", "-cipher", name], name


def client_exchanges(kind, options):
    certificate, name = KINDS[kind]
    tool = Tool("s_client", "-connect", RELAY, "-cert", path(certificate + ".pem"),
                "-key", path(certificate + ".key"), "-servername", name, "-verify_return_error",
                *options, *CUT)
    try:
        for body in (b"hello", b"x" * 3000):
            tool.send(message(body))
            if tool.take(rb"SIP/2.0 200 .*?\r\n\r\n") is None:
                return False, "no answer to %d bytes: %r" % (len(body), tool.text)
        return True
    finally:
        tool.end()


def listens(port, seconds=5):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        out = subprocess.run(["ip", "netns", "exec", OUTSIDE, "ss", "-Hltn"], capture_output=True,
                             check=True).stdout
        if b"192.0.2.2:%d " % port in out:
            return True
        time.sleep(0.02)
    return False


def server_exchanges(number, kind, options):
    certificate, _ = KINDS[kind]
    port = FIRST_PORT + number
    tool = Tool("s_server", "-accept", "192.0.2.2:%d" % port, "-cert", path(certificate + ".pem"),
                "-key", path(certificate + ".key"), "-Verify", "1", "-verify_return_error", *options, *CUT)
    try:
        if not listens(port):
            return False, "s_server does not listen"
        for body in (b"hello", b"x" * 1200):
            ours.send("partner%d.example" % number, body)
            while True:
                got = tool.take(rb"\r\n\r\n(?=\r\n|[A-Z]|$)|[A-Z]+ sip:.*?\r\n\r\n")
                if got is None:
                    return False, "no request: %r" % tool.text
                if got == b"\r\n\r\n":
                    tool.send(b"\r\n")
                    continue
                asked = Message(got)
                tool.send(response(asked, 200, "OK"))
                if asked.start.startswith("MESSAGE"):
                    break
            if tool.take(re.escape(body)) is None:
                return False, "no body"
            final = ours.final(3)
            if final is None or final.status != 200:
                return False, final.start if final else "no answer"
        return True
    finally:
        tool.end()


class SlicedStream(Stream):
    """TLS over a socket, its bytes sent in parts of n_slice, whatever the records are; 0: all that there
    is in one."""

    def __init__(self, version, n_slice):
        sock = _socket(OUTSIDE, "192.0.2.2", 0)
        sock.settimeout(5)
        sock.connect(("192.0.2.1", 5061))
        super().__init__(sock)
        self.n_slice = n_slice
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context(False, "fabrikam.example", version=version)
        self.tls = tls.wrap_bio(self.incoming, self.outgoing, server_hostname="contoso-tls.example")

    def handshake(self, and_then=b""):
        """and_then: written before the last flight is sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                if not data:
                    raise OSError("the relay has ended the handshake")
                self.incoming.write(data)
                continue
            if and_then:
                self.tls.write(and_then)
            self.flush()
            return

    def flush(self):
        data = self.outgoing.read()
        n = self.n_slice or len(data)
        for i in range(0, len(data), max(n, 1)):
            self.socket.sendall(data[i:i + n])

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def _read(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return False
        if not data:
            self.ended = "FIN"
            return False
        self.incoming.write(data)
        try:
            while True:
                self.pending += self.tls.read(65536)
        except ssl.SSLWantReadError:
            return True


def answers(stream, n):
    finals = [stream.receive_final() for _ in range(n)]
    return (all(final is not None and final.status == 200 for final in finals),
            [final and final.start for final in finals])


def sliced(version, n_slice):
    stream = SlicedStream(version, n_slice)
    try:
        stream.handshake()
        stream.send(message(b"one") + message(b"x" * 900))
        return answers(stream, 2)
    finally:
        stream.close()


def joined(version):
    """The handshake's last flight and twenty records of a message each in one segment, as far as they
    fit; then forty records that way."""
    stream = SlicedStream(version, 0)
    try:
        stream.handshake(and_then=message(b"at once"))
        right, detail = answers(stream, 1)
        for _ in range(40):
            stream.tls.write(message(b"joined"))
        stream.flush()
        return (right and answers(stream, 40)[0], detail)
    finally:
        stream.close()


def publish():
    """With a second certificate of ours, found by its name, and a partner for each suite: one whose server
    has just gone would not be connected to again at once."""
    key, certificate = Authority().issue("contoso.example", "rsa")
    put(key, "rsa.key")
    put(certificate, "rsa.pem")
    with open(os.environ["INTEROP_DOCUMENT"], encoding="ascii") as file:
        text = file.read()
    text = text.replace("tls:\n", "  - {name: rsa, certificate: rsa.pem, key: rsa.key}\n\ntls:\n", 1)
    for number, _ in enumerate(suites()):
        text = text.replace("partners:\n", PARTNER.format(number, FIRST_PORT + number), 1)
        text = text.replace("allow:\n", ALLOW.format(number), 1)
    name = os.path.join(os.environ["INTEROP_DIR"], "document.yaml")
    with open(name, "w", encoding="ascii") as file:
        file.write(text)
    fedctl("publish", name)
    time.sleep(1)


def main():
    ours.start()
    publish()
    for kind, options, name in suites():
        results.run("s_client: short and long message in records of 512 bytes, %s" % name,
                    client_exchanges, kind, options)
    for number, (kind, options, name) in enumerate(suites()):
        results.run("s_server: the same from us, %s" % name, server_exchanges, number, kind, options)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for n_slice in (1, 7, 1000):
            results.run("handshake and messages in segments of %d bytes, %s" % (n_slice, version.name),
                        sliced, version, n_slice)
        results.run("handshake's end and messages in one segment, %s" % version.name, joined, version)
    results.end()


if __name__ == "__main__":
    main()
