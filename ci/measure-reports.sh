#!/usr/bin/env bash
# What the evidence costs, measured on a release build: 2,000 scenarios run and each report of them rendered (limits: 2 s for
# run.json, HTML and JUnit, 300 MB), and a fleet of twenty mocked Authors, three with a defect (limit: 10 s).
# Needs python3. Usage: [BPCONFORM=PROGRAM] ci/measure-reports.sh
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${BPCONFORM:-}" ] || cargo build --release --quiet --locked
# In a separate process: the compiler's time and memory must not be counted.
python3 - "${BPCONFORM:-target/release/bpconform}" <<'PYTHON'
import json, os, pathlib, resource, shutil, subprocess, sys, tempfile, time

program = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp(prefix="bpconform-measure-"))
missed = []


def limit(what, value, unit, most):
    print(f"{what}: {value:.2f} {unit} (limit {most} {unit})")
    if value >= most:
        missed.append(what)


def timed(*arguments, expected=0, **more):
    began = time.monotonic()
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, **more)
    assert done.returncode == expected, done.stdout[-2000:] + done.stderr
    return time.monotonic() - began


def two_thousand():
    features = folder / "features"
    features.mkdir()
    for file in range(20):
        text = f"@BP-REP-02 @observe @author:configured\nFeature: Part {file}\n"
        for number in range(100):
            text += f"\n  Scenario: All four are enabled, the {file * 100 + number}th time\n"
            text += "    Given the four replication agents of the tenant\n    Then each of them is enabled\n"
        (features / f"{file:02}-part.feature").write_text(text)
    run = folder / "run"
    took = timed("run", "--quiet", "--features", features, "--out", run)
    record = json.loads((run / "run.json").read_text())
    assert len(record["scenarios"]) == 2000
    print(f"2,000 scenarios ran in {took:.1f} s; run.json has {(run / 'run.json').stat().st_size / 1e6:.1f} MB")
    # Each is read from run.json and written, which takes longer than writing alone.
    for form, name in (("json", "run.json"), ("html", "HTML"), ("junit", "JUnit")):
        limit(name, timed("report", form, run, "--out", folder / form), "s", 2)
    limit("memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, "MB", 300)


def fleet():
    defects = {3: "agent-disabled", 11: "three-agents", 17: "connect-timeout-changed"}
    mocks, config, credentials = [], "", {}
    for number in range(1, 21):
        flags = ["--defect", defects[number]] if number in defects else []
        mocks.append(subprocess.Popen([program, "mock", "--json", *flags], stdout=subprocess.PIPE, text=True))
    try:
        for number, mock in enumerate(mocks, 1):
            serving = json.loads(mock.stdout.readline())
            config += f'[target.env-{number:02}]\nauthor_url = "{serving["author"]}"\ntenant_url = "{serving["tenant"]}"\n'
            credentials = {name: str(value) for name, value in serving["credentials"].items()}
        (folder / "fleet.toml").write_text(config)
        run = ("run", "--fleet", folder / "fleet.toml", "--out", folder / "fleet")
        limit("a fleet of twenty", timed(*run, expected=1, env=os.environ | credentials), "s", 10)
        text = (folder / "fleet/fleet.txt").read_text()
        assert "17 of 20 environments conform" in text, text
    finally:
        for mock in mocks:
            mock.terminate()
            mock.wait()


try:
    two_thousand()
    fleet()
finally:
    shutil.rmtree(folder)
sys.exit(f"past the limit: {', '.join(missed)}" if missed else 0)
PYTHON
