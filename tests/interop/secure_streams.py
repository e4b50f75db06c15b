"""SIP peers over mutual TLS for the interop tests: OpenSSL's own client and server (Python's ssl), with
certificates of scripts/gen-certs."""

import os
import select
import socket
import ssl
import time

from peer import response
from streams import Stream, _socket

CA = os.environ["INTEROP_CA"]


def path(name):
    return os.path.join(CA, name)


def context(server, certificate, *, version=None, ciphers=None):
    """certificate: of CA without .pem, None for no certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(path("ca.pem"))
    if certificate is not None:
        made.load_cert_chain(path(certificate + ".pem"), path(certificate + ".key"))
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if ciphers is not None:
        made.set_ciphers(ciphers)
    return made


class SecureStream(Stream):
    def via(self, branch):
        return "SIP/2.0/TLS %s;branch=%s" % (self.hostport, branch)

    def _read(self, seconds):
        try:
            return super()._read(seconds)
        except ssl.SSLError as error:
            self.ended = error.reason or str(error)
            return False


def connect(namespace, address, relay, tls, *, name="contoso-tls.example"):
    """Connects and shakes hands. Raises ssl.SSLError where the relay refuses; with TLS 1.3 that may come
    with the first read instead."""
    sock = _socket(namespace, address, 0)
    sock.settimeout(5)
    sock.connect((relay, 5061))
    return SecureStream(tls.wrap_socket(sock, server_hostname=name))


class SecureHop:
    """A listening TLS server whose connections are the relay's; answers 200 to what is asked, but for
    OPTIONS of the relay's own, which it counts."""

    def __init__(self, namespace, address, tls, port=5061):
        self.listener = _socket(namespace, address, port)
        self.listener.listen(16)
        self.tls = tls
        self.streams = []
        self.n_options = 0
        self.errors = []

    def accept(self):
        sock, _ = self.listener.accept()
        sock.settimeout(5)
        try:
            self.streams.append(SecureStream(self.tls.wrap_socket(sock, server_side=True)))
        except (ssl.SSLError, OSError) as error:
            self.errors.append(str(error))
            sock.close()

    def serve(self, seconds, n_messages=None, answers=True):
        """Answers for so long, or until there were so many; returns them."""
        got = []
        until = time.monotonic() + seconds
        while time.monotonic() < until and (n_messages is None or len(got) < n_messages):
            ready = select.select([self.listener] + [s.socket for s in self.streams], [], [], 0.05)[0]
            if self.listener in ready:
                self.accept()
            for stream in list(self.streams):
                if stream.socket in ready or stream.socket.pending():
                    got += self._answer(stream, answers)
        return got

    def _answer(self, stream, answers):
        got = []
        stream._read(0.001)
        while (message := stream._take()) is not None:
            is_request = not message.status
            if is_request and message.start.startswith("OPTIONS "):
                self.n_options += 1
            elif is_request:
                got.append(message)
            if is_request and answers and not message.start.startswith("ACK "):
                stream.send(response(message, 200, "OK"))
        if stream.n_crlf > 1 and answers:
            stream.n_crlf = 0
            stream.send(b"\r\n")
        if stream.ended:
            stream.close()
            self.streams.remove(stream)
        return got

    def close(self):
        for sock in [self.listener] + self.streams:
            sock.close()
