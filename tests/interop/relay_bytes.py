#!/usr/bin/env python3
"""What the relay changes in a message and what it leaves, byte for byte (RFC 3261 §16, RFC 3581,
RFC 5658, FEATURES R1)."""

import re

from peer import INSIDE, OUTSIDE, Message, Peer, Results, counters, request, response, rises

# Every message of these crosses the border (FEATURES P5).
STAMP = "ms-edge-proxy-message-trust"

results = Results()


class Way:
    """One direction in one family: a caller, the relay's near and far address, a callee."""

    def __init__(self, name, near_side, caller, near, from_domain, far_side, far, callee, to_domain):
        self.name, self.near, self.far = name, near, far
        self.near_side, self.far_side = near_side, far_side
        self.caller = Peer(near_side, caller, 5071)
        self.callee = Peer(far_side, callee)
        self.from_uri, self.to_uri = "sip:alice@" + from_domain, "sip:bob@" + to_domain

    @property
    def far_host(self):
        return "[%s]" % self.far if ":" in self.far else self.far

    @property
    def near_host(self):
        return "[%s]" % self.near if ":" in self.near else self.near

    def request(self, method, **more):
        return request(method, self.caller, self.to_uri, self.from_uri, **more)

    def relayed(self, data):
        """What arrives at the callee; fails when nothing does."""
        self.caller.send(data, self.near)
        got = self.callee.receive()
        if got is None:
            refusal = self.caller.receive(0.2)
            raise ValueError("nothing arrived; answer: %s" % (refusal.start if refusal else "none"))
        return got

    def refused(self, data):
        self.callee.drain()
        self.caller.send(data, self.near)
        got = self.caller.receive()
        if got is None:
            raise ValueError("no answer")
        if not self.callee.is_silent(0.2):
            raise ValueError("it was forwarded")
        return got

    def answered(self, data, *answers):
        """Sends the callee's answers to the relay; what arrives at the caller."""
        got = []
        for answer in answers:
            self.callee.send(answer, self.far)
            got.append(self.caller.receive())
        return got

    def close(self):
        self.caller.close()
        self.callee.close()


WAYS = (
    ("inside to outside, IPv4", INSIDE, "10.10.0.4", "10.10.0.1", "contoso.example",
     OUTSIDE, "192.0.2.1", "192.0.2.2", "fabrikam.example"),
    ("outside to inside, IPv4", OUTSIDE, "192.0.2.9", "192.0.2.1", "fabrikam.example",
     INSIDE, "10.10.0.1", "10.10.0.2", "contoso.example"),
    ("inside to outside, IPv6", INSIDE, "fd10::4", "fd10::1", "contoso-six.example",
     OUTSIDE, "2001:db8::1", "2001:db8::2", "woodgrove.example"),
    ("outside to inside, IPv6", OUTSIDE, "2001:db8::9", "2001:db8::1", "woodgrove.example",
     INSIDE, "fd10::1", "fd10::2", "contoso-six.example"),
    ("inside to outside, IPv4 to IPv6", INSIDE, "10.10.0.4", "10.10.0.1", "contoso.example",
     OUTSIDE, "2001:db8::1", "2001:db8::2", "woodgrove.example"),
)


def a_message_is_changed_only_where_a_proxy_must(way):
    odd = ["X-Odd:  two  blanks", "Subject: a", " folded", "k: timer", "Subject: b"]
    data = way.request("MESSAGE", extra=odd, body=b"\x00\x01\xffbytes\r\n\r\n")
    got = way.relayed(data)
    sent = Message(data)
    ours = ("Via", "Max-Forwards", STAMP)
    wanted = [f for f in sent.fields if f[0] not in ours]
    kept = [f for f in got.fields if f[0] not in ours]
    return (got.start == sent.start and got.body == sent.body and kept == wanted and
            got.first("Max-Forwards") == "69" and len(got.all("Via")) == 2 and
            len(got.all(STAMP)) == 1 and "=verified" in got.first(STAMP) and
            not got.all("Record-Route")), "%r\n%r\n%r" % (got.start, kept, got.all("Via"))


def a_stamp_from_outside_never_gets_in(way):
    forged = STAMP + ": ms-source-type=InternetUser;ms-source-verified-user=unverified"
    got = way.relayed(way.request("MESSAGE", extra=[forged, forged]))
    back, = way.answered(got, response(got, 200, "OK", extra=[forged]))
    if way.near_side == OUTSIDE:
        return (len(got.all(STAMP)) == 1 and "DirectPartner" in got.first(STAMP) and
                "=unverified" in got.first(STAMP) and len(back.all(STAMP)) == 1), got.fields
    return len(got.all(STAMP)) == 2 and not back.all(STAMP), (got.fields, back.fields)


