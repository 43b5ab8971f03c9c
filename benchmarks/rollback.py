# ruff: noqa: INP001, T201 - a script, whose product is what it prints
"""How fast a rollback is, and what a cold start of its function pays for our own code.

`make bench-rollback` prints JSON on its last line: `import_ratio` is the time to import the staged
handler over that of `import boto3` with the same clients, the median of pairs of fresh interpreters
that take turns; `safe_p50_ms` and `safe_p99_ms` are the times from the alarm to safe weights of
rollbacks under load in an embedded region, `canary_requests_after_safe` how many of these met the
canary once more. Exit status 1 if one did.
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

from benchmarks.consecutive_rollbacks import measure
from stacks.packaging import stage_function

PAIRS, ROLLBACKS = 15, 50
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


def main() -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of imports")
    parser.add_argument("--rollbacks", type=int, default=ROLLBACKS, help="one after the other")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = stage_function("rollback", build=Path(folder))
        size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        print(f"package: {size / 1024:.0f} KB")
        ratio = round(import_ratio(package, given.pairs), 3)
        print(f"import: {ratio} of the SDK's with the same clients", flush=True)
    measured = measure(given.rollbacks, given.seed)
    print(json.dumps({"import_ratio": ratio} | measured))
    return int(measured["canary_requests_after_safe"] > 0)


if __name__ == "__main__":
    sys.exit(main())
