"""The manifest of a product: what it was made from, how, by which code, and the hash of each of its files."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from leadterm._version import __version__
from leadterm.errors import RunError
from leadterm.telemetry.stage_metrics import StageMetrics, work_until_now

NAME = "manifest.json"
FORMAT = 1
"""Raised when a product's layout changes so that older readers would misread it."""

SEAL = "sha256"
_END = b"\n}\n"
LARGEST = 256 * 2**20
"""Bytes of a manifest that is read: 30 million row groups of windows, eight trillion tokens, would fit."""
DEEPEST = 32
"""Mappings and lists within each other: several times what any product has."""
_HASH = re.compile(r"[0-9a-f]{64}")
_SEALED = re.compile(rb'(.*),\n "sha256": "([0-9a-f]{64})"' + re.escape(_END), re.DOTALL)
"""A manifest whose last line is the SHA-256 of the manifest as it would be without that line."""


class Known(dict[str, Any]):
    """What a manifest says of something, by name; what it does not say is an error that names the manifest.

    Another version may have written it, which said less.
    """

    told_by = ""

    @classmethod
    def of(cls, mapping: dict[str, Any], told_by: str) -> "Known":
        """Take a mapping, and all mappings in it."""
        known = cls({name: cls.of(one, told_by) if isinstance(one, dict) else one for name, one in mapping.items()})
        known.told_by = told_by
        return known

    def __missing__(self, name: str) -> Any:
        raise RunError(
            f"{self.told_by}, says nothing of '{name}', which leadterm {__version__} reads. Rebuild the "
            "product with --overwrite, or use the version that wrote it."
        )


@dataclass(frozen=True)
class FileEntry:
    """One file of a product.

    Attributes
    ----------
    name
        Inside the product's folder.
    bytes
        Its length.
    sha256
        The hash of its content, in hexadecimal.
    details
        What readers need to plan without opening it, such as the tokens of each row group.
    """

    name: str
    bytes: int
    sha256: str
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "FileEntry":
        """Take an entry out of a manifest, whose text may come from anyone.

        Raises
        ------
        ValueError
            If its name leads out of the product's folder, or a value is of another kind than :meth:`Manifest.to_json`
            writes.
        """
        entry = cls(**fields)
        if not _is_name(entry.name):
            raise ValueError(f"{str(entry.name)[:80]!r} is not the name of a file inside the product's folder")
        is_hash = isinstance(entry.sha256, str) and _HASH.fullmatch(entry.sha256)
        if not (is_hash and _is_count(entry.bytes) and isinstance(entry.details, dict)):
            raise ValueError(f"what it says of {entry.name} is not a length, a SHA-256 and details")
        return entry


