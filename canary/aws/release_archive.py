"""The archive that a deployment of an image is made from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

__all__ = ["app_spec", "release_archive"]

_ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can state: the same content gives the same bytes."""


def app_spec(*, container: str, port: int, hook: str) -> dict[str, Any]:
    """What CodeDeploy is to do: `hook` is called once the test listener shows the new tasks.

    The pipeline puts the revision that it registers in the place of `<TASK_DEFINITION>`.
    """
    service = {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": "<TASK_DEFINITION>",
            "LoadBalancerInfo": {"ContainerName": container, "ContainerPort": port},
        },
    }
    return {
        "version": 0.0,
        "Resources": [{"TargetService": service}],
        "Hooks": [{"AfterAllowTestTraffic": hook}],
    }


def release_archive(definition: Mapping[str, Any], spec: Mapping[str, Any]) -> bytes:
    """`taskdef.json` and `appspec.yaml`, zipped. JSON is YAML too."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, document in (("taskdef.json", definition), ("appspec.yaml", spec)):
            text = json.dumps(document, indent=2, sort_keys=True)
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), text)
    return content.getvalue()
