"""Compares a report with the one that was rendered later from the record: the later one may mask more values, because it
does not know which ids the run knew to be public, and nothing else may differ. usage: later.py EARLIER LATER"""

import sys

MASK = "[secret]"


def says_the_same(earlier, later):
    # What follows the first additional mask is not compared: a whole list may be masked as one value.
    before, masked, _ = later.partition(MASK)
    return earlier.startswith(before) if masked else earlier == later


earlier, later = (open(path, encoding="utf-8").read().split("\n") for path in sys.argv[1:3])
if len(earlier) != len(later):
    sys.exit(f"{sys.argv[2]} has {len(later)} lines, not {len(earlier)}")
for number, lines in enumerate(zip(earlier, later), 1):
    if not says_the_same(*lines):
        sys.exit(f"{sys.argv[2]}, line {number}, differs from the report that was written at the end of the run")
