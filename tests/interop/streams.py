"""SIP peers over TCP for the interop tests: a stream to or from the relay, its messages taken apart by
Content-Length; a next hop that answers."""

import re
import select
import socket
import struct
import time

from peer import Message, in_namespace, response

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Stream:
    """One connection. Reads whole messages; a CRLF between them is noted in n_crlf."""

    def __init__(self, sock):
        self.socket = sock
        self.is_v6 = sock.family == socket.AF_INET6
        self.address, self.port = sock.getsockname()[:2]
        self.host = "[%s]" % self.address if self.is_v6 else self.address
        self.hostport = "%s:%d" % (self.host, self.port)
        self.pending = b""
        self.n_crlf = 0
        self.ended = None  # "FIN" or "RST", once the relay has ended it
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def via(self, branch):
        return "SIP/2.0/TCP %s;branch=%s" % (self.hostport, branch)

    def send(self, data):
        self.socket.settimeout(5)
        self.socket.sendall(data)

    def _take(self):
        while self.pending.startswith(b"\r\n"):
            self.pending = self.pending[2:]
            self.n_crlf += 1
        head, separator, rest = self.pending.partition(b"\r\n\r\n")
        if not separator:
            return None
        n_body = int(_LENGTH.search(head + b"\r\n").group(1))
        if len(rest) < n_body:
            return None
        whole = len(head) + 4 + n_body
        message, self.pending = self.pending[:whole], self.pending[whole:]
        return Message(message)

    def _read(self, seconds):
        """False when nothing came in that time, or nothing will any more."""
        if self.ended:
            return False
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            return False
        except ConnectionError:
            self.ended = "RST"
            return False
        if not data:
            self.ended = "FIN"
            return False
        self.pending += data
        return True

    def receive(self, seconds=3):
        until = time.monotonic() + seconds
        while True:
            message = self._take()
            if message is not None or not self._read(until - time.monotonic()):
                return message

    def receive_final(self, seconds=3):
        """The next response that is not provisional."""
        until = time.monotonic() + seconds
        while True:
            message = self.receive(until - time.monotonic())
            if message is None or message.status >= 200:
                return message

    def ends(self, seconds=3):
        """Whether the relay ends it in that time; what still comes before is dropped."""
        until = time.monotonic() + seconds
        while not self.ended and time.monotonic() < until:
            self._read(until - time.monotonic())
        return self.ended is not None

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def _socket(namespace, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = in_namespace(namespace, lambda: socket.socket(family, socket.SOCK_STREAM))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


def connect(namespace, address, relay, *, port=0, receive_bytes=0):
    sock = _socket(namespace, address, port)
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(5)
    sock.connect((relay, 5060))
    return Stream(sock)


class NextHop:
    """A listening server whose connections are the relay's; answers 200 to what is asked."""

    def __init__(self, namespace, address, *, receive_bytes=0):
        self.listener = _socket(namespace, address, 5060)
        if receive_bytes:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.listener.listen(64)
        self.streams = []
        self.n_answered = {}  # by the stream's port at the relay

    def accept(self, seconds):
        self.listener.settimeout(max(seconds, 0.001))
        try:
            sock, source = self.listener.accept()
        except socket.timeout:
            return None
        stream = Stream(sock)
        stream.remote_port = source[1]
        self.streams.append(stream)
        return stream

    def serve(self, seconds, n_messages=None):
        """Answers for so long, or until there were so many; returns them."""
        got = []
        until = time.monotonic() + seconds
        while time.monotonic() < until and (n_messages is None or len(got) < n_messages):
            ready = select.select([self.listener] + [s.socket for s in self.streams], [], [], 0.05)[0]
            if self.listener in ready:
                self.accept(0.1)
            for stream in [s for s in self.streams if s.socket in ready]:
                got += self._answer(stream)
        return got

    def _answer(self, stream):
        got = []
        stream._read(0.001)
        while True:
            message = stream._take()
            if message is None:
                break
            got.append(message)
            if not message.status and not message.start.startswith("ACK "):
                stream.send(response(message, 200, "OK"))
                port = stream.remote_port
                self.n_answered[port] = self.n_answered.get(port, 0) + 1
        if stream.ended:
            stream.close()
            self.streams.remove(stream)
        return got

    def close(self):
        for sock in [self.listener] + self.streams:
            sock.close()
