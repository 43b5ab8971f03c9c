"""What a function carries when it imports the detector."""

from __future__ import annotations

from stacks.packaging import ROOT, _closure


def test_a_function_carries_the_data_and_no_labelled_turns() -> None:
    """The catalogue, the facts and the word lists come along; the measuring set stays behind."""
    handler = ROOT / "canary" / "quality" / "detector.py"
    carried = {str(path) for path in _closure([handler], ROOT)}
    for name in ("store_facts.toml", "common_words.toml", "catalogue/titles.jsonl"):
        assert f"canary/quality/{name}" in carried
    assert not any(path.startswith("canary/quality/evaluation") for path in carried)


def test_the_detector_needs_the_standard_library_only() -> None:
    """No module that a function would carry for it imports numpy, scipy or an AWS client."""
    handler = ROOT / "canary" / "quality" / "detector.py"
    sources = [path for path in _closure([handler], ROOT).values() if path.suffix == ".py"]
    assert sources
    for source in sources:
        for package in ("numpy", "scipy", "boto3", "pydantic"):
            assert f"import {package}" not in source.read_text("utf-8")
            assert f"from {package}" not in source.read_text("utf-8")
