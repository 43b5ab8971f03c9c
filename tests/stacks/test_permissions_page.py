"""`docs/reference/permissions.md` says what the templates say."""

from __future__ import annotations

from canary.review.assembly import Assembly as Reviewed
from canary.review.permissions import permissions_page
from tests.stacks.assembly import ROOT, Assembly

PAGE = ROOT / "docs" / "reference" / "permissions.md"


def test_the_reference_of_permissions_is_the_templates_own(assembly: Assembly) -> None:
    """A permission that changes shows in the reference within the same commit."""
    found = permissions_page(Reviewed.read(assembly.path))
    assert PAGE.read_text() == found, "run make permissions and read the difference"
