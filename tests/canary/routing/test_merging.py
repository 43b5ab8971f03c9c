"""Two versions of one unit's record: no draw is taken away, no conversation forgotten."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from canary.routing.assignment import CONVERSATIONS_KEPT, Assignment, Seen
from canary.routing.merging import merge

UNDRAWN = Assignment("u1", conversations={"c1": Seen("control")})
DRAWN = Assignment(
    "u1",
    arm="canary",
    p_canary=0.25,
    assigned_at=10.0,
    test_id="t1",
    stage=2,
    stratum="faq",
    conversations={"c2": Seen("canary", "t1")},
)

ARMS = st.sampled_from(["control", "canary"])
SEEN = st.builds(Seen, ARMS, st.sampled_from([None, "t1", "t2"]), st.booleans())
CONVERSATIONS = st.dictionaries(
    st.sampled_from([f"c{number}" for number in range(12)]), SEEN, max_size=CONVERSATIONS_KEPT
)
RECORDS = st.one_of(
    st.builds(Assignment, st.just("u1"), conversations=CONVERSATIONS),
    st.builds(
        Assignment,
        st.just("u1"),
        arm=ARMS,
        p_canary=st.floats(0.01, 1),
        assigned_at=st.floats(1, 1e6),
        test_id=st.sampled_from(["t1", "t2"]),
        reassigned_at=st.one_of(st.none(), st.floats(1, 1e6)),
        conversations=CONVERSATIONS,
    ),
)


def test_a_turn_that_knew_of_no_draw_takes_none_away() -> None:
    """The cache was lost when it began, or the draw came while it waited for the model."""
    both = merge(UNDRAWN, DRAWN, "c1")
    assert (both.arm, both.p_canary, both.test_id, both.stratum) == ("canary", 0.25, "t1", "faq")
    assert both.conversations == {"c2": Seen("canary", "t1"), "c1": Seen("control")}


def test_a_conversation_that_moved_unseen_stays_in_the_test_that_drew_it() -> None:
    """Its outcome is still the drawn arm's; who serves it is what the turn says."""
    lost = Assignment("u1", conversations={"c2": Seen("control", None, moved=True)})
    both = merge(lost, DRAWN, "c2")
    assert both.conversations["c2"] == Seen("control", "t1", moved=True)
    assert both.arm_of("c2") == "canary"


def test_the_later_draw_is_the_units() -> None:
    """A turn of the test before that ends late does not bring its arm back."""
    later = replace(DRAWN, arm="control", test_id="t2", assigned_at=20.0, p_canary=0.05)
    for mine, held in ((DRAWN, later), (later, DRAWN)):
        assert merge(mine, held, "c2").test_id == "t2"


@given(RECORDS, RECORDS, SEEN)
def test_merging_keeps_the_turns_conversation_and_as_many_others_as_a_record_holds(
    mine: Assignment, held: Assignment, served: Seen
) -> None:
    """Whatever meets: the newest stays, no more than eight are kept, the others are the cache's."""
    mine = replace(
        mine, conversations={**dict(list(mine.conversations.items())[1:]), "now": served}
    )
    both = merge(mine, held, "now")
    assert list(both.conversations)[-1] == "now"
    assert both.conversations["now"] == served
    assert len(both.conversations) <= CONVERSATIONS_KEPT
    others = {key: each for key, each in both.conversations.items() if key != "now"}
    assert all(each == held.conversations.get(key, each) for key, each in others.items())
    assert (both.assigned_at or 0) == max(mine.assigned_at or 0, held.assigned_at or 0)


@given(RECORDS)
def test_merging_a_record_with_itself_changes_nothing_but_the_order(record: Assignment) -> None:
    """A save that is repeated is harmless."""
    for conversation in record.conversations:
        assert merge(record, record, conversation) == record
