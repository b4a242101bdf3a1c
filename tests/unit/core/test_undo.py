"""Which deletions can be taken back, in which order, with what, and what is said of the rest."""

from collections.abc import Sequence
from datetime import timedelta

from reconciler.core.history import deletions
from reconciler.core.undo import UndoInput, UndoRequest, narrow_restorations, plan_restorations
from reconciler.model.inventory import Version
from reconciler.model.names import Mention, Tag
from reconciler.model.plan import RepositoryPlan
from tests.support.inventories import WEB, deleted, digest, name_of
from tests.support.journals import Book, ago, change, number, spelled
from tests.support.time import NOON

SIGNED = f"sha256-{digest('build')[7:]}.sig"
BUILD = (
    change("sig", SIGNED),
    change("build", "pr-7", lists=["arm", "amd"]),
    change("arm"),
    change("amd"),
)
EVERYTHING = ("sig", "build", "arm", "amd", "lone")


def book() -> Book:
    """Delete a signed build for two platforms, and a lone image."""
    written = Book()
    written.deleted("run-1", 3, *BUILD, change("lone", "pr-8"))
    return written


def remains(
    written: Book,
    held: Sequence[str] = EVERYTHING,
    live: Sequence[Version] = (),
    *,
    window: timedelta | None = timedelta(days=30),
) -> UndoInput:
    """Say what the registry still holds, and what is there."""
    return UndoInput(
        repository=WEB,
        deletions=deletions(written.records),
        restorable={number(name): Version(digest(name), id=number(name)) for name in held},
        live={version.digest: version for version in live},
        now=NOON,
        window=window,
    )


def there(name: str, *tags: str) -> Version:
    """Have a version in the registry."""
    return Version(digest(name), tuple(map(Tag, tags)), id=number(name))


def drawn(
    ground: UndoInput, only: str = "", *, run: str = "run-1", retag: bool = False
) -> RepositoryPlan:
    """Plan what to restore of a run."""
    mention = Mention.parse(only) if only else Mention()
    return plan_restorations(ground, UndoRequest(run, mention, retag))


def test_the_last_deleted_comes_back_first() -> None:
    assert deleted(drawn(remains(book()))) == ["lone", "amd", "arm", "build", "sig"]


def test_each_change_says_how_long_it_can_be_restored_and_why_it_was_deleted() -> None:
    change = drawn(remains(book())).changes[0]

    assert change.action == "restore"
    assert change.until == ago(-27)
    assert change.reasons == ("previews: age 9d vs within 7d",)


def test_a_registry_that_tells_no_window_leaves_the_time_open() -> None:
    assert drawn(remains(book(), window=None)).changes[0].until is None


def test_an_image_brings_its_children_and_what_speaks_of_it() -> None:
    assert deleted(drawn(remains(book()), "pr-7")) == ["amd", "arm", "build", "sig"]


def test_a_child_or_a_signature_brings_nothing_else() -> None:
    assert deleted(drawn(remains(book()), digest("amd"))) == ["amd"]
    assert deleted(drawn(remains(book()), SIGNED)) == ["sig"]


def test_what_another_run_deleted_of_the_image_comes_back_with_it() -> None:
    written = Book()
    written.deleted("run-1", 3, BUILD[0], BUILD[1])
    written.deleted("run-2", 2, BUILD[2], BUILD[3], change("lone"))

    assert deleted(drawn(remains(written))) == ["amd", "arm", "build", "sig"]


def test_what_stands_deleted_by_a_later_run_is_that_runs_to_undo() -> None:
    written = book()
    written.restored("undo-1", 2, "lone")
    written.deleted("run-2", 1, change("lone", "pr-8"))

    assert "lone" not in deleted(drawn(remains(written)))
    assert deleted(drawn(remains(written), run="run-2")) == ["lone"]


def test_what_is_there_again_needs_no_restoration() -> None:
    plan = drawn(remains(book(), live=[there("lone", "pr-8")]))

    assert "lone" not in deleted(plan)
    assert plan.warnings == ()


def test_a_child_that_is_there_completes_its_index() -> None:
    plan = drawn(remains(book(), held=("build", "arm", "sig"), live=[there("amd")]), "pr-7")

    assert deleted(plan) == ["arm", "build", "sig"]


def test_an_image_with_a_hole_and_what_speaks_of_it_are_left_out() -> None:
    plan = drawn(remains(book(), held=("sig", "build", "arm", "lone")))

    assert deleted(plan) == ["lone", "arm"]
    assert spelled(plan.warnings, *EVERYTHING) == [
        "build cannot be restored: a manifest that it lists cannot be restored",
        "sig cannot be restored: its subject cannot be restored",
        "amd cannot be restored: the registry can no longer restore it",
    ]


def test_a_closed_window_is_said_to_be_closed() -> None:
    written = Book()
    written.deleted("run-1", 30, change("a"), change("b"))

    plan = drawn(remains(written, held=()))

    assert spelled(plan.warnings, "a", "b") == [
        "2 versions, such as b, cannot be restored: the registry keeps deleted versions for 30 days"
    ]


def test_what_the_registry_still_holds_beyond_its_window_is_tried() -> None:
    written = Book()
    written.deleted("run-1", 31, change("a"))

    assert deleted(drawn(remains(written, held=["a"]))) == ["a"]


def test_a_tag_on_another_image_is_a_conflict_and_no_obstacle() -> None:
    plan = drawn(remains(book(), live=[there("newer", "pr-8")]), "pr-8")

    assert deleted(plan) == ["lone"]
    assert spelled(plan.warnings, "lone", "newer") == [
        "tag pr-8 of lone now points to newer, and stays there"
    ]


def test_a_version_that_is_there_without_its_tag_is_planned_only_to_attach_it() -> None:
    written = book()
    written.restored("undo-1", 1, *EVERYTHING)
    live = [*(there(name) for name in EVERYTHING if name != "sig"), there("sig", SIGNED)]

    plain = drawn(remains(written, live=live))
    retagging = drawn(remains(written, live=live), retag=True)

    assert deleted(plain) == []
    assert deleted(retagging) == ["lone", "build"]


def test_a_tag_that_is_taken_is_not_attached() -> None:
    live = [there("lone"), there("newer", "pr-8")]

    assert deleted(drawn(remains(book(), live=live), "pr-8", retag=True)) == []


def test_members_of_one_image_stand_together() -> None:
    plan = drawn(remains(book()), "pr-7")

    assert {change.component for change in plan.changes} == {1}


def test_a_plan_is_held_against_what_is_there_now() -> None:
    plan = drawn(remains(book()))
    later = remains(book(), held=("sig", "build", "arm"), live=[there("lone", "pr-8")])

    work, dropped = narrow_restorations(plan, later, retag=False)

    assert [name_of(change.digest) for change in work] == ["arm"]
    assert {name_of(drop.change.digest): str(drop.result) for drop in dropped} == {
        "lone": "skipped_changed",
        "amd": "absent",
        "build": "skipped_referenced",
        "sig": "skipped_referenced",
    }


def test_what_the_journal_does_not_know_is_not_restored() -> None:
    plan = drawn(remains(book()))

    work, dropped = narrow_restorations(plan, remains(Book()), retag=False)

    assert work == ()
    assert {str(drop.result) for drop in dropped} == {"absent"}
