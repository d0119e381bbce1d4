"""Where checkpoints come from: a folder, a folder of revisions, a GGUF file, or a name on the Hugging Face hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, scan_cache_dir, snapshot_download
from huggingface_hub import errors as hub_errors

from leadterm.checkpoints.adapters import ADAPTER_CONFIG, refuse_adapter
from leadterm.checkpoints.revision_names import Revision, needs_listing, select_revisions
from leadterm.corpus.hub_errors import asking_the_hub
from leadterm.corpus.tokenizer_source import PICKLE_SUFFIXES, looks_like_path
from leadterm.errors import InputError

CONFIG_FILE = "config.json"
MAIN = "main"
# What of a model on the hub is asked for: never its pickles, nor the copies of its weights for other programs.
_WANTED = [CONFIG_FILE, "generation_config.json", "model.safetensors", "model.safetensors.index.json"]
_WANTED += ["model-*.safetensors", "tokenizer.json", ADAPTER_CONFIG]
_CHOOSE = "Choose a branch, tag or commit listed on its page, under 'Files and versions'."
_INSTEAD = "the path of a folder with config.json and safetensors"


@dataclass(frozen=True)
class Place:
    """A checkpoint on this machine.

    Attributes
    ----------
    source
        What was asked for.
    revision
        Which state of it.
    path
        A folder with config.json, or a GGUF file.
    """

    source: str
    revision: Revision
    path: Path

    def __str__(self) -> str:
        return f"{self.source} at revision {self.revision.name!r}" if self.source != str(self.path) else self.source

    @property
    def is_gguf(self) -> bool:
        """Whether it is a GGUF file."""
        return self.path.is_file()


def find_revisions(source: str | Path, wanted: str | Sequence[str] | None = None) -> list[Revision]:
    """Find which revisions of a model are meant.

    Parameters
    ----------
    source
        A folder that holds a model, or one folder for each revision; a GGUF file; a name on the hub.
    wanted
        A name, a range of steps such as ``step1..step512``, ``all``, or a list of these; None for the model as such,
        which on the hub is the branch ``main``. Names on the hub are looked up when they are opened, ranges and ``all``
        at once: in the local cache where the hub is out of reach.

    Returns
    -------
    list of Revision
        By step.

    Raises
    ------
    InputError
        If there are no such revisions, or the hub is out of reach.
    """
    path = _existing(source)
    if path is None:
        name = str(source)
        if wanted is None or not needs_listing(wanted):
            names = [wanted or MAIN] if isinstance(wanted, str | None) else list(wanted)
            return select_revisions(names, names, name)
        return select_revisions(_on_hub(name), wanted, name)
    own = _own_revision(path)
    if own is not None:
        return [own] if wanted is None else select_revisions([own.name], wanted, str(source))
    names = [folder.name for folder in _revision_folders(path)]
    if wanted is None:
        raise InputError(
            f"{path}: expected the folder of a model; found a folder of {len(names)} revisions, such as {names[0]!r}. "
            "Specify which ones: 'all', a range such as 'step1..step512', or names."
        )
    return select_revisions(names, wanted, str(source))


def locate(source: str | Path, revision: str | None = None) -> Place:
    """Bring one revision of a model onto this machine, if it is not here.

    Raises
    ------
    InputError
        If there is no such path, hub name or revision, the hub is out of reach, or it is a pickle.
    """
    if revision is not None and needs_listing(revision):
        raise InputError(f"{source}: expected one revision; found {revision!r}. Open the revisions one at a time.")
    path = _existing(source)
    if path is None:
        return _download(str(source), revision or MAIN)
    (found,) = find_revisions(path, revision)
    here = path if _own_revision(path) else path / found.name
    return Place(str(source), found, here)


def _existing(source: str | Path) -> Path | None:
    """Return the path that is meant; None if a name on the hub is."""
    path = Path(source).expanduser()
    if path.exists():
        return path
    if isinstance(source, Path) or looks_like_path(source) or path.suffix in (*PICKLE_SUFFIXES, ".safetensors"):
        raise InputError(
            f"{path}: there is no such file or folder; expected a folder with {CONFIG_FILE} and safetensors, or a GGUF "
            "file. Check the path; for the Hugging Face hub, give a name such as 'EleutherAI/pythia-1.4b'."
        )
    return None


def _own_revision(path: Path) -> Revision | None:
    """Return the revision of a path that holds one model; None if it is a folder of revisions."""
    if path.is_file():
        _check_file(path)
        return Revision.named(path.stem)
    if (path / CONFIG_FILE).is_file():
        return Revision.named(path.resolve().name)
    if not _revision_folders(path):
        for folder in (path, *sorted(folder.parent for folder in path.glob(f"*/{ADAPTER_CONFIG}"))):
            refuse_adapter(folder, str(folder))
        names = sorted(entry.name for entry in path.iterdir())
        found = f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else "nothing"
        raise InputError(
            f"{path}: expected a folder with {CONFIG_FILE} and safetensors, as save_pretrained writes it, or one that "
            f"holds such folders; found {found}. Name the folder of a model."
        )
    return None


def _revision_folders(path: Path) -> list[Path]:
    return sorted(folder.parent for folder in path.glob(f"*/{CONFIG_FILE}"))


def _check_file(path: Path) -> None:
    if path.suffix == ".gguf":
        return
    if path.suffix in PICKLE_SUFFIXES:
        raise InputError(f"{path}: {refused_pickle()}")
    raise InputError(
        f"{path}: expected a folder with {CONFIG_FILE} and safetensors, or a GGUF file; found a file that ends with "
        f"{path.suffix!r}. Name the folder that contains it."
    )


def refused_pickle() -> str:
    """Say why a pickle of weights is not opened, and what to do."""
    return (
        "found weights in a pickle. Loading a pickle runs the code inside it, so leadterm never does it. "
        "Choose a revision with safetensors, or, if you trust the file, save the model again with transformers: "
        "AutoModelForCausalLM.from_pretrained(folder).save_pretrained(other_folder)."
    )


def _download(name: str, revision: str) -> Place:
    wanted = f"the model {name!r} at revision {revision!r}"
    with asking_the_hub(wanted, _CHOOSE, _INSTEAD):
        folder = snapshot_download(name, revision=revision, allow_patterns=_WANTED)
    return Place(name, Revision.named(revision), Path(folder))


def _on_hub(name: str) -> list[str]:
    """List branches and tags; those of the local cache where the hub is out of reach."""
    wanted = f"the revisions of the model {name!r}"
    with asking_the_hub(wanted, _CHOOSE, _INSTEAD):
        try:
            refs = HfApi().list_repo_refs(name)
        except (hub_errors.HFValidationError, hub_errors.HfHubHTTPError):
            raise
        except Exception as error:  # offline, or whatever the connection broke with
            cached = _in_cache(name)
            if not cached:
                raise hub_errors.OfflineModeIsEnabled(str(error)) from error
            return cached
    return [ref.name for ref in [*refs.branches, *refs.tags]]


def _in_cache(name: str) -> list[str]:
    if not Path(constants.HF_HUB_CACHE).is_dir():
        return []
    repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    models = [repository for repository in repositories if repository.repo_type == "model"]
    return sorted(ref for model in models if model.repo_id == name for ref in model.refs)