def the_relays_via_is_on_top(way):
    got = way.relayed(way.request("MESSAGE"))
    via = got.all("Via")[0]
    branch = got.via_param(0, "branch")
    sent_by = re.fullmatch(r"SIP/2\.0/UDP ([^;]+);.*", via).group(1)
    return (sent_by in (way.far_host, way.far_host + ":5060") and
            re.fullmatch(r"z9hG4bK[-.!%*_+`'~0-9A-Za-z]+", branch) is not None), via


def a_source_that_differs_from_sent_by_is_received(way):
    data = way.request("MESSAGE", via="SIP/2.0/UDP pbx.example:5090;branch=z9hG4bKx1;rport;x=y")
    got = way.relayed(data)
    return (got.via_param(1, "received") == way.caller.address and
            got.via_param(1, "rport") == str(way.caller.port) and
            got.via_param(1, "branch") == "z9hG4bKx1" and got.via_param(1, "x") == "y"), \
        got.all("Via")[1]


def a_response_goes_back_with_our_via_gone(way):
    got = way.relayed(way.request("MESSAGE"))
    body = b"fine"
    back, = way.answered(got, response(got, 200, "Quite OK", extra=["X-Odd: kept"], body=body))
    return (back.start == "SIP/2.0 200 Quite OK" and back.all("Via") == got.all("Via")[1:] and
            back.first("X-Odd") == "kept" and back.body == body), back.fields


def a_response_goes_to_the_rport(way):
    via = "SIP/2.0/UDP pbx.example:5099;branch=z9hG4bKr1;rport"
    got = way.relayed(way.request("MESSAGE", via=via))
    back, = way.answered(got, response(got, 200, "OK"))
    return back is not None, "nothing came to the port of the source"


def a_response_without_rport_goes_to_the_port_of_sent_by(way):
    other = Peer(way.near_side, way.caller.address, 5099)
    try:
        via = "SIP/2.0/UDP %s:5099;branch=z9hG4bKr2" % way.caller.host
        got = way.relayed(way.request("MESSAGE", via=via))
        way.callee.send(response(got, 200, "OK"), way.far)
        back = other.receive()
        return back is not None and back.status == 200, "nothing came to the port of sent-by"
    finally:
        other.close()


def provisional_and_final_responses_pass_in_order(way):
    got = way.relayed(way.request("INVITE", extra=["Contact: <sip:a@%s>" % way.caller.hostport]))
    back = way.answered(got, response(got, 100, "Trying", to_tag=None),
                        response(got, 180, "Ringing"), response(got, 486, "Busy Here"))
    statuses = [b.status if b else None for b in back]
    return statuses == [100, 180, 486], statuses


def a_503_goes_up_as_500_without_retry_after(way):
    got = way.relayed(way.request("MESSAGE"))
    back, = way.answered(got, response(got, 503, "Service Unavailable", extra=["Retry-After: 120"]))
    return back.status == 500 and back.first("Retry-After") is None, back.fields


def a_dialog_is_recorded_on_both_sides(way):
    got = way.relayed(way.request("INVITE", extra=["Contact: <sip:a@%s>" % way.caller.hostport]))
    routes = got.all("Record-Route")
    if len(routes) == 1:
        routes = [r.strip() for r in routes[0].split(",")]
    hosts = [re.fullmatch(r"<sip:([^;>]+?)(?::5060)?;(?:[^>]*;)?lr(?:;[^>]*)?>", r) for r in routes]
    # RFC 5658 §3.1: the topmost is the side that the request leaves by.
    return (len(routes) == 2 and all(hosts) and
            [h.group(1) for h in hosts] == [way.far_host, way.near_host]), routes


def the_callee_may_end_the_dialog_over_its_route_set(way):
    """BYE from the callee, with the route set that a UAS has (RFC 3261 §12.1.1)."""
    server = Peer(way.near_side, way.server_address) if way.server_address else None
    try:
        invite = way.relayed(way.request(
            "INVITE", extra=["Contact: <sip:alice@%s>" % way.caller.hostport]))
        bye = request("BYE", way.callee, way.from_uri, way.to_uri,
                      request_uri="sip:alice@" + way.caller.hostport, from_tag="t1", to_tag="f1",
                      call_id=invite.first("Call-ID"), cseq=7,
                      extra=["Route: " + r for r in invite.all("Record-Route")])
        way.callee.send(bye, way.far)
        got = (server or way.caller).receive()
        if got is None:
            refusal = way.callee.receive(0.2)
            return False, refusal.start if refusal else "nothing arrived"
        return (got.start == "BYE sip:alice@%s SIP/2.0" % way.caller.hostport and
                not got.all("Route")), "%s %s" % (got.start, got.all("Route"))
    finally:
        if server:
            server.close()


