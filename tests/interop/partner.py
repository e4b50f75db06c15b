"""`fedctl test partner` against a partner that is well and one that is ill in each way; and `fedctl sessions`."""

import json
import os
import ssl
import subprocess
import threading

from peer import OUTSIDE, Results
from secure_streams import SecureHop, SecureStream, connect, context

results = Results()
check = results.check
STAGES = ["dns", "tcp", "tls", "certificate", "identity", "options"]


def ask(*arguments):
    """Exit code and JSON reply; also of what did not pass."""
    done = subprocess.run(
        [os.environ["INTEROP_FEDCTL"], "--socket", os.environ["INTEROP_SOCKET"], "--json", *arguments],
        capture_output=True, text=True, timeout=40, check=False)
    return done.returncode, json.loads(done.stdout or "{}")


class PatientHop(SecureHop):
    """One that refuses and does not close at once: a reset right behind its alert would outrun it."""

    def accept(self):
        sock, _ = self.listener.accept()
        sock.settimeout(5)
        stream = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        try:
            stream.do_handshake()
            self.streams.append(SecureStream(stream))
        except (ssl.SSLError, OSError) as error:
            self.errors.append((str(error), stream))


class Partner(threading.Thread):
    """Serves until it is closed; one that is silent takes the connection and says nothing more."""

    def __init__(self, tls, silent=False):
        super().__init__(daemon=True)
        self.hop = PatientHop(OUTSIDE, "192.0.2.2", tls)
        self.silent = silent
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            self.hop.serve(0.2, answers=not self.silent)

    def close(self):
        self.over.set()
        self.join()
        self.hop.close()


def test_stage(what, stage, tls, word, silent=False):
    """The stage is the first one that fails, with that word in its text or diagnosis."""
    partner = Partner(tls, silent) if tls is not None else None
    code, reply = ask("test", "partner", "fabrikam.example")
    hop = (reply.get("hops") or [{}])[0]
    found = {s["stage"]: s for s in hop.get("stages", [])}
    wrong = [s for s in STAGES if found.get(s, {}).get("result") == "failed"]
    text = found.get(stage, {}).get("text", "") + found.get(stage, {}).get("diagnosis", "")
    check("%s fails at %s" % (what, stage),
          code == 1 and wrong == [stage] and word in text and not hop.get("passed"), reply)
    if partner is not None:
        partner.close()


def test_good():
    partner = Partner(context(True, "fabrikam.example"))
    for what in ("a partner that is well passes", "  and its connection that stands, too"):
        code, reply = ask("test", "partner", "fabrikam.example")
        hop = (reply.get("hops") or [{}])[0]
        check(what, code == 0 and hop.get("passed")
              and hop["identity"]["names"][0]["domain"] == "fabrikam.example", reply)
    code, reply = ask("sessions")
    opened = [s for s in reply["sessions"] if s["role"] == "opened"]
    check("  which `fedctl sessions` shows with its identity",
          len(opened) == 1 and opened[0]["identity"]["names"][0]["proof"] == "san_uri"
          and opened[0]["state"] == "established", reply)
    partner.close()


def late_refusal():
    """A TLS 1.3 server that trusts another CA judges our certificate when we are done."""
    made = context(True, "fabrikam.example", version=ssl.TLSVersion.TLSv1_3)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other.minimum_version = made.minimum_version
    other.verify_mode = ssl.CERT_REQUIRED
    ca = os.environ["INTEROP_CA"]
    other.load_verify_locations(os.path.join(ca, "unknown-ca.pem"))
    other.load_cert_chain(os.path.join(ca, "fabrikam.example.pem"),
                          os.path.join(ca, "fabrikam.example.key"))
    return other


def test_accepted():
    stream = connect(OUTSIDE, "192.0.2.3", "192.0.2.1", context(False, "fabrikam.example"))
    stream.send(b"\r\n\r\n")
    stream.receive(1)
    _, reply = ask("sessions")
    check("`fedctl sessions` shows whose an accepted session is",
          any(s["role"] == "accepted" and s["remote"].startswith("192.0.2.3:")
              and s["identity"]["trusted"] for s in reply["sessions"]), reply)
    stream.close()


def test_usages():
    """Who has a session now, and whose certificate a stricter policy would not take."""
    whole, half = (connect(OUTSIDE, "192.0.2.3", "192.0.2.1", context(False, name))
                   for name in ("fabrikam.example", "bad/no-client-auth"))
    for stream in (whole, half):
        stream.send(b"\r\n\r\n")
        stream.receive(1)
    code, reply = ask("cert", "partners")
    found = [(p["eku"]["server_auth"], p["eku"]["client_auth"],
              [(f["policy"], f["as"]) for f in p["eku"]["fails"]]) for p in reply.get("partners", [])]
    check("`fedctl cert partners` tells who would fail under a stricter EKU policy", code == 0 and sorted(found) == [
        (True, False, [("strict", "client")]), (True, True, [])], reply)
    for stream in (whole, half):
        stream.close()


def main():
    test_stage("a partner that does not listen", "tcp", None, "nobody listens")
    for bad, stage, word in (("expired", "certificate", "expired"),
                             ("not-yet-valid", "certificate", "not yet valid"),
                             ("revoked", "certificate", "revoked"),
                             ("unknown-ca", "certificate", "not trusted"),
                             ("other-partner", "identity", "does not name")):
        test_stage("a partner whose certificate is " + bad, stage, context(True, "bad/" + bad), word)
    test_stage("a partner that refuses our certificate late", "options", late_refusal(),
               "does not trust our certificate")
    mute = context(True, "fabrikam.example", version=ssl.TLSVersion.TLSv1_3)
    mute.num_tickets = 0  # they would show that it took our certificate
    test_stage("a partner that never answers", "options", mute, "not over in time", silent=True)
    test_good()
    test_accepted()
    test_usages()
    code, reply = ask("test", "partner", "nobody.example")
    check("a domain that nobody has is refused", code == 1 and "nobody has" in reply["error"], reply)
    results.end()


if __name__ == "__main__":
    main()
