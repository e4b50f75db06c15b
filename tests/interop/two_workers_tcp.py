#!/usr/bin/env python3
"""Two workers, TCP: a connection has one owner, whichever worker its segments reach; return traffic of
the relay's own connections finds theirs."""

import threading
import time

from peer import INSIDE, OUTSIDE, Results, fedctl, request
from streams import NextHop, connect

results = Results()
N_CONNS = 24
N_MESSAGES = 6
PLACES = {
    "IPv4": (OUTSIDE, "192.0.2.9", "192.0.2.1", "sip:alice@fabrikam-tcp.example",
             "10.10.0.6", "sip:bob@contoso-tcp.example"),
    "IPv6": (OUTSIDE, "2001:db8::9", "2001:db8::1", "sip:alice@woodgrove.example",
             "fd10::6", "sip:bob@contoso-six.example"),
}


def of_workers(name):
    return [w["counters"].get(name, 0) for w in fedctl("counters", "--all")["workers"]]


def grown(name, before, by):
    """By how much each worker's counter has grown, once both together have by so much."""
    until = time.monotonic() + 3
    while True:
        grown_by = [a - b for a, b in zip(of_workers(name), before)]
        if sum(grown_by) >= by or time.monotonic() > until:
            return grown_by
        time.sleep(0.02)


class Server(threading.Thread):
    """A next hop that answers in a thread of its own."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.hop = NextHop(INSIDE, address)
        self.going = True
        self.start()

    def run(self):
        while self.going:
            self.hop.serve(0.2)

    def stop(self):
        self.going = False
        self.join(5)
        self.hop.close()


def ask(stream, n, from_uri, to_uri):
    """One MESSAGE, in two writes; whether it gets 200."""
    data = request("MESSAGE", stream, to_uri, from_uri, cseq=n, from_tag="p%d" % stream.port,
                   via=stream.via("z9hG4bKtwo%d-%d" % (stream.port, n)))
    stream.send(data[:150])
    stream.send(data[150:])
    back = stream.receive_final()
    return back is not None and back.status == 200


def one_owner_each(place):
    namespace, address, relay, from_uri, hop_address, to_uri = place
    server = Server(hop_address)
    streams = [connect(namespace, address, relay) for _ in range(N_CONNS)]
    owners, faults = [], []
    for i, stream in enumerate(streams):
        before = of_workers("sip_request_relayed")
        n_right = sum(ask(stream, n, from_uri, to_uri.replace("bob", "bob%d" % i))
                      for n in range(1, N_MESSAGES + 1))
        by = grown("sip_request_relayed", before, N_MESSAGES)
        if n_right != N_MESSAGES or sorted(by) != [0, N_MESSAGES]:
            faults.append((stream.port, n_right, by))
        owners.append(by.index(max(by)))
    for stream in streams:
        stream.close()
    server.stop()
    results.check("both workers own some of %d connections" % N_CONNS, set(owners) == {0, 1}, owners)
    results.check("answers came by several of the relay's own connections",
                  len(server.hop.n_answered) >= 2, server.hop.n_answered)
    return not faults, faults


def main():
    for family, place in PLACES.items():
        results.run("each of %d connections over %s is read by one worker only, and answered"
                    % (N_CONNS, family), one_owner_each, place)
    results.end()


main()