def an_ack_to_a_2xx_follows_its_route_set(way):
    invite = way.relayed(way.request(
        "INVITE", extra=["Contact: <sip:alice@%s>" % way.caller.hostport]))
    contact = "sip:bob@" + way.callee.hostport
    back, = way.answered(invite, response(invite, 200, "OK", extra=["Contact: <%s>" % contact]))
    routes = [r.strip() for v in back.all("Record-Route") for r in v.split(",")]
    ack = request("ACK", way.caller, way.to_uri, way.from_uri, request_uri=contact, to_tag="t1",
                  call_id=invite.first("Call-ID"),
                  extra=["Route: " + ", ".join(reversed(routes))])
    got = way.relayed(ack)
    return (got.start == "ACK %s SIP/2.0" % contact and not got.all("Route")), got.fields


def cancel_and_ack_carry_the_branch_of_their_invite(way):
    via = "SIP/2.0/UDP %s;branch=z9hG4bKcancelled" % way.caller.hostport
    ids = {"via": via, "call_id": "cancel@" + way.far}
    invite = way.relayed(way.request("INVITE", **ids))
    cancel = way.relayed(way.request("CANCEL", **ids))
    ack = way.relayed(way.request("ACK", to_tag="t1", **ids))
    branches = [m.via_param(0, "branch") for m in (invite, cancel, ack)]
    return len(set(branches)) == 1, branches


def different_transactions_get_different_branches(way):
    """Also those whose branch is the magic cookie alone (RFC 4475 §3.2.1)."""
    vias = ["SIP/2.0/UDP %s;branch=z9hG4bK" % way.caller.hostport] * 2 + \
        ["SIP/2.0/UDP %s;branch=z9hG4bKd%d" % (way.caller.hostport, i) for i in range(2)] + \
        ["SIP/2.0/UDP %s" % way.caller.hostport] * 2
    got = [way.relayed(way.request("MESSAGE", via=v, call_id="d%d@x" % i, from_tag="ft%d" % i))
           for i, v in enumerate(vias)]
    branches = [m.via_param(0, "branch") for m in got]
    return len(set(branches)) == len(vias), branches


def a_missing_max_forwards_is_added(way):
    got = way.relayed(way.request("MESSAGE", max_forwards=None))
    return got.first("Max-Forwards") == "70", got.fields


def an_unknown_method_is_relayed(way):
    got = way.relayed(way.request("PUBLISHED-LATER"))
    return got.start.startswith("PUBLISHED-LATER "), got.start


def a_spoofed_response_goes_nowhere(way):
    """The genuine one, with one character of our Via changed, or with a Via that we never made."""
    got = way.relayed(way.request("MESSAGE"))
    genuine = got.all("Via")
    before = counters()
    n_sent, through = 0, []
    attacker = Peer(way.far_side, way.callee.address, 5098)
    try:
        for index, char in enumerate(genuine[0]):
            # The branch and the way back. Our name before them everybody knows, and the loop
            # digest after them means nothing in a response.
            if index <= genuine[0].index(";") or char in ";=":
                continue
            if index > genuine[0].index(";fr-loop="):
                break
            flipped = genuine[0][:index] + ("a" if char != "a" else "b") + genuine[0][index + 1:]
            attacker.send(response(got, 200, "OK", vias=[flipped] + genuine[1:]), way.far)
            n_sent += 1
            leaked = way.caller.receive(0.02)
            if leaked is not None:
                through.append(flipped)
        for made_up in ("SIP/2.0/UDP %s;branch=z9hG4bKabc" % way.far_host, genuine[1]):
            attacker.send(response(got, 200, "OK", vias=[made_up, genuine[1]]), way.far)
            n_sent += 1
    finally:
        attacker.close()
    silent = way.caller.is_silent()
    # A changed name of a parameter may leave a response that is malformed.
    counted = rises(("sip_response_stray", "sip_response_malformed"), before, n_sent)
    return silent and counted and not through, "%d sent, silent %s, counted %s, for %s through:\n%s" % (
        n_sent, silent, counted, genuine[0], "\n".join(through[:3]))


