"""No permission reaches further than it must, in any region, on any resource."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from canary.review.assembly import Assembly as Reviewed
from canary.review.names import Names
from canary.review.statements import Statement, holders, on_resources
from tests.stacks.assembly import Assembly
from tests.stacks.wildcards import ACTIONS, ANY_RESOURCE, FAMILIES, MANAGED


@pytest.fixture(scope="module")
def given(assembly: Assembly) -> list[tuple[str, Statement]]:
    """Every statement that allows something, with whom or what it is of."""
    return list(_given(Reviewed.read(assembly.path)))


def _given(assembly: Reviewed) -> Iterator[tuple[str, Statement]]:
    for region in assembly.regions:
        names = Names(region)
        named = [
            (f"{each.stack.name}/{each.name}", each.statements) for each in holders(region, names)
        ]
        for label, statements in (*named, *on_resources(region, names)):
            yield from ((f"{region.name}: {label}", each) for each in statements if each.allows)


def is_key(label: str) -> bool:
    """Whether a policy is a key's own."""
    return ": key `" in label


def test_every_resource_is_allowed_only_where_a_page_of_aws_forces_it(
    given: list[tuple[str, Statement]],
) -> None:
    """`*` stands beside listed actions only, and each listed action needs it somewhere."""
    found = {
        action: label
        for label, statement in given
        if "*" in statement.resources
        for action in statement.actions
    }
    unlisted = {action: label for action, label in found.items() if action not in ANY_RESOURCE}
    assert unlisted == {}
    assert sorted(set(ANY_RESOURCE) - set(found)) == []
    assert all(page.startswith("https://docs.aws.amazon.com/") for page in ANY_RESOURCE.values())


def test_a_family_of_resources_is_allowed_only_where_its_members_have_no_names_yet(
    given: list[tuple[str, Statement]],
) -> None:
    """A resource that ends in a wildcard is one of the listed families."""
    used = set()
    for label, statement in given:
        for resource in statement.resources:
            if "*" in resource and resource != "*":
                full = resource.replace("{region}", label.partition(":")[0])
                fitting = {each for each in FAMILIES if re.fullmatch(each, full)}
                assert fitting, f"{label} may act on {resource}"
                used |= fitting
    assert sorted(set(FAMILIES) - used) == []


def test_a_family_of_actions_is_allowed_to_keys_owners_and_senders_only(
    given: list[tuple[str, Statement]],
) -> None:
    """Actions are named one by one; nothing is allowed by saying what is not."""
    used = set()
    for label, statement in given:
        assert not statement.all_but_actions, label
        for action in statement.actions:
            if "*" in action:
                assert action in ACTIONS, f"{label} may {action}"
                assert is_key(label), f"{label} may {action}"
                used.add(action)
    assert sorted(set(ACTIONS) - used) == []


def test_no_managed_policy_is_attached_but_the_listed(assembly: Assembly) -> None:
    """A policy of AWS's own can grow; ours cannot."""
    attached = {
        policy
        for region in Reviewed.read(assembly.path).regions
        for role in holders(region, Names(region))
        for policy in role.managed
    }
    assert attached == set(MANAGED)


def test_nobody_outside_the_account_takes_a_role(assembly: Assembly) -> None:
    """Every role is taken by a service of AWS."""
    for region in Reviewed.read(assembly.path).regions:
        for role in holders(region, Names(region)):
            assert role.trusted
            assert all(each.endswith(".amazonaws.com") for each in role.trusted), role.name
