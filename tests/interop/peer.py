"""SIP peers for the interop tests, byte for byte: UDP sockets in the world's namespaces, messages
taken apart without any leniency, and results as lines of `ok - what` and `not ok - what`."""

import ctypes
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time

INSIDE = os.environ["INTEROP_INSIDE"]
OUTSIDE = os.environ["INTEROP_OUTSIDE"]

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)


def in_namespace(namespace, make):
    """Calls make() inside a network namespace: a socket stays in the one where it was made."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + namespace, os.O_RDONLY)
    try:
        if _libc.setns(there, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + namespace)
        try:
            return make()
        finally:
            if _libc.setns(home, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns home")
    finally:
        os.close(there)
        os.close(home)


class Message:
    """A SIP message: start line, fields as (name, value) in order, body. Needs CRLF everywhere; a
    fold stays in its value."""

    def __init__(self, data):
        head, separator, self.body = data.partition(b"\r\n\r\n")
        if not separator:
            raise ValueError("no empty line")
        lines = re.split(r"\r\n(?![ \t])", head.decode())
        self.start = lines[0]
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def first(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self):
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    def via_param(self, index, name):
        """The value of a Via parameter, "" where it has none, None where it is absent."""
        for param in self.all("Via")[index].split(";")[1:]:
            key, _, value = param.partition("=")
            if key.strip().lower() == name:
                return value.strip()
        return None


class Peer:
    """One UDP endpoint in a namespace."""

    def __init__(self, namespace, address, port=5060):
        self.address, self.port = address, port
        self.is_v6 = ":" in address
        self.host = "[%s]" % address if self.is_v6 else address
        self.hostport = "%s:%d" % (self.host, port)
        family = socket.AF_INET6 if self.is_v6 else socket.AF_INET
        self.socket = in_namespace(namespace, lambda: socket.socket(family, socket.SOCK_DGRAM))
        self.socket.bind((address, port))

    def send(self, data, address, port=5060):
        self.socket.sendto(data, (address, port))

    def receive_bytes(self, seconds=3):
        """(data, (address, port)), or None after that time."""
        self.socket.settimeout(seconds)
        try:
            data, source = self.socket.recvfrom(65535)
        except socket.timeout:
            return None
        return data, source[:2]

    def receive(self, seconds=3):
        got = self.receive_bytes(seconds)
        return Message(got[0]) if got else None

    def is_silent(self, seconds=0.4):
        return self.receive_bytes(seconds) is None

    def drain(self):
        while self.receive_bytes(0.05) is not None:
            pass

    def close(self):
        self.socket.close()


def request(method, sender, to_uri, from_uri, *, request_uri=None, via=None, branch=None,
            from_tag="f1", to_tag=None, call_id=None, cseq=1, max_forwards=70, extra=(), body=b"",
            version="SIP/2.0"):
    """A request as sender would write it. URIs without angle brackets; extra: whole field lines."""
    serial = next(_serial)
    if branch is None:
        branch = "z9hG4bK-peer-%d-%d" % (os.getpid(), serial)
    if via is None:
        via = "SIP/2.0/UDP %s;branch=%s" % (sender.hostport, branch)
    if call_id is None:
        call_id = "%d.%d@peer" % (os.getpid(), serial)
    lines = [
        "%s %s %s" % (method, request_uri or to_uri, version),
        "Via: " + via,
    ]
    if max_forwards is not None:
        lines.append("Max-Forwards: %d" % max_forwards)
    lines += [
        "From: <%s>;tag=%s" % (from_uri, from_tag),
        "To: <%s>%s" % (to_uri, ";tag=" + to_tag if to_tag else ""),
        "Call-ID: " + call_id,
        "CSeq: %d %s" % (cseq, method),
        *extra,
        "Content-Length: %d" % len(body),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(to, status, phrase, *, to_tag="t1", extra=(), body=b"", vias=None):
    """The answer to a received request (RFC 3261 §8.2.6)."""
    lines = ["SIP/2.0 %d %s" % (status, phrase)]
    lines += ["Via: " + via for via in (vias if vias is not None else to.all("Via"))]
    lines += ["Record-Route: " + route for route in to.all("Record-Route")]
    to_field = to.first("To")
    if to_tag and ";tag=" not in to_field:
        to_field += ";tag=" + to_tag
    lines += [
        "From: " + to.first("From"),
        "To: " + to_field,
        "Call-ID: " + to.first("Call-ID"),
        "CSeq: " + to.first("CSeq"),
        *extra,
        "Content-Length: %d" % len(body),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def fedctl(*arguments):
    out = subprocess.run(
        [os.environ["INTEROP_FEDCTL"], "--socket", os.environ["INTEROP_SOCKET"], "--json",
         *arguments], check=False, capture_output=True, timeout=20)
    if out.returncode != 0:
        raise RuntimeError("fedctl %s: %s" % (" ".join(arguments), (out.stdout + out.stderr).decode()))
    return json.loads(out.stdout)


def counters():
    return fedctl("counters", "--all")["counters"]


def rises(name, before, by=1, seconds=2):
    """Whether a counter (or one of several) rises by so much; workers publish theirs in between."""
    names = (name,) if isinstance(name, str) else name
    until = time.monotonic() + seconds
    while True:
        now = counters()
        if sum(now.get(n, 0) - before.get(n, 0) for n in names) >= by:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.05)


class Results:
    def __init__(self):
        self.n_failed = 0

    def check(self, what, right, detail=""):
        if right:
            print("ok - " + what, flush=True)
        else:
            self.n_failed += 1
            print("not ok - " + what, flush=True)
            for line in str(detail).splitlines():
                print("# " + line, flush=True)
        return right

    def run(self, what, function, *arguments):
        """A check that may raise: a missing answer is a failure of that check only."""
        try:
            right, detail = function(*arguments), ""
            if isinstance(right, tuple):
                right, detail = right
        except Exception as error:  # every kind is a failed check
            right, detail = False, "%s: %s" % (type(error).__name__, error)
        return self.check(what, right, detail)

    def end(self):
        sys.exit(1 if self.n_failed else 0)
