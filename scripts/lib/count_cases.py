#!/usr/bin/env python3
"""Counts the cases of the cmocka programs in a meson testlog.json.

Prints `NAME<TAB>passed<TAB>failed<TAB>skipped` a program. A program that ended with an error
without saying that a case failed counts as one failure. --output NAME prints what NAME wrote.
"""

import json
import re
import sys


def cases(row):
    text = row.get("stdout", "") + row.get("stderr", "")
    totals = {
        what: sum(int(n) for n in re.findall(r"^\[\s+%s\s+\] (\d+) test" % what, text, re.M))
        for what in ("PASSED", "FAILED", "SKIPPED")
    }
    failed = totals["FAILED"]
    if row["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and failed == 0:
        failed = 1
    return totals["PASSED"], failed, totals["SKIPPED"]


def main():
    rows = [json.loads(line) for line in open(sys.argv[-1], encoding="utf-8")]
    for row in rows:
        name = row["name"].split(" / ")[-1]
        if sys.argv[1] == "--output":
            if name == sys.argv[2]:
                print(row.get("stdout", ""), row.get("stderr", ""), sep="\n")
            continue
        print(name, *cases(row), sep="\t")


main()
