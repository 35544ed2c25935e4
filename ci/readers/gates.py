"""Runs the shell parts of the gates in ci/, as their systems would, against a mocked Author before and after a defect.

Usage: gates.py BPCONFORM. Each gate must be green without a record from before, green when nothing changed, and stop with
the requirement that broke when the Author has a defect.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

CI = pathlib.Path(__file__).resolve().parent.parent
BROKEN = "BP-REP-02"


def mock(program, *flags):
    process = subprocess.Popen([program, "mock", "--json", *flags], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def environment(program, serving):
    path = str(pathlib.Path(program).resolve().parent) + os.pathsep + os.environ["PATH"]
    values = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "BPCONFORM_TARGET": "author"}
    values["BPCONFORM_AUTHOR_URL"] = serving["author"]
    values["BPCONFORM_TENANT_URL"] = serving["tenant"]
    return values | {name: str(value) for name, value in serving["credentials"].items()}


def shell(script, folder, values):
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=values, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def github(folder, values):
    """The steps of the job; after one failed, only those that always run."""
    summary = folder / "summary.md"
    summary.write_text("")
    values = values | {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    job = yaml.safe_load((CI / "github-actions.yml").read_text())["jobs"]["check"]
    failed, said = 0, ""
    for step in (step for step in job["steps"] if "run" in step):
        if failed and step.get("if") != "always()":
            continue
        status, text = shell(step["run"], folder, values)
        failed, said = failed or status, said + text
    return failed, said + summary.read_text()


def gitlab(folder, values):
    """The shards of the first job, then the gate; a job's lines are one script."""
    jobs = yaml.safe_load((CI / "gitlab-ci.yml").read_text())
    subprocess.run(["rm", "-rf", "shards", "after"], cwd=folder, check=True)
    said, count = "", jobs["check"]["parallel"]
    for index in range(1, count + 1):
        node = {"GITLAB_CI": "true", "CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(count)}
        status, text = shell("\n".join(jobs["check"]["script"]), folder, values | node)
        said += text
        if status:
            return status, said
    status, text = shell("\n".join(jobs["gate"]["script"]), folder, values)
    return status, said + text


def jenkins(folder, values):
    """The scripts of the stages, until one fails; then the artifacts of a good build are kept."""
    said = ""
    for script in re.findall(r"sh '''(.*?)'''", (CI / "Jenkinsfile").read_text(), re.DOTALL):
        status, text = shell(script, folder, values)
        said += text
        if status:
            return status, said
    (folder / "before").mkdir(exist_ok=True)
    (folder / "after/run.json").replace(folder / "before/run.json")
    return 0, said


def main(program):
    problems = []
    servers = [mock(program), mock(program, "--defect", "agent-disabled")]
    good, bad = (environment(program, serving) for _, serving in servers)
    try:
        for gate in (github, gitlab, jenkins):
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                for what, values, expected in (("first", good, 0), ("unchanged", good, 0), ("broken", bad, 1)):
                    status, said = gate(folder, values)
                    right = status == expected and (expected == 0 or BROKEN in said)
                    print(f"{gate.__name__}: {what}: exit {status}{'' if right else ', WRONG'}")
                    if not right:
                        problems.append(said[-4000:])
    finally:
        for process, _ in servers:
            process.terminate()
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
