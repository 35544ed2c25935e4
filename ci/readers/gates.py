"""Runs the shell parts of the gates in ci/, as their systems would, against a mocked Author before and after a defect.

Usage: gates.py BPCONFORM. Each gate must be green without a record from before, green when nothing changed, stop with
the requirement that broke when the Author has a defect, stop with 3 if the Author does not answer, and be green again when the
defect is known.
"""

import itertools
import json
import os
import pathlib
import re
import shlex
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


def action(folder, values):
    """The steps of the composite action, with the inputs that a workflow would give."""
    summary, output, path = (folder / name for name in ("summary.md", "output", "path"))
    for file in (summary, output, path):
        file.write_text("")
    manifest = yaml.safe_load((CI / "action/action.yml").read_text())
    inputs = {name: one["default"] for name, one in manifest["inputs"].items()}
    inputs |= {"author-url": values["BPCONFORM_AUTHOR_URL"], "tenant-url": values["BPCONFORM_TENANT_URL"]}
    inputs |= {"before": "before", "out": "after", "baseline": values.get("BASELINE", "")}
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    runner |= {"GITHUB_PATH": str(path), "RUNNER_TEMP": str(folder)}
    said, status = "", 0
    for step in (step for step in manifest["runs"]["steps"] if "run" in step):
        env = {name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda it: inputs[it[1]], text) for name, text in step["env"].items()}
        status, text = shell(step["run"], folder, {k: v for k, v in values.items() if k != "BASELINE"} | runner | env)
        said += text
        if status:
            break
    if f"exit={status}" not in output.read_text():
        return -1, f"the action's output is {output.read_text()!r} after exit {status}"
    if status == 0:
        keep(folder)
    return status, said + summary.read_text()


def component(folder, values):
    """The script of the job that the component of GitLab makes."""
    spec, template = (CI / "gitlab-component/templates/bpconform.yml").read_text().split("\n---\n")
    inputs = {name: one.get("default") for name, one in yaml.safe_load(spec)["spec"]["inputs"].items()}
    inputs |= {"author-url": values["BPCONFORM_AUTHOR_URL"], "tenant-url": values["BPCONFORM_TENANT_URL"]}
    inputs |= {"baseline": values.get("BASELINE", "")}
    job = yaml.safe_load(re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda it: json.dumps(inputs[it[1]]), template))["bpconform"]
    return shell("\n".join(job["script"]), folder, values | job["variables"] | {"GITLAB_CI": "true"})


def keep(folder):
    (folder / "before").mkdir(exist_ok=True)
    (folder / "after/run.json").replace(folder / "before/run.json")


def jenkins(folder, values):
    """The scripts of the stages, until one fails; then the artifacts of a good build are kept."""
    said = ""
    for script in re.findall(r"sh '''(.*?)'''", (CI / "Jenkinsfile").read_text(), re.DOTALL):
        status, text = shell(script, folder, values)
        said += text
        if status:
            return status, said
    keep(folder)
    return 0, said


def kubernetes(folder, values):
    """The Pods of the Indexed Job, each repeated according to its failure policy; then the merge that its file names."""
    job = yaml.safe_load((CI / "kubernetes/job.yaml").read_text())["spec"]
    rules = [rule for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    action = {code: rule["action"] for rule in rules for code in rule["onExitCodes"]["values"]}
    container = job["template"]["spec"]["containers"][0]
    pod = {one["name"]: one["value"] for one in container["env"] if "value" in one} | values
    records = folder / "records"
    subprocess.run(["rm", "-rf", records], check=True)
    statuses, tries, said = [], [], ""
    for index in map(str, range(job["completions"])):
        arguments = [one.replace("$(JOB_COMPLETION_INDEX)", index).replace("/records", str(records)) for one in container["args"]]
        for attempt in range(1, job["backoffLimitPerIndex"] + 2):
            status, text = shell(shlex.join(["bpconform", *arguments]), folder, pod | {"JOB_COMPLETION_INDEX": index})
            if status == 0 or action[status] == "FailIndex":
                break
        statuses, tries, said = statuses + [status], tries + [attempt], said + text
    print(f"kubernetes: {len(tries)} Pods ended with {statuses} after {tries} tries")
    for status, tried in zip(statuses, tries, strict=True):
        if tried != (job["backoffLimitPerIndex"] + 1 if status == 3 else 1):
            return -1, f"exit {status} was tried {tried} times"
    if 3 in statuses:
        return 3, said
    status, text = shell(f"bpconform merge {records}/* --out {records}/whole", folder, values)
    return status, said + text


def baseline(program, folder, values):
    """What is known of the Author with the defect."""
    record, file = folder / "known", folder / "baseline.toml"
    run = [program, "run", "--quiet", "--allow", "observe", "--out", record]
    subprocess.run(run, env=values, capture_output=True, check=False)
    file.write_text(subprocess.run([program, "baseline", record], capture_output=True, text=True, check=True).stdout)
    return str(file)


def cases(good, bad):
    """What happens to a gate, in this order: the environment, the exit code, and what must be printed."""
    nobody = good | {"BPCONFORM_AUTHOR_URL": "http://127.0.0.1:9"}
    yield "first", good, 0, ""
    yield "unchanged", good, 0, ""
    yield "broken", bad, 1, BROKEN
    yield "nobody answers", nobody, 3, "cannot be checked"


def known(program, folder, bad):
    """The same defect, but known."""
    subprocess.run(["rm", "-rf", "before"], cwd=folder, check=True)
    yield "known", bad | {"BASELINE": baseline(program, folder, bad)}, 0, "baseline: as expected"


def main(program):
    program = str(pathlib.Path(program).resolve())
    problems = []
    servers = [mock(program), mock(program, "--defect", "agent-disabled")]
    good, bad = (environment(program, serving) for _, serving in servers)
    try:
        for gate in (github, action, gitlab, component, jenkins, kubernetes):
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                accepts = gate is not kubernetes
                all_cases = itertools.chain(cases(good, bad), known(program, folder, bad) if accepts else ())
                for what, values, expected, told in all_cases:
                    status, said = gate(folder, values)
                    right = status == expected and told in said
                    print(f"{gate.__name__}: {what}: exit {status}{'' if right else ', WRONG'}")
                    if not right:
                        problems.append(said[-4000:])
    finally:
        for process, _ in servers:
            process.terminate()
    if problems:
        print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
