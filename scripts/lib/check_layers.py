#!/usr/bin/env python3
"""Holds the layers: which folder may include what. Prints each breach, exits 1 if there is one."""

import re
import subprocess
import sys

# Folder of the including file -> what it must not include. The longest folder that fits decides,
# on top of those above it.
FORBIDDEN = {
    "lib": [r'"(dataplane|control|tests)/', r"<rte_"],
    "lib/base": [r'"lib/(?!base/)'],
    "lib/net": [r'"lib/(?!base/|net/)'],
    "lib/tcp": [r'"lib/(?!base/|tcp/)'],
    "lib/record": [r'"lib/(?!base/|record/)'],
    "lib/sip": [r'"lib/(?!base/|sip/)'],
    "lib/yaml": [r'"lib/(?!base/|yaml/)'],
    "lib/policy": [r'"lib/(?!base/|policy/)'],
    "lib/link": [r'"lib/(?!base/|policy/|record/|link/)'],
    "dataplane": [r'"(control|tests)/'],
    "dataplane/core_map": [r'"dataplane/(?!core_map/)', r"<rte_"],
    "dataplane/port": [r'"dataplane/(?!core_map/|port/)', r'"lib/(sip|net)/'],
    "dataplane/net": [r'"dataplane/(?!core_map/|port/|net/)', r'"lib/sip/'],
    "dataplane/tcp": [r'"dataplane/(?!core_map/|port/|net/|tcp/)', r'"lib/sip/'],
    "dataplane/session": [r'"dataplane/(?!session/)', r"<rte_", r'"lib/(net|sip)/'],
    "dataplane/relay": [r'"dataplane/(?!relay/|session/)', r"<rte_", r'"lib/net/'],
    "dataplane/patterns": [r'"dataplane/(?!patterns/)', r"<rte_"],
    "control": [r'"(dataplane|tests)/', r"<rte_"],
    "control/dns": [r'"control/(?!dns/)', r'"lib/(?!base/|policy/)'],
    "control/policy": [r'"control/(?!policy/)'],
    "control/store": [r'"control/(?!store/|policy/)'],
    "control/tls": [r'"control/(?!tls/|policy/file\.h)', r'"lib/(?!base/|policy/(domain|card)\.h|record/secrets\.h)', r"<uv\.h"],
}

# One place polls a device.
ONLY_IN = {r"\brte_eth_[rt]x_burst\(": "dataplane/port/queue.c"}


def main():
    files = subprocess.run(
        ["git", "ls-files", "*.c", "*.h"], capture_output=True, text=True, check=True
    ).stdout.split()
    breaches = 0
    for path in files:
        rules = [
            rule
            for folder, patterns in FORBIDDEN.items()
            if path.startswith(folder + "/")
            for rule in patterns
        ]
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            include = re.match(r"#include (.*)", line)
            wrong = include and any(re.match(rule, include.group(1)) for rule in rules)
            wrong = wrong or any(
                re.search(call, line) and path.startswith("dataplane/") and path != home
                for call, home in ONLY_IN.items()
            )
            if wrong:
                print(f"{path}:{number}: {line.strip()}")
                breaches += 1
    return breaches != 0


sys.exit(main())
