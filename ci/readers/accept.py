"""Gives reports to readers that are not part of this project. Usage: accept.py DIRECTORY SCHEMA

DIRECTORY holds run.json, junit.xml and trace.zip; SCHEMA is the JSON Schema of run.json.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ET
import zipfile

import junitparser
from jsonschema import Draft202012Validator

RERUN = {"rerunFailure", "rerunError", "flakyFailure", "flakyError"}
# What Jenkins' xUnit plugin takes (its junit-10.xsd): for each element its attributes, those that must be there, and
# what may be inside.
RULES = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"} | RERUN,
    ),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
    "stackTrace": (set(), set(), set()),
    **{name: ({"message", "type"}, {"type"}, {"stackTrace", "system-out", "system-err"}) for name in RERUN},
}


def jenkins(element, place=""):
    """What Jenkins would reject."""
    place = f"{place}/{element.tag}"
    if element.tag not in RULES:
        return [f"{place} is not known"]
    attributes, required, inside = RULES[element.tag]
    problems = [f"{place}: attribute {name}" for name in set(element.attrib) - attributes]
    problems += [f"{place}: no attribute {name}" for name in required - set(element.attrib)]
    for child in element:
        problems += [] if child.tag in inside else [f"{place}: {child.tag} inside"]
        problems += jenkins(child, place)
    return problems


def main(directory, schema):
    directory = pathlib.Path(directory)
    record = json.loads((directory / "run.json").read_text())
    schema = json.loads(pathlib.Path(schema).read_text())
    Draft202012Validator.check_schema(schema)
    problems = [f"run.json: {e.json_path}: {e.message[:200]}" for e in Draft202012Validator(schema).iter_errors(record)]
    print(f"run.json: {len(record['scenarios'])} scenarios accepted" if not problems else "run.json refused")

    file = directory / "junit.xml"
    problems += [f"junit.xml: {problem}" for problem in jenkins(ET.parse(file).getroot())]
    suites = junitparser.JUnitXml.fromfile(str(file))
    cases = [case for suite in suites for case in suite]
    results = [type(result).__name__ for case in cases for result in case.result]
    verdicts = [scenario["verdict"] for scenario in record["scenarios"]]
    expected = {"Failure": {"failed"}, "Error": {"error"}, "Skipped": {"not applicable", "skipped", "unproven"}}
    for kind, meant in expected.items():
        there = sum(verdict in meant for verdict in verdicts)
        if results.count(kind) != there:
            problems.append(f"junit.xml: {results.count(kind)} × {kind}, and {there} × {' or '.join(sorted(meant))}")
    if len(cases) != len(verdicts):
        problems.append(f"junit.xml: {len(cases)} cases for {len(verdicts)} scenarios")
    print(f"junit.xml: {len(cases)} cases read")
    with zipfile.ZipFile(directory / "trace.zip") as trace:
        if broken := trace.testzip():
            problems.append(f"trace.zip: {broken} is broken")
        there = set(trace.namelist())
        pages = [page for one in json.loads(trace.read("trace.json"))["scenarios"] for page in one["pages"]]
        named = {name for page in pages for name in (page["tree"], page.get("picture")) if name}
        problems += [f"trace.zip: {name} is missing" for name in sorted(named - there)]
        exchanges = len(json.loads(trace.read("exchanges.har"))["log"]["entries"])
    print(f"trace.zip: {len(there)} files, {len(pages)} pages and {exchanges} exchanges read")
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
