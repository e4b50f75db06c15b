#!/usr/bin/env python3
"""TCP through a wire with faults: our engine to Linux, next to Linux to Linux over the same wire,
with CUBIC as ours has it, and with what this machine prefers where that is another one (BBR).

    tcp_wire.py loss|thin BUILD_DIR [--json] [--quick]

loss: goodput of one connection at 20 ms of delay each way, by loss, median of the runs.
thin: how late messages of 512 bytes are, 1000 a second on one connection, p50 and p99.

Both have the same limit of what may be in flight: 4 MB. The wire's faults come from the run's number. Goodput: more
is better; lateness: less is.
"""

import concurrent.futures
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

DELAY_MS = 20
BUFFER = 4 << 20
OURS = "ours"
LIKE_OURS = "cubic"
# Linux counts its own overhead as well: half of it is what a window may be.
SYSCTLS = {
    "net.ipv4.tcp_rmem": f"4096 131072 {2 * BUFFER}",
    "net.ipv4.tcp_wmem": f"4096 131072 {2 * BUFFER}",
    # What one run found out must not help the next.
    "net.ipv4.tcp_no_metrics_save": "1",
}
# Loss in percent -> bytes: so many that it is not the first loss, sooner or later, which decides.
LOSS = {"0": 60_000_000, "0.1": 24_000_000, "1": 6_000_000, "3": 3_000_000}
THIN_LOSS = ("1", "3")
THIN_BYTES = 512
THIN_RATE = 1000
RUNS = 21
AT_ONCE = 6


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def within(namespace, *command):
    return ["ip", "netns", "exec", namespace, *command]


def wait_for(condition, what):
    until = time.monotonic() + 5
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} did not happen")
        time.sleep(0.01)


class World:
    """A server on Linux behind the wire, and room for a client of either kind before it."""

    def __init__(self, build, name, loss, seed, who):
        self.tools = os.path.join(build, "tests/wire")
        self.far, self.near = f"fr{os.getpid()}{name}f", f"fr{os.getpid()}{name}n"
        self.loss, self.seed, self.who, self.ours = loss, seed, who, who == OURS
        self.running = []
        self.made = []

    def start(self, log, *command):
        with open(os.path.join(self.dir.name, log), "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.running.append(process)

    def said(self, log, word):
        with open(os.path.join(self.dir.name, log), encoding="utf-8") as file:
            return word in file.read()

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        for namespace in (self.far,) if self.ours else (self.far, self.near):
            ip("netns", "add", namespace)
            self.made.append(namespace)
            for name, value in SYSCTLS.items():
                subprocess.run(within(namespace, "sysctl", "-qw", f"{name}={value}"), check=True)
        self.socket = os.path.join(self.dir.name, "near")
        near = f"listen:{self.socket}" if self.ours else f"tap:near@{self.near}"
        self.start("wire", os.path.join(self.tools, "lossy-wire"), "--a", near,
                   "--b", f"tap:far@{self.far}", "--loss", self.loss, "--seed", str(self.seed),
                   "--delay-ms", str(DELAY_MS))
        if self.ours:
            wait_for(lambda: os.path.exists(self.socket), "the wire")
            self.client = None
        else:
            wait_for(lambda: self.said("wire", "up"), "the wire")
            self.device(self.near, "near", "10.0.0.1/24")
            ip("-n", self.near, "link", "set", "near", "up")
            self.serve()
        return self

    def device(self, namespace, name, address):
        wait_for(lambda: subprocess.run(["ip", "-n", namespace, "link", "show", name],
                                        capture_output=True).returncode == 0, "the device")
        ip("-n", namespace, "addr", "add", address, "dev", name)

    def serve(self):
        """The server listens before its device is up: the client's first SYN must find it."""
        self.device(self.far, "far", "10.0.0.2/24")
        self.start("server", *within(self.far, os.path.join(self.tools, "linux-talker"),
                                     "serve", "10.0.0.2", "7000"))
        wait_for(lambda: self.said("server", "listening"), "the server")
        ip("-n", self.far, "link", "set", "far", "up")

    def ask(self, *arguments):
        """The client's line of results, as a dictionary."""
        ask = ["ask", "10.0.0.2", "7000", "--seconds", "100", *arguments]
        if self.ours:
            command = [os.path.join(self.tools, "engine-talker"), "--port",
                       f"connect:{self.socket}", "--address", "10.0.0.1", "--buffer", str(BUFFER),
                       *ask]
        else:
            command = within(self.near, os.path.join(self.tools, "linux-talker"), "--congestion",
                             self.who, *ask)
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.running.append(client)
        if self.ours:
            # The wire makes the far device when its near end has come; until then nobody answers.
            self.serve()
        text = client.communicate(timeout=150)[0]
        found = re.search(r"right (\d+) wrong (\d+) (.*)", text)
        if not found or found.group(1) != "1":
            raise RuntimeError(f"a transfer was not right: {text}")
        words = found.group(3).split()
        return {k: float(v) for k, v in zip(words[::2], words[1::2])}

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            process.wait()
        for namespace in self.made:
            ip("netns", "del", namespace)
        self.dir.cleanup()


def run_one(build, job):
    name, loss, seed, who, arguments = job
    with World(build, name, loss, seed, who) as world:
        return world.ask(*arguments)


def sides():
    """Ours, Linux with the same congestion control, and as this machine has it."""
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
        preferred = file.read().strip()
    return [OURS, LIKE_OURS] + ([preferred] if preferred != LIKE_OURS else [])


def run_all(build, loss, runs, arguments, at_once):
    """The results of each side, whose runs take turns."""
    jobs = [(f"{i}{who[0]}", loss, i + 1, who, arguments) for i in range(runs) for who in sides()]
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(lambda job: run_one(build, job), jobs))
    return {who: results[i :: len(sides())] for i, who in enumerate(sides())}


