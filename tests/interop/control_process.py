"""Control as a process that the test itself starts, kills and holds up."""

import os
import signal
import subprocess
import time


class Control:
    """command: world_command of scripts/lib/world.sh. Its log: NAME.log in the world's folder."""

    def __init__(self, command, name="control", sock=None):
        command = list(command)
        self.socket = sock or os.environ["INTEROP_SOCKET"]
        command[command.index("--socket") + 1] = self.socket
        self.path = os.path.join(os.environ["INTEROP_DIR"], name + ".log")
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_attached(self):
        out = subprocess.run([os.environ["INTEROP_FEDCTL"], "--socket", self.socket, "--json", "status"],
                             capture_output=True, timeout=20, check=False).stdout
        return b'"attached":true' in out.replace(b" ", b"")

    def attaches(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.is_attached():
                return True
            time.sleep(0.02)
        return False

    def log(self):
        with open(self.path, encoding="ascii", errors="replace") as log:
            return log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
