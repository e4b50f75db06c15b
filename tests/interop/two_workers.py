#!/usr/bin/env python3
"""Two workers on one port: whichever of them a packet reaches, transactions keep together."""

from peer import INSIDE, OUTSIDE, Peer, Results, fedctl, request

results = Results()
RELAY = "10.10.0.1"
N_CALLS = 24


def busy_workers(before, after):
    """How many workers relayed something in between."""
    return sum(after[w] > before[w] for w in range(len(after)))


def relayed_by_worker():
    return [w["counters"].get("sip_request_relayed", 0)
            for w in fedctl("counters", "--all")["workers"]]


def collect(hops):
    """The one message that arrived at one of the next hops: (hop, message)."""
    got = [(hop, message) for hop in hops for message in [hop.receive(0.02)] if message]
    for _ in range(60):
        if got:
            break
        got = [(hop, message) for hop in hops for message in [hop.receive(0.02)] if message]
    if len(got) != 1:
        raise ValueError("%d next hops got it" % len(got))
    return got[0]


def calls_keep_together():
    """INVITE, CANCEL and ACK of one transaction, each from a source of its own."""
    hops = [Peer(OUTSIDE, "192.0.2.%d" % host) for host in (3, 4, 5)]
    callers = [Peer(INSIDE, "10.10.0.%d" % (4 + n % 6), 6000 + n) for n in range(3 * N_CALLS)]
    before = relayed_by_worker()
    scattered = []
    hosts = set()
    try:
        for n in range(N_CALLS):
            ids = {"via": "SIP/2.0/UDP pbx.example;branch=z9hG4bKcall%d" % n,
                   "call_id": "call%d@x" % n, "cseq": 5}
            # Domains of their own, so that pairs spread over the next hops.
            to_uri = "sip:bob@d%d.proseware.example" % n
            seen = []
            for caller, method in zip(callers[3 * n:], ("INVITE", "CANCEL", "ACK")):
                caller.send(request(method, caller, to_uri, "sip:alice@contoso.example", **ids), RELAY)
                hop, message = collect(hops)
                seen.append((hop.address, message.via_param(0, "branch")))
                hosts.add(hop.address)
            if len(set(seen)) != 1:
                scattered.append(seen)
    finally:
        for peer in hops + callers:
            peer.close()
    n_workers = busy_workers(before, relayed_by_worker())
    results.check("both workers took part in %d calls" % N_CALLS, n_workers == 2,
                  "%d workers relayed" % n_workers)
    results.check("calls spread over the next hops", len(hosts) == 3, hosts)
    return not scattered, scattered


def large_messages_pass(caller, callee, relay, from_uri, to_uri, n_bytes):
    """Fragments in, reassembled whichever queue each reached, relayed, fragments out."""
    lost = []
    for n in range(12):
        body = bytes((n + i) & 0xff for i in range(n_bytes))
        caller.send(request("MESSAGE", caller, to_uri, from_uri, body=body), relay)
        got = callee.receive()
        if got is None or got.body != body:
            lost.append(n)
    return not lost, "not whole: %s" % lost


def main():
    results.run("INVITE, CANCEL and ACK from three addresses reach one next hop with one branch",
                calls_keep_together)
    families = (
        ("IPv4", "10.10.0.", RELAY, "contoso.example", "192.0.2.2", "fabrikam.example"),
        ("IPv6", "fd10::", "fd10::1", "contoso-six.example", "2001:db8::2", "woodgrove.example"),
    )
    for family, prefix, relay, from_domain, callee_address, to_domain in families:
        callee = Peer(OUTSIDE, callee_address)
        for n_bytes in (1000, 1300, 3000, 8000):
            # Some ports, so that first fragments and whole datagrams come by either queue.
            for port in (6100, 6101, 6102):
                caller = Peer(INSIDE, prefix + "4", port)
                results.run("a MESSAGE with a body of %d bytes passes over %s, from port %d"
                            % (n_bytes, family, port),
                            large_messages_pass, caller, callee, relay, "sip:alice@" + from_domain,
                            "sip:bob@" + to_domain, n_bytes)
                caller.close()
        callee.close()
    results.end()


main()
