"""Data sets on the Hugging Face hub: their URLs, and the commit at which their files are listed and read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from leadterm.errors import InputError
from leadterm.storage.hub_filesystem import asking_for_files

SCHEME = "hf://"
COMMIT = re.compile(r"[0-9a-f]{40}")
_PATH = re.compile(
    r"hf://datasets/(?P<repo>[^/@\s]+/[^/@\s]+)"
    r"(?:@(?P<revision>refs/(?:convert/[\w.-]+|pr/\d+)(?=/|$)|[^/]+))?(?:/(?P<path>.*))?"
)


@dataclass(frozen=True)
class HubPath:
    """A place in a data set of the hub.

    Attributes
    ----------
    repo
        Owner and name.
    revision
        A branch, a tag or a commit; None: the main branch.
    path
        From the data set's root; it may be a pattern.
    """

    repo: str
    revision: str | None
    path: str

    @classmethod
    def of(cls, url: str) -> "HubPath":
        """Take a URL apart.

        Raises
        ------
        InputError
            If it names no data set.

        Examples
        --------
        >>> HubPath.of("hf://datasets/owner/name@refs/convert/parquet/en/*.parquet")
        HubPath(repo='owner/name', revision='refs/convert/parquet', path='en/*.parquet')
        """
        found = _PATH.fullmatch(url)
        if found is None:
            raise InputError(
                f"{url} does not name a dataset on the Hugging Face hub; expected hf://datasets/owner/name, "
                "hf://datasets/owner/name@revision or a path below it. Check corpus.paths in the config."
            )
        revision = found["revision"]
        return cls(found["repo"], unquote(revision) if revision else None, (found["path"] or "").strip("/"))

    @property
    def url(self) -> str:
        """The place as a URL."""
        revision = "" if self.revision is None else f"@{quote(self.revision, safe='/' if _is_special(self) else '')}"
        return f"{SCHEME}datasets/{self.repo}{revision}{'/' if self.path else ''}{self.path}"

    @property
    def name(self) -> str:
        """What stays the same when the revision is another: for telling whether a file was counted."""
        return HubPath(self.repo, None, self.path).url

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, whose files never change."""
        return self.revision is not None and COMMIT.fullmatch(self.revision) is not None


def is_on_hub(path: str) -> bool:
    """Say whether a path of the config lies on the hub."""
    return path.startswith(SCHEME)


def pin_revision(path: str) -> str:
    """Write a URL of the hub with the commit that its revision is now.

    Raises
    ------
    InputError
        If there is no such data set or revision, this account may not read it, or the hub is out of reach.
    """
    place = HubPath.of(path)
    if place.is_pinned:
        return place.url
    with asking_for_files(path):
        commit = _api().dataset_info(place.repo, revision=place.revision).sha
    if commit is None or not COMMIT.fullmatch(commit):
        raise InputError(
            f"{path}: the hub's answer for this revision is not a commit but {commit!r}. Name a commit yourself."
        )
    return HubPath(place.repo, commit, place.path).url


def pin_revisions(paths: Iterable[str]) -> list[str]:
    """Write the URLs of the hub among paths with commits; those of one data set and revision get the same.

    Raises
    ------
    InputError
        As `pin_revision`.
    """
    commits: dict[tuple[str, str | None], str | None] = {}
    pinned = []
    for path in paths:
        if not is_on_hub(path):
            pinned.append(path)
            continue
        place = HubPath.of(path)
        key = (place.repo, place.revision)
        if key not in commits:
            commits[key] = HubPath.of(pin_revision(path)).revision
        pinned.append(HubPath(place.repo, commits[key], place.path).url)
    return pinned


def _is_special(place: HubPath) -> bool:
    """Say whether a revision is one of those with slashes that the hub itself makes."""
    return place.revision is not None and place.revision.startswith("refs/")


def _api() -> Any:
    """Open the hub's client; endpoint and token come from the usual places, such as HF_ENDPOINT and HF_TOKEN."""
    from huggingface_hub import HfApi  # noqa: PLC0415  # slow to import, and for few corpora

    return HfApi()
