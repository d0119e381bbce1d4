"""Which revisions of a model are meant: names, lists of names, ranges of steps, or all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from leadterm.errors import InputError

EVERYTHING = "all"
RANGE = ".."
_STEP = re.compile(r"(?:step|checkpoint|iter)[-_]?(\d+)", re.IGNORECASE)
_LISTED = 8


@dataclass(frozen=True)
class Revision:
    """A state of a model that was published.

    Attributes
    ----------
    name
        Branch, tag or commit on the hub; the name of a folder.
    step
        The training step that the name tells, or None.

    Examples
    --------
    >>> Revision.named("stage1-step1000-tokens5B")
    Revision(name='stage1-step1000-tokens5B', step=1000)
    """

    name: str
    step: int | None

    @property
    def series(self) -> str:
        """What the name says before the step, such as ``stage1-``: steps are counted anew in each. Else empty."""
        found = _STEP.search(self.name)
        return self.name[: found.start()] if found else ""

    @property
    def count(self) -> int:
        """The step; 0 where the name tells none."""
        return self.step or 0

    @classmethod
    def named(cls, name: str) -> "Revision":
        """Read the step out of a name: the digits after ``step``, ``checkpoint`` or ``iter``."""
        found = _STEP.search(name)
        return cls(name, int(found[1]) if found else None)


def needs_listing(wanted: str | Sequence[str]) -> bool:
    """Whether it takes a list of what there is to know which revisions are meant: ``all`` and ranges do."""
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(name == EVERYTHING or RANGE in name for name in names)


def select_revisions(available: Sequence[str], wanted: str | Sequence[str], source: str) -> list[Revision]:
    """Choose revisions.

    Parameters
    ----------
    available
        The names of those there are.
    wanted
        A name; a range of steps with both ends, such as ``step1..step512`` or ``stage1-step1000..stage1-step9000``,
        of those whose names begin alike; ``all``, which means all that have a step in their name; or a list of any of
        these.
    source
        The model, for messages.

    Returns
    -------
    list of Revision
        Each once, by step; those without a step last, by name.

    Raises
    ------
    InputError
        If a name is not there, a range or ``all`` holds none, or two that were chosen by step share it and what their
        names say before.

    Examples
    --------
    >>> found = select_revisions(["main", "step8", "step1", "step64"], "step1..step8", "a model")
    >>> [revision.name for revision in found]
    ['step1', 'step8']
    """
    offered = [Revision.named(name) for name in available]
    chosen: dict[str, Revision] = {}
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if name == EVERYTHING or RANGE in name:
            found = _in_range(offered, name, source)
        else:
            found = [_one(offered, name, source)]
        chosen.update((revision.name, revision) for revision in found)
    return sorted(chosen.values(), key=lambda one: (one.step is None, one.count, one.name))


def _one(offered: Sequence[Revision], name: str, source: str) -> Revision:
    for revision in offered:
        if revision.name == name:
            return revision
    raise InputError(f"{source}: there is no revision {name!r}{_there_is(offered, name)}")


def _in_range(offered: Sequence[Revision], name: str, source: str) -> list[Revision]:
    found = [revision for revision in offered if revision.step is not None]
    if name != EVERYTHING:
        first, last = _ends(name, source)
        found = [one for one in found if one.series == first.series and first.count <= one.count <= last.count]
    if not found:
        raise InputError(f"{source}: no revision with a step in its name is in {name!r}{_there_is(offered, name)}")
    names: dict[tuple[str, int | None], str] = {}
    for revision in found:
        other = names.setdefault((revision.series, revision.step), revision.name)
        if other != revision.name:
            raise InputError(
                f"{source}: {name!r} contains two revisions of step {revision.step}, {other!r} and {revision.name!r}. "
                "List the revisions by name."
            )
    return found


def _ends(name: str, source: str) -> tuple[Revision, Revision]:
    first, last = (Revision.named(end) for end in name.split(RANGE, 1))
    if first.step is None or last.step is None or (first.series == last.series and first.step > last.step):
        raise InputError(
            f"{source}: a range of revisions needs two ends with a step in their names, the smaller one first, such as "
            f"'step1..step512'; found {name!r}."
        )
    if first.series != last.series:
        raise InputError(
            f"{source}: the names at both ends of a range must have the same prefix, because steps restart in "
            f"each stage of a training; found {first.series!r} and {last.series!r} in {name!r}. List a range for each "
            "stage."
        )
    return first, last


def _there_is(offered: Sequence[Revision], name: str) -> str:
    names = [revision.name for revision in offered]
    if not names:
        return "; it has no revisions. Give the model without a revision."
    alike = get_close_matches(name, names, n=_LISTED) or names[:_LISTED]
    return f"; there are {len(names):,}, among them {', '.join(map(repr, alike))}. Choose from these."