def report(as_json, bench, case, runs, unit):
    """One line a Linux: medians of each side, ours relative to it, and the least and most of ours."""
    values = {who: statistics.median(side) for who, side in runs.items()}
    ours = runs[OURS]
    for who in sides()[1:]:
        ratio = values[OURS] / values[who]
        if as_json:
            print(json.dumps({"bench": bench, "case": case, "value": round(values[OURS], 3),
                              "min": round(min(ours), 3), "max": round(max(ours), 3),
                              "runs": len(ours), "unit": unit, "baseline": f"linux {who}",
                              "baseline_value": round(values[who], 3),
                              "ratio": round(ratio, 3)}), flush=True)
        else:
            print(f"{bench:<14} {case:<44} {values[OURS]:12.2f} {unit}  ({len(ours)} runs, "
                  f"{min(ours):.2f} to {max(ours):.2f})  {ratio:.2f} x linux {who}, "
                  f"{values[who]:.2f}", flush=True)


def bench_loss(build, as_json, quick):
    for loss, n_bytes in LOSS.items():
        if quick:
            n_bytes //= 4
        # What the machine limits is measured alone.
        results = run_all(build, loss, 3 if quick else RUNS,
                          ["--kind", "after-fin", "--up", str(n_bytes)],
                          1 if loss == "0" else AT_ONCE)
        rates = {who: [n_bytes * 8e-6 / r["seconds"] for r in side]
                 for who, side in results.items()}
        report(as_json, "tcp_loss", f"{loss} % loss, {DELAY_MS} ms each way", rates, "Mb/s")


def bench_thin(build, as_json, quick):
    n_messages = THIN_RATE * (3 if quick else 10)
    for loss in THIN_LOSS:
        results = run_all(build, loss, 2 if quick else RUNS, [
            "--kind", "thin", "--up", str(n_messages * THIN_BYTES), "--message", str(THIN_BYTES),
            "--per-s", str(THIN_RATE)], AT_ONCE)
        for what in ("p50_us", "p99_us"):
            late = {who: [r[what] / 1000 for r in side] for who, side in results.items()}
            report(as_json, "tcp_thin", f"{loss} % loss, {DELAY_MS} ms each way, {what[:3]} late",
                   late, "ms")


def main():
    kind, build, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    bench = {"loss": bench_loss, "thin": bench_thin}[kind]
    bench(build, "--json" in options, "--quick" in options)


main()
