"""Control dies, hangs, and is replaced under many TLS sessions: none of them may notice.
    tls_control_dies.py COMMAND…    starts control"""

import multiprocessing
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

from control_process import Control
from peer import INSIDE, OUTSIDE, Message, Peer, Results, fedctl, request, response
from secure_streams import connect, context, path
from streams import _socket

results = Results()
check = results.check
COMMAND = sys.argv[1:]
FOLDER = os.environ["INTEROP_DIR"]
N_SESSIONS, N_KILLS = int(os.environ["INTEROP_SESSIONS"]), int(os.environ["INTEROP_KILLS"])
RATE = min(N_SESSIONS, 300)  # messages a second, all sessions together
STALL_MS = 4000
RELAY = {"fabrikam.example": "192.0.2.1", "woodgrove.example": "2001:db8::1"}


def answer():
    """Our own server: 200 to everything."""
    peer = Peer(INSIDE, "10.10.0.2")
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    while True:
        data, source = peer.receive_bytes(3600)
        peer.send(response(Message(data), 200, "OK"), *source)


class Talker:
    """Half of the sessions: one partner's connections."""

    def __init__(self, domain):
        self.domain = domain
        self.n = N_SESSIONS // 2
        self.log = open(os.path.join(FOLDER, "talker-%s.log" % domain), "w+", encoding="ascii")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", OUTSIDE, os.environ["INTEROP_TALKER"], RELAY[domain], "5061",
             "--ca", path("ca.pem"), "--certificate", path(domain + ".pem"),
             "--key", path(domain + ".key"), "--name", "contoso-tls.example",
             "--from", "sip:alice@" + domain, "--to", "sip:bob@contoso.example",
             "--connections", str(self.n), "--every", str(1000 * N_SESSIONS // RATE),
             "--key-updates", "3"],
            stdout=subprocess.PIPE, stderr=self.log)

    def is_connected(self):
        return self.process.stdout.readline().startswith(b"connected ")

    def end(self):
        """What it says of itself, by name."""
        self.process.send_signal(signal.SIGTERM)
        line = self.process.communicate(timeout=30)[0].decode().strip().splitlines()[-1]
        return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", line)}

    def complaints(self):
        self.log.seek(0)
        return self.log.read()[:2000]


def new_partner(seconds):
    """Seconds until a new partner's connection has its message answered; None: not in that time."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            stream = connect(OUTSIDE, "192.0.2.7", "192.0.2.1", context(False, "litware.example"))
        except (ssl.SSLError, OSError):
            time.sleep(0.02)
            continue
        try:
            stream.send(request("MESSAGE", stream, "sip:bob@contoso.example", "sip:alice@litware.example",
                                via=stream.via("z9hG4bK-new-%d" % time.monotonic_ns())))
            final = stream.receive_final(seconds)
            if final is not None and final.status == 200:
                return time.monotonic() - begun
        except (ssl.SSLError, OSError):
            pass
        finally:
            stream.close()
    return None


def under_way():
    """A TLS connection whose client has sent its hello and then nothing."""
    sock = _socket(OUTSIDE, "192.0.2.8", 0)
    sock.settimeout(5)
    sock.connect(("192.0.2.1", 5061))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(False, "fabrikam.example").wrap_bio(incoming, outgoing, server_hostname="contoso-tls.example")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    sock.sendall(outgoing.read())
    sock.recv(1)
    return sock


def ends(sock, seconds=5):
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
    except socket.timeout:
        return False
    except OSError:
        pass
    finally:
        sock.close()
    return True


def sessions_of_talkers(seconds=5):
    """How many sessions of the talkers `fedctl sessions` shows with the identity that they have."""
    until = time.monotonic() + seconds
    while True:
        reply = fedctl("sessions")
        n = 0
        for row in reply["sessions"]:
            names = [name["domain"] for name in (row.get("identity") or {}).get("names", [])]
            n += row["established"] and any(domain in names for domain in RELAY)
        if n >= N_SESSIONS or time.monotonic() > until:
            return n, reply["sessions"][:2]
        time.sleep(0.05)


def kills(control):
    n_failed_handshakes = n_known = n_prompt = 0
    slowest_attach = slowest_partner = 0
    for _ in range(N_KILLS):
        time.sleep(random.uniform(0.1, 1))
        half = under_way()
        control.kill()
        time.sleep(random.choice((0, 0, 0.3, 1)))
        begun = time.monotonic()
        control = Control(COMMAND)
        control.attaches(10)
        slowest_attach = max(slowest_attach, time.monotonic() - begun)
        took = new_partner(5)
        slowest_partner = max(slowest_partner, 99 if took is None else took)
        n_prompt += took is not None and took < 1
        n_failed_handshakes += ends(half)
        n_known += sessions_of_talkers()[0] == N_SESSIONS
    print("# attached again within %.2f s, a new partner's first answer %.2f s later" %
          (slowest_attach, slowest_partner))
    check("%d times control is killed: handshakes under way end" % N_KILLS,
          n_failed_handshakes == N_KILLS, n_failed_handshakes)
    # Others use the machine: now and then all of this test stands still for a second.
    check("  it attaches again, and a new partner's message is answered within a second of that",
          n_prompt >= 0.9 * N_KILLS and slowest_partner < 5,
          "%d times; slowest: %.2f s" % (n_prompt, slowest_partner))
    check("  and knows all %d sessions again, by their identities" % N_SESSIONS, n_known == N_KILLS,
          "%d times; %s" % (n_known, sessions_of_talkers(0)))
    return control


def hang_and_second(control):
    control.signal(signal.SIGSTOP)
    time.sleep(1)
    second = Control(COMMAND, "second", os.path.join(FOLDER, "second.sock"))
    check("a second control attaches while the first one hangs", second.attaches(10))
    took = new_partner(5)
    check("  and new partners are served", took is not None, took)
    control.signal(signal.SIGCONT)
    time.sleep(3)
    second.kill()
    check("the first one, awake again, has its place back when the second is gone", control.attaches(10))
    took = new_partner(5)
    check("  and new partners are served", took is not None, took)
    n, rows = sessions_of_talkers()
    check("  and all sessions are known to it", n == N_SESSIONS, "%d: %s" % (n, rows))
    return control


def main():
    multiprocessing.Process(target=answer, daemon=True).start()
    control = Control(COMMAND)
    check("control attaches", control.attaches(20))
    talkers = [Talker(domain) for domain in RELAY]
    try:
        check("%d sessions of both versions are established" % N_SESSIONS,
              all([t.is_connected() for t in talkers]), [t.complaints() for t in talkers])
        n, rows = sessions_of_talkers()
        check("`fedctl sessions` shows them", n == N_SESSIONS, "%d: %s" % (n, rows))
        control = kills(control)
        control = hang_and_second(control)
        for t in talkers:
            said = t.end()
            print("# %s: %s" % (t.domain, said))
            check("no session of %s has ended" % t.domain,
                  said["ended"] == 0 and said["connections"] == t.n, t.complaints())
            check("  and half of them are TLS 1.3", said["tls13"] == t.n // 2)
            check("  every message has its 200",
                  said["sent"] > 0 and said["answered"] == said["sent"] and said["wrong"] == 0,
                  t.complaints())
            check("  none took longer than %d ms" % STALL_MS, said["longest_ms"] < STALL_MS, said)
            check("  and keys were renewed by both", said["key_updates"] > 0 and
                  said["heard_key_updates"] > 0, said)
    finally:
        for t in talkers:
            if t.process.poll() is None:
                t.process.kill()
        control.signal(signal.SIGCONT)
        control.kill()
    results.end()


if __name__ == "__main__":
    main()
