# ruff: noqa: INP001 - a script beside the others
"""What a cold start of the rollback function pays for our own code, and how big its package is.

`make bench-rollback` prints JSON on its last line: `import_ratio` is the time to import the staged
handler over that of `import boto3` with the same clients, the median of pairs of fresh interpreters
that take turns. The two latencies, alarm to safe traffic, are measured by 50 rollbacks under load
in the embedded region: that run's file is given with `--latencies`; without it they are null.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from stacks.packaging import stage_function

PAIRS = 15
_SDK = """
import boto3
from botocore.config import Config
for service, connect, read, attempts in {clients!r}:
    boto3.client(service, config=Config(
        connect_timeout=connect, read_timeout=read,
        retries={{"total_max_attempts": attempts, "mode": "standard"}},
    ))
"""
_CLIENTS = (
    ("dynamodb", 0.3, 0.3, 1),
    ("elbv2", 0.3, 0.3, 1),
    ("elbv2", 2, 3, 3),
    ("dynamodb", 2, 5, 3),
    ("dynamodb", 2, 5, 3),
    ("cloudwatch", 2, 5, 3),
    ("sns", 2, 5, 3),
    ("ssm", 2, 5, 3),
    ("lambda", 2, 5, 3),
    ("stepfunctions", 2, 5, 3),
)
"""The clients of `lambdas/rollback`, in its order: service, time-outs in seconds, attempts."""
_CLOCKED = "import time; a = time.perf_counter()\n{code}\nprint(time.perf_counter() - a)"
_NAMES = (
    *("RELEASES_TABLE", "ROLLBACKS_TABLE", "PARAMETER_PREFIX", "ON_CALL_TOPIC_ARN"),
    *("ML_TOPIC_ARN", "SESSION_FLAG_FUNCTION", "METRICS_NAMESPACE", "RULE_CONTROL_ARN"),
    *("RULE_CANARY_ARN", "RULE_DRAW_ARN", "TARGET_PRIMARY_ARN", "TARGET_CANARY_ARN"),
)


def seconds(code: str, package: Path) -> float:
    """How long `code` takes in a new interpreter that finds the function's package."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    own = dict.fromkeys((*_NAMES, *keys), "x") | {"AWS_DEFAULT_REGION": "us-east-1"}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", _CLOCKED.format(code=code)],
        cwd=package,
        env=environment | own,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


def import_ratio(package: Path, pairs: int) -> float:
    """Our import over the SDK's, the median of pairs measured one right after the other."""
    sdk = _SDK.format(clients=_CLIENTS)
    for code in (sdk, "import handler"):  # the first run of each writes its bytecode
        seconds(code, package)
    ratios = [seconds("import handler", package) / seconds(sdk, package) for _ in range(pairs)]
    return statistics.median(ratios)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument(
        "--latencies", type=Path, help='JSON file {"safe_p50_ms": ..., "safe_p99_ms": ...}'
    )
    given = parser.parse_args()
    known = json.loads(given.latencies.read_text()) if given.latencies else {}
    with tempfile.TemporaryDirectory() as folder:
        package = stage_function("rollback", build=Path(folder))
        size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        print(f"package: {size / 1024:.0f} KB")  # noqa: T201 - a command's output
        result = {"import_ratio": round(import_ratio(package, given.pairs), 3)}
    result |= {name: known.get(name) for name in ("safe_p50_ms", "safe_p99_ms")}
    print(json.dumps(result))  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
