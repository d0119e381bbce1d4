"""Which revisions are meant."""

import pytest

from leadterm.checkpoints.revision_names import Revision, needs_listing, select_revisions
from leadterm.errors import InputError

PYTHIA = ["main", "step0", *(f"step{2**power}" for power in range(10)), "step1000", "step143000"]


def names(wanted, available=PYTHIA) -> list[str]:
    return [revision.name for revision in select_revisions(available, wanted, "a model")]


def message_of(wanted, available=PYTHIA) -> str:
    with pytest.raises(InputError) as caught:
        select_revisions(available, wanted, "a model")
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "step", "series"),
    [
        ("step512", 512, ""),
        ("stage1-step1000-tokens5B", 1000, "stage1-"),
        ("stage2-ingredient3-step1000-tokens5B", 1000, "stage2-ingredient3-"),
        ("phase2_checkpoint_055500", 55500, "phase2_"),
        ("checkpoint-500", 500, ""),
        ("Step_07", 7, ""),
        ("iter_0000010", 10, ""),
        ("main", None, ""),
        ("v1.5", None, ""),
        ("stepwise", None, ""),
    ],
)
def test_the_step_in_a_name(name, step, series):
    assert Revision.named(name) == Revision(name, step)
    assert Revision.named(name).series == series


def test_names_ranges_and_all():
    assert names("main") == ["main"]
    assert names("step0..step8") == names("step0..step15") == PYTHIA[1:6]
    assert names("step3..step100") == ["step4", "step8", "step16", "step32", "step64"]
    assert names("all") == PYTHIA[1:]
    assert names(["main", "step1000", "step2..step4", "step4"]) == ["step2", "step4", "step1000", "main"]


def test_what_needs_a_list_of_what_there_is():
    assert needs_listing("all") and needs_listing(["main", "step1..step4"])
    assert not needs_listing("step1") and not needs_listing(["main", "v1.5"])


def test_a_revision_that_is_not_there():
    message = message_of("step3")
    assert message.startswith("a model: there is no revision 'step3'; there are 14, among them 'step")
    assert message.endswith("Choose from these.")
    assert message_of("step3", []).endswith("it has no revisions. Give the model without a revision.")
    assert "no revision with a step in its name is in 'step3..step3'; there are 14" in message_of("step3..step3")
    assert "no revision with a step in its name is in 'all'; there are 1, among them 'main'." in message_of(
        "all", ["main"]
    )


@pytest.mark.parametrize("wanted", ["step8..step1", "main..step4", "step4..", ".."])
def test_a_range_without_two_ends(wanted):
    assert (
        f"two ends with a step in their names, the smaller one first, such as 'step1..step512'; found {wanted!r}."
        in (message_of(wanted))
    )


def test_two_revisions_of_one_step():
    twins = ["step1", "step1-again", "step2"]
    message = message_of("all", twins)
    assert "'all' contains two revisions of step 1, 'step1' and 'step1-again'. List the revisions" in message
    assert "'step1..step2' contains two revisions of step 1" in message_of("step1..step2", twins)
    assert names(["step1", "step1-again"], twins) == ["step1", "step1-again"]


STEPS = (1000, 2000, 3000)
STAGES = ["main", *(f"stage{stage}-step{step}-tokens{step}B" for stage in (1, 2) for step in STEPS)]


def test_stages_count_their_steps_anew():
    assert names("all", STAGES) == [f"stage{stage}-step{step}-tokens{step}B" for step in STEPS for stage in (1, 2)]
    assert names("stage1-step1000..stage1-step2000", STAGES) == STAGES[1:3]
    assert names("stage2-step1500..stage2-step3000", STAGES) == STAGES[5:]
    both = ["stage2-step1000..stage2-step1000", "stage1-step3000..stage1-step9999"]
    assert names(both, STAGES) == [STAGES[4], STAGES[3]]
    assert names("step1..step9999", [*STAGES, "step5"]) == ["step5"], "the stages have names of their own"


def test_a_range_that_holds_nothing_of_its_stage():
    assert "is in 'stage3-step1..stage3-step9'; there are 7" in message_of("stage3-step1..stage3-step9", STAGES)
    assert "is in 'step1..step9999'; there are 7" in message_of("step1..step9999", STAGES)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("stage1-step1000..stage2-step2000", "found 'stage1-' and 'stage2-' in"),
        ("stage1-step1000..step2000", "found 'stage1-' and '' in"),
        ("stage2-step9..stage1-step1", "found 'stage2-' and 'stage1-' in"),
    ],
)
def test_a_range_over_two_stages(wanted, found):
    message = message_of(wanted, STAGES)
    assert message.startswith(
        "a model: the names at both ends of a range must have the same prefix, because steps restart"
    )
    assert message.endswith(f"{found} {wanted!r}. List a range for each stage.")