def a_refusal_is_a_proper_response(way, blocked_from, extra_check):
    data = request("INVITE", way.caller, way.to_uri, "sip:mallory@" + blocked_from)
    sent = Message(data)
    got = way.refused(data)
    same = all(got.first(n) == sent.first(n) for n in ("From", "Call-ID", "CSeq", "Via"))
    tagged = re.fullmatch(re.escape(sent.first("To")) + r";tag=\S+", got.first("To"))
    return (got.status == 403 and same and tagged is not None and
            got.first("Content-Length") == "0" and extra_check(got)), got.fields


def refused_with(way, status, data, field=None):
    got = way.refused(data)
    right = got.status == status and (field is None or got.first(field[0]) == field[1])
    return right, "%s\n%s" % (got.start, got.fields)


def an_ack_to_a_refusal_is_absorbed(way, blocked_from):
    via = "SIP/2.0/UDP %s;branch=z9hG4bKrefused" % way.caller.hostport
    from_uri, ids = "sip:mallory@" + blocked_from, {"via": via, "call_id": "refused@x"}
    got = way.refused(request("INVITE", way.caller, way.to_uri, from_uri, **ids))
    before = counters()
    tag = got.first("To").partition(";tag=")[2]
    way.caller.send(request("ACK", way.caller, way.to_uri, from_uri, to_tag=tag, **ids), way.near)
    absorbed = rises("sip_ack_absorbed", before)
    return absorbed and way.callee.is_silent() and way.caller.is_silent(0.1), "not absorbed"


def nothing_answers(way, data, counter):
    before = counters()
    way.caller.send(data, way.near)
    counted = rises(counter, before)
    return counted and way.caller.is_silent(0.2), "%s did not rise, or an answer came" % (counter,)


def check_way(way):
    way.server_address = {"10.10.0.4": "10.10.0.2", "fd10::4": "fd10::2", "192.0.2.9": "192.0.2.2",
                          "2001:db8::9": "2001:db8::2"}[way.caller.address]
    for function in (
            a_message_is_changed_only_where_a_proxy_must,
            a_stamp_from_outside_never_gets_in,
            the_relays_via_is_on_top,
            a_source_that_differs_from_sent_by_is_received,
            a_response_goes_back_with_our_via_gone,
            a_response_goes_to_the_rport,
            a_response_without_rport_goes_to_the_port_of_sent_by,
            provisional_and_final_responses_pass_in_order,
            a_503_goes_up_as_500_without_retry_after,
            a_dialog_is_recorded_on_both_sides,
            the_callee_may_end_the_dialog_over_its_route_set,
            an_ack_to_a_2xx_follows_its_route_set,
            cancel_and_ack_carry_the_branch_of_their_invite,
            different_transactions_get_different_branches,
            a_missing_max_forwards_is_added,
            an_unknown_method_is_relayed,
            a_spoofed_response_goes_nowhere):
        way.caller.drain()
        way.callee.drain()
        results.run("%s: %s" % (way.name, function.__name__.replace("_", " ")), function, way)