@dataclass(frozen=True)
class Manifest:
    """All that is known of a product.

    Attributes
    ----------
    product
        Its name, which is its folder's.
    made_from
        Content hashes of its inputs.
    settings
        Every setting that its bytes depend on.
    counts
        Documents, windows, positions, distinct pairs and the like.
    files
        Its files, by name.
    seconds
        How long its stages took; with the next, ``work`` and ``encoded_by``, all that differs between two runs on the
        same input.
    passing_bytes
        What its stages wrote on the way and deleted: ``partials``, the partial sums, which are the larger the more
        tasks count.
    code_version
        The leadterm that made it.
    withheld
        Whether only this manifest is here, because the run was published without the product's files.
    format
        The layout's number.
    work
        What Spark did in each stage of the job until this product was whole: how many ``tasks`` there were, how many
        tries failed (``failed_tasks``) or were stopped because another was faster (``killed_tasks``), how often a stage
        was run again (``stage_retries``), how long all tasks ran together (``task_seconds``), what was shuffled and
        spilled to disk (``shuffle_bytes``, ``spilled_bytes``), and the most memory until then of any executor's Java
        heap and, where Spark measures it, of its Python processes (``peak_heap_bytes``, ``peak_python_bytes``).
    encoded_by
        Of windows, what gave the ids of a tokenizer.json: the ``engine``, with its version; how many ``hard_texts`` it
        was compared with the tokenizers library on beforehand; how many texts and tokens of the corpus both encoded,
        to the same ids (``compared_texts``, ``compared_tokens``); and how many texts it refused, so that the library
        alone encoded them (``refused_texts``).
    """

    product: str
    made_from: dict[str, Any]
    settings: dict[str, Any]
    counts: dict[str, Any]
    files: tuple[FileEntry, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    passing_bytes: dict[str, int] = field(default_factory=dict)
    code_version: str = __version__
    withheld: bool = False
    format: int = FORMAT
    work: dict[str, StageMetrics] = field(default_factory=work_until_now)
    encoded_by: dict[str, Any] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the names and hashes of the files: equal exactly if the product's bytes are."""
        lines = (f"{entry.name} {entry.sha256}\n" for entry in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def window_counts(self) -> dict[str, Any]:
        """What readers of a matrix need of the windows' accounts, which it repeats."""
        return {key: self.counts[key] for key in ("vocabulary_size", "windows", "positions")}

    @property
    def account_hash(self) -> str:
        """SHA-256 over all that is known of the product but timings, what was written on the way, and `withheld`."""
        known = asdict(replace(self, seconds={}))
        del known["withheld"], known["passing_bytes"], known["work"], known["encoded_by"]
        return hashlib.sha256(_text(known).encode() + b"\n").hexdigest()

    def to_json(self) -> bytes:
        """Write the manifest as text, keys in order of declaration, and last the hash of the text before."""
        known = asdict(self)
        if not self.encoded_by:  # Which earlier versions do not read.
            del known["encoded_by"]
        body = _text(known).encode().removesuffix(_END.rstrip())
        return body + f',\n "{SEAL}": "{_seal(body)}"'.encode() + _END

    @classmethod
    def from_json(cls, data: bytes, source: str) -> "Manifest":
        """Read a manifest back.

        Parameters
        ----------
        data
            What :meth:`to_json` wrote; or a text without a hash of its own, as earlier versions wrote it.
        source
            Its place, for messages.

        Raises
        ------
        RunError
            If the text is no manifest, is not the one that was written, or of a layout this version does not know.
        """
        try:
            if len(data) > LARGEST:
                raise ValueError(f"it has more than {LARGEST:,} bytes")
            fields = json.loads(data)
            if not _is_whole(data, fields):
                raise RunError(
                    f"{source} is damaged: the SHA-256 of its text is not the one in its last line. Fetch the product "
                    "again from an undamaged copy, or remove its folder and rebuild it."
                )
            found = fields["format"]
            if found == FORMAT:
                files = tuple(map(FileEntry.from_fields, fields["files"]))
                return cls(**{"work": {}, **fields, "files": files})._of_known_kinds()._telling(source)
        except RecursionError as error:
            raise RunError(
                f"{source} is not a manifest of leadterm: it is nested too deeply; rebuild the run"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{source} is not a manifest of leadterm ({error}); rebuild the run") from error
        raise RunError(
            f"{source} has format {found}; leadterm {__version__} reads {FORMAT}. Use the version that wrote it."
        )

    def _of_known_kinds(self) -> "Manifest":
        """Refuse fields of another kind than they were written in: readers make arrays of these sizes."""
        told = (self.made_from, self.settings, self.counts)
        mappings = (*told, self.seconds, self.passing_bytes, self.work, self.encoded_by)
        if _is_deeper((*mappings, *(entry.details for entry in self.files)), DEEPEST):
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        if not (isinstance(self.product, str) and all(isinstance(one, dict) for one in mappings)):
            raise ValueError("its fields have the wrong types")
        for name in ("vocabulary_size", "windows", "positions", "nonzeros"):
            if name in self.counts and not _is_count(self.counts[name]):
                raise ValueError(f"its count of {name} is {str(self.counts[name])[:40]!r}")
        return self

    def _telling(self, source: str) -> "Manifest":
        """Let whoever looks for what it does not say be told of its place and version."""
        by = f"{source}, written by leadterm {self.code_version}"
        return replace(
            self,
            made_from=Known.of(self.made_from, by),
            settings=Known.of(self.settings, by),
            counts=Known.of(self.counts, by),
        )

    def differences(self, made_from: dict[str, Any], settings: dict[str, Any]) -> list[str]:
        """Name what differs between this product and one that would be made now."""
        pairs = [
            *_differing("made from ", self.made_from, made_from),
            *_differing("", self.settings, settings),
            *_differing("", {"code version": self.code_version}, {"code version": __version__}),
        ]
        return [f"{key}: {_short(before)} there, {_short(now)} now" for key, before, now in pairs]


def _is_deeper(value: Any, limit: int) -> bool:
    """Say whether lists and mappings lie in each other more than so many deep, without going deep itself."""
    level = [value]
    for _ in range(limit):
        level = [
            part
            for one in level
            if isinstance(one, dict | list | tuple)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _is_name(name: object) -> bool:
    """Say whether a name stays inside the folder that it is looked up in, on any system."""
    if not isinstance(name, str) or "\\" in name or not name.isprintable():
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _is_count(number: object) -> bool:
    """Say whether a value of JSON is a number of things."""
    return type(number) is int and 0 <= number < 2**63


def _text(fields: dict[str, Any]) -> str:
    """Lay fields out as JSON, a line each."""
    return json.dumps(fields, indent=1, ensure_ascii=False)


def has_seal(data: bytes) -> bool:
    """Say whether the text of a manifest ends with a hash of itself; earlier versions wrote none."""
    return _SEALED.fullmatch(data) is not None


def _seal(body: bytes) -> str:
    """Hash a manifest's text, which comes without its last brace."""
    return hashlib.sha256(body + _END).hexdigest()


def _is_whole(data: bytes, fields: dict[str, Any]) -> bool:
    """Compare a manifest with the hash in its last line, and take that line out of the fields.

    Where there is no such line, the text is of an earlier version, unless the fields tell of a hash after all.
    """
    stated = fields.pop(SEAL, None)
    sealed = _SEALED.fullmatch(data)
    return stated is None if sealed is None else sealed[2].decode() == _seal(sealed[1])


def _differing(prefix: str, before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Compare two mappings as JSON would keep them; keys of mappings within them are dotted."""
    before, now = (dict(_dotted(json.loads(json.dumps(mapping)))) for mapping in (before, now))
    keys = sorted(before.keys() | now.keys())
    return [(prefix + key, before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)]


def _dotted(mapping: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of a mapping of mappings with their dotted keys."""
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _short(value: Any) -> str:
    """Abbreviate hashes and long values for a message."""
    text = str(value)
    return text if len(text) <= 40 else text[:16] + "…"
