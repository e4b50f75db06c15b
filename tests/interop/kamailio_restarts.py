#!/usr/bin/env python3
"""Kamailio over TCP is killed and started again under traffic: each request has an answer or was lost
with the connection, and afterwards all pass again.
    kamailio_restarts.py COMMAND…    starts Kamailio"""

import select
import subprocess
import sys
import time

from peer import INSIDE, OUTSIDE, Message, Peer, Results, counters, request, response
from streams import connect

results = Results()
RATE = 50  # a second
BACK_S = 10  # of the relay's back-off and Kamailio's start
FROM, TO = "sip:alice@fabrikam-tcp.example", "sip:bob%d@contoso-tcp.example"


class Traffic:
    """MESSAGEs at a steady rate from one partner's connection to users behind Kamailio, who answer."""

    def __init__(self):
        self.user = Peer(INSIDE, "10.10.0.3")
        self.stream = connect(OUTSIDE, "192.0.2.9", "192.0.2.1")
        self.n_sent = 0
        self.due = time.monotonic()
        self.answers = {}  # number: status
        self.sent_at = {}
        self.slowest = 0

    def _send(self):
        self.n_sent += 1
        n = self.n_sent
        self.sent_at[n] = time.monotonic()
        self.stream.send(request("MESSAGE", self.stream, TO % (n % 40), FROM, cseq=n,
                                 via=self.stream.via("z9hG4bKrestart%d" % n)))

    def _hear(self, seconds):
        ready = select.select([self.user.socket, self.stream.socket], [], [], max(seconds, 0))[0]
        if self.user.socket in ready:
            data, source = self.user.socket.recvfrom(65535)
            self.user.socket.sendto(response(Message(data), 200, "OK"), source)
        if self.stream.socket in ready:
            back = self.stream.receive(0.01)
            while back is not None:
                n = int(back.first("CSeq").split()[0])
                if back.status >= 200:
                    self.answers[n] = back.status
                    self.slowest = max(self.slowest, time.monotonic() - self.sent_at[n])
                back = self.stream.receive(0)
            if self.stream.ended:
                raise ConnectionError("the relay ended the caller's stream: " + self.stream.ended)

    def flow(self, seconds, until=None):
        """For so long, or until something holds; the numbers that were sent."""
        first, end = self.n_sent + 1, time.monotonic() + seconds
        while time.monotonic() < end and not (until and until()):
            if time.monotonic() >= self.due:
                self.due = max(self.due + 1 / RATE, time.monotonic() - 1)
                self._send()
            self._hear(min(self.due, end) - time.monotonic())
        return range(first, self.n_sent + 1)

    def settle(self, numbers, seconds):
        """Waits for the answers to these; their statuses, 0 where there was none."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not all(n in self.answers for n in numbers):
            self._hear(0.05)
        return [self.answers.get(n, 0) for n in numbers]


def listens():
    out = subprocess.run(["ip", "netns", "exec", INSIDE, "ss", "-Hltn"], capture_output=True,
                         check=True, timeout=10)
    return b"10.10.0.6:5060" in out.stdout


def start(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while not listens() and time.monotonic() < until:
        time.sleep(0.05)
    return process


def stop(process):
    process.terminate()
    process.wait(15)


def tally(statuses):
    return {s: statuses.count(s) for s in sorted(set(statuses))}


def main():
    kamailio = start(sys.argv[1:])
    try:
        traffic = Traffic()
        statuses = traffic.settle(traffic.flow(2), 3)
        results.check("%d MESSAGEs pass before" % len(statuses), set(statuses) == {200},
                      tally(statuses))
        for away_s in (0, 4):
            before = counters()
            stop(kamailio)
            gone = traffic.flow(away_s)
            kamailio = start(sys.argv[1:])
            n_answered_before = sum(s == 200 for s in traffic.answers.values())
            since = time.monotonic()
            back = traffic.flow(30, lambda: sum(
                s == 200 for s in traffic.answers.values()) >= n_answered_before + 10)
            took = time.monotonic() - since
            after = traffic.settle(traffic.flow(6)[-RATE:], 3)
            # Two kinds: refused by the relay at once, or lost with what Kamailio had not read.
            between = traffic.settle(list(gone) + list(back), 1)
            detail = "%.1f s; between %s; after %s; %s" % (
                took, tally(between), tally(after),
                {k: v - before.get(k, 0) for k, v in counters().items()
                 if k.startswith("egress_") and v > before.get(k, 0)})
            results.check("away for %d s: messages pass again at most %d s after it is back"
                          % (away_s, BACK_S), took < BACK_S, detail)
            results.check("  and then each of them does", set(after) == {200}, detail)
            results.check("  and in between each has 200, 503 or was lost with its connection",
                          set(between) <= {200, 503, 0} and between.count(0) < RATE, detail)
        results.check("no answer took longer than 20 s", traffic.slowest < 20,
                      "%.1f s" % traffic.slowest)
    finally:
        stop(kamailio)
    results.end()


main()