def check_refusals(way, secret):
    """secret: an outsider is told the number and the status' phrase, not the rule or our text."""
    name = way.name + ": "
    way.caller.drain()
    way.callee.drain()

    def diagnosed(number):
        def check(got):
            value = got.first("ms-diagnostics") or ""
            public = "block" not in value.lower() and "spam" not in value.lower()
            return value.startswith("%d;" % number) and (public or not secret)
        return check

    # From inside a blocked sender is as blocked.
    for what, domain, number in (("a blocked domain", "evil.example", 1006),
                                 ("below a blocked domain", "x.Evil.example.", 1006),
                                 ("a blocked domain below an allowed one",
                                  "bad.fabrikam.example", 1006),
                                 ("a blocked pattern", "a.spam-1.example", 1006),
                                 ("an unlisted domain", "stranger.example", 1008),
                                 ("a domain that only ends like a listed one",
                                  "notfabrikam.example", 1008)):
        results.run(name + "a request from %s is refused in due form" % what,
                    a_refusal_is_a_proper_response, way, domain, diagnosed(number))
    results.run(name + "the ACK to a refusal is absorbed",
                an_ack_to_a_refusal_is_absorbed, way, "evil.example")
    make = way.request
    for what, status, data, field in (
            ("an unknown scheme", 416, make("OPTIONS", request_uri="nobody:knows-this"), None),
            ("a tel URI", 416, make("INVITE", request_uri="tel:+12025550123"), None),
            ("a required proxy extension", 420,
             make("INVITE", extra=["Proxy-Require: gruu, foo"]), ("Unsupported", "gruu, foo")),
            ("an exhausted Max-Forwards", 483, make("MESSAGE", max_forwards=0), None),
            ("a Max-Forwards over 255", 400, make("MESSAGE", max_forwards=256), None),
            ("another version", 505, make("MESSAGE", version="SIP/3.0"), None),
            ("a body shorter than it says", 400,
             make("MESSAGE", body=b"x").replace(b"Length: 1", b"Length: 9"), None),
            ("two Call-IDs", 400, make("MESSAGE", extra=["Call-ID: second@x"]), None),
            ("a CSeq of another method", 400,
             make("MESSAGE").replace(b"CSeq: 1 MESSAGE", b"CSeq: 1 INVITE"), None),
            ("a broken Request-URI", 400, make("MESSAGE", request_uri="sip:b ob@x.example"), None),
            ("a From that cannot be read", 400,
             make("MESSAGE").replace(b"From: <", b"From: \"<"), None),
            ("no destination domain", 404,
             request("MESSAGE", way.caller, "sip:bob@203.0.113.7", way.from_uri), None)):
        results.run(name + "%s is refused with %d" % (what, status),
                    refused_with, way, status, data, field)
    for what, data, counter in (
            ("a keepalive", b"\r\n\r\n", "sip_keepalive"),
            ("what is not SIP", b"GET / HTTP/1.1\r\n\r\n", "sip_not_sip"),
            ("binary rubbish", bytes(range(256)) * 4, "sip_not_sip"),
            ("a malformed ACK", make("ACK").replace(b"CSeq: 1 ACK", b"CSeq: x ACK"),
             "sip_ack_malformed"),
            ("an ACK from a blocked domain",
             request("ACK", way.caller, way.to_uri, "sip:mallory@evil.example"),
             ("from_blocked", "sip_ack_malformed"))):
        results.run(name + "%s is counted and not answered" % what,
                    nothing_answers, way, data, counter)


def check_borders(ways):
    inside, outside = ways[0], ways[1]
    for what, way, from_domain, to_domain, status, number in (
            ("a partner as sender inside", inside, "fabrikam.example", "contoso.example", 403, 1010),
            ("a local sender outside", outside, "contoso.example", "contoso.example", 403, 1011),
            ("a partner from another partner's address", outside, "woodgrove.example",
             "contoso.example", 403, 1012),
            ("a partner to a partner", outside, "fabrikam.example", "woodgrove.example", 403, 1013),
            ("a blocked destination", inside, "contoso.example", "evil.example", 403, 1007),
            ("an unlisted destination", inside, "contoso.example", "stranger.example", 404, 1009)):
        data = request("MESSAGE", way.caller, "sip:bob@" + to_domain, "sip:alice@" + from_domain)

        def refused(way=way, data=data, status=status, number=number):
            got = way.refused(data)
            value = got.first("ms-diagnostics") or ""
            return got.status == status and value.startswith("%d;" % number), got.fields
        results.run("%s is refused with %d and %d" % (what, status, number), refused)


def check_loop_and_self(way):
    def looped():
        local = Peer(INSIDE, "10.10.0.2")
        try:
            data = request("MESSAGE", way.caller, "sip:bob@contoso.example", way.from_uri)
            way.caller.send(data, way.near)
            first = local.receive_bytes()
            if first is None:
                return False, "the first turn did not arrive"
            local.send(first[0], way.near)
            got = local.receive()
            return got is not None and got.status == 482, got.start if got else "no answer"
        finally:
            local.close()
    results.run("a message that comes back unchanged is refused with 482", looped)

    def options():
        data = request("OPTIONS", way.caller, "sip:10.10.0.1:5060", way.from_uri)
        way.caller.send(data, way.near)
        got = way.caller.receive()
        return got is not None and got.status == 200, got.start if got else "no answer"
    results.run("OPTIONS to the relay itself is answered with 200", options)


def main():
    # One way at a time: they share addresses.
    for number, arguments in enumerate(WAYS):
        way = Way(*arguments)
        check_way(way)
        if number < 4:
            check_refusals(way, secret=way.near_side == OUTSIDE)
        if number == 0:
            check_loop_and_self(way)
        way.close()
    ways = [Way(*WAYS[0]), Way(*WAYS[1])]
    check_borders(ways)
    results.end()


main()
