"""Which revisions of which checkpoints are scored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from leadterm.checkpoints import find_revisions, require_readable
from leadterm.checkpoints.locate import CONFIG_FILE, locate
from leadterm.checkpoints.same_vocabulary import check_same_vocabulary
from leadterm.config import AlignmentSection
from leadterm.corpus import load_tokenizer
from leadterm.errors import InputError
from leadterm.language_model import PRETRAINED
from leadterm.storage import Location, read_manifest
from leadterm.storage.formats.alignment_table import product_of
from leadterm.storage.integrity.verified_reader import verify_file


@dataclass(frozen=True)
class Wanted:
    """A revision that is to be scored.

    Attributes
    ----------
    model
        What the table calls it.
    source, revision
        What `open_checkpoint` takes.
    step
        The training step that its name tells, or None.
    allow_zeros
        Whether matrices may be 0 throughout.
    is_own
        Whether it was trained on the run, and its source is a folder of the run.
    """

    model: str
    source: str
    revision: str
    step: int | None
    allow_zeros: bool
    is_own: bool = False

    def __str__(self) -> str:
        return f"{self.model} at {self.revision!r}"

    @property
    def product(self) -> str:
        """Where its scores are kept."""
        return product_of(self.model, self.revision)

    def path(self, run: Location) -> str:
        """Where `open_checkpoint` finds it."""
        return (run / self.source).path if self.is_own else self.source

    def settings(self, section: AlignmentSection) -> dict[str, object]:
        """All that its scores depend on, beside weights and statistics; what only says where to compute is left out."""
        unused = set() if section.shuffled else {"shuffled_seed"}
        shared = section.model_dump(mode="json", exclude={"checkpoints", "device", "at_once"} | unused)
        return {**asdict(self), **shared}

    def verify_files(self, run: Location) -> None:
        """Compare the files of a revision that was trained on the run with what its manifest says.

        Raises
        ------
        RunError
            Names the file that is damaged.
        """
        manifest = read_manifest(run, PRETRAINED) if self.is_own else None
        for entry in manifest.files if manifest else ():
            if entry.name.startswith(f"{self.revision}/"):
                verify_file(run, PRETRAINED, entry)

    def hash_files(self, run: Location) -> str | None:
        """Hash its files, if they lie on this machine; None for a model on the hub, whose name says what it is.

        With the same files it has the same weights, so that it need not be loaded to know that its scores are current.
        """
        path = Path(self.path(run)).expanduser()
        if not path.exists():
            return None
        folder = path if path.is_file() or (path / CONFIG_FILE).is_file() else path / self.revision
        files = [folder] if folder.is_file() else sorted([folder / CONFIG_FILE, *folder.glob("*.safetensors")])
        lines = (f"{file.name} {Location.of(file).sha256()}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def wanted_revisions(section: AlignmentSection, run: Location) -> list[Wanted]:
    """List the revisions that are scored: of the section's checkpoints, and of what was trained on the run.

    Raises
    ------
    InputError
        If there are none, a checkpoint or revision is not there, or none of a checkpoint could be opened.
    """
    own = own_revisions(run)
    if own and any(model.label == PRETRAINED for model in section.checkpoints):
        raise InputError(
            f"alignment.checkpoints names a model '{PRETRAINED}', which is the name of the model trained "
            "on the run. Give it another name."
        )
    found = [*named_revisions(section), *own]
    if not found:
        raise InputError(
            "there is no checkpoint to compare with the corpus. Name some in alignment.checkpoints, or train one on "
            "the run's windows with `leadterm pretrain`."
        )
    return found


def named_revisions(section: AlignmentSection) -> list[Wanted]:
    """List the revisions of a section's checkpoints.

    Raises
    ------
    InputError
        If a checkpoint or revision is not there, or none of a checkpoint on this machine could be opened.
    """
    found = []
    for model in section.checkpoints:
        revisions = find_revisions(model.source, model.revisions)
        require_readable(model.source, revisions)
        found += [Wanted(model.label, model.source, one.name, one.step, model.allow_zeros) for one in revisions]
    return found


def check_vocabularies(wanted: Sequence[Wanted], tokens: Sequence[str]) -> None:
    """Check that checkpoints have the tokenizer of a run: of each model the first revision, without its weights.

    Where the hub does not give the tokenizer now, that is told when the checkpoint is opened.

    Parameters
    ----------
    wanted
        Of a section's checkpoints.
    tokens
        The run's vocabulary, by id.

    Raises
    ------
    InputError
        If a tokenizer is missing, or another one.
    """
    first = {one.source: one for one in reversed(wanted)}
    for source, one in first.items():
        if Path(source).expanduser().exists():
            theirs = load_tokenizer(locate(source, one.revision).path).tokens
        else:
            try:
                theirs = load_tokenizer(source, one.revision).tokens
            except InputError:
                continue
        check_same_vocabulary(tokens, theirs, f"alignment.checkpoints: {one}")


def own_revisions(run: Location) -> list[Wanted]:
    """List the revisions of the model that was trained on the run, if there is one."""
    own = run / PRETRAINED
    if not own.is_local or not any(Path(own.path).glob("step*/config.json")):
        return []
    revisions = find_revisions(own.path, "all")
    return [Wanted(PRETRAINED, PRETRAINED, one.name, one.step, allow_zeros=False, is_own=True) for one in revisions]
