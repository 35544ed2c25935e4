"""Compares a report with the one that was rendered later from the record: the later one may mask more values, because it
does not know which ids the run knew to be public, and nothing else may differ. usage: later.py EARLIER LATER"""

import sys

MASK = "[secret]"


def says_the_same(earlier, later):
    first, *parts = later.split(MASK)
    if not parts:
        return earlier == later
    if not earlier.startswith(first) or not earlier.endswith(parts[-1]):
        return False
    at = len(first)
    for part in parts[:-1]:
        at = earlier.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= len(earlier) - len(parts[-1])


earlier, later = (open(path, encoding="utf-8").read().split("\n") for path in sys.argv[1:3])
if len(earlier) != len(later):
    sys.exit(f"{sys.argv[2]} has {len(later)} lines, not {len(earlier)}")
for number, lines in enumerate(zip(earlier, later), 1):
    if not says_the_same(*lines):
        sys.exit(f"{sys.argv[2]}, line {number}, differs from the report that was written at the end of the run")
