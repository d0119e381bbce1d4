"""From a YAML file to a checked configuration."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from leadterm.config.describe_schema import kind_of
from leadterm.config.explain_errors import describe_problems, nearest
from leadterm.config.run_sections import Config
from leadterm.config.section_base import Section
from leadterm.errors import ConfigError
from leadterm.utf8 import decode_utf8

SomeSection = TypeVar("SomeSection", bound=Section)

LARGEST = 2**20
"""Bytes of a configuration; all shipped ones together are a hundredth of this."""
MOST_NODES = 100_000
"""Values of a configuration with its aliases expanded: a few lines can expand to more than fits in memory."""


def load_config(path: str | Path) -> Config:
    """Read and check a YAML configuration file.

    Raises
    ------
    ConfigError
        There is no such file, it is not YAML, a key is repeated or unknown, a value has the wrong type or is out of
        range, or two settings exclude each other. The message names the file and every dotted key.
    """
    return parse_config(_read_yaml(Path(path)), source=str(path))


def parse_config(settings: object, source: str = "the settings") -> Config:
    """Check settings that are already in memory; `source` names them in messages.

    Raises
    ------
    ConfigError
        As for `load_config`.

    Examples
    --------
    >>> words = {"kind": "words", "vocabulary_size": 3000}
    >>> config = parse_config({"corpus": {"paths": ["a.parquet"]}, "tokenizer": words})
    >>> config.windows.length, config.corpus.text_column
    (128, 'text')
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(
            f"{source}: a configuration must be a mapping of sections ({', '.join(Config.model_fields)}); "
            f"found {kind_of(settings)}. Start the file with 'corpus:'."
        )
    try:
        return Config.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(describe_problems(error, Config, source)) from error


def parse_section(section: type[SomeSection], settings: Mapping[str, object]) -> SomeSection:
    """Check the settings of a single section, as given by the options of a command.

    Raises
    ------
    ConfigError
        As for `load_config`.
    """
    try:
        return section.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(describe_problems(error, section, "the options")) from error


def canonical(section: Section) -> dict[str, Any]:
    """A section, or a whole configuration, as plain JSON values, with defaults filled in and in a stable order.

    Loading the result again gives an equal section.

    Examples
    --------
    >>> from leadterm.config import WindowsSection
    >>> canonical(WindowsSection(length=64))
    {'length': 64, 'policy': 'tile', 'files': 16}
    """
    plain = section.model_dump(mode="json")
    if "spark" in plain:
        plain["spark"] = dict(sorted(plain["spark"].items()))
    return plain


def settings_of(config: Config, keys: Sequence[str], besides: Sequence[str] = ()) -> dict[str, Any]:
    """Take some keys of a config as a manifest holds them: each under its own name, of several sections under theirs.

    Parameters
    ----------
    config
        Of a run.
    keys
        ``section.key``, or a whole ``section``; sections that the config lacks are ignored.
    besides
        Keys of these sections that are left out.

    Examples
    --------
    >>> config = parse_config({"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "words", "vocabulary_size": 9}})
    >>> settings_of(config, ("counting.scale_bits", "windows"), ("windows.files",))
    {'scale_bits': 32, 'length': 128, 'policy': 'tile'}
    """
    plain, found = canonical(config), dict[str, Any]()
    is_flat = sum("." not in key for key in keys) <= 1
    for key in keys:
        section, _, name = key.partition(".")
        values = plain[section] or {}
        if name:
            found |= {name: values[name]} if name in values else {}
            continue
        taken = {each: value for each, value in values.items() if f"{section}.{each}" not in besides}
        found |= taken if is_flat else {section: taken}
    return found


class _UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader, extended to refuse repeated keys, of which it would silently keep the last."""

    def construct_document(self, node: yaml.Node) -> Any:
        if _size(node, {}) > MOST_NODES:
            raise yaml.constructor.ConstructorError(
                None, None, f"with all aliases (*name) expanded it has more than {MOST_NODES:,} values",
                node.start_mark,
            )  # fmt: skip
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _size(node: yaml.Node, known: dict[yaml.Node, float]) -> float:
    """Count the values of a document with its aliases expanded; a document that contains itself is infinite."""
    if node not in known:
        known[node] = math.inf
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        inner = (one for part in parts for one in (part if isinstance(part, tuple) else (part,)))
        known[node] = 1 + sum(_size(one, known) for one in inner)
    return known[node]


def _read_yaml(path: Path) -> object:
    try:
        with path.open("rb") as file:  # It may be a pipe, of which nobody knows how long it is.
            data = file.read(LARGEST + 1)
        text = decode_utf8(data)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such configuration file.{_similar_file(path)}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: a configuration must be a readable UTF-8 text file; found: {error}. Name a YAML file."
        ) from error
    if len(data) > LARGEST:
        raise ConfigError(f"{path}: a configuration has at most {LARGEST:,} bytes; found more. Name a YAML file.")
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # a subclass of the safe loader
    except RecursionError as error:
        raise ConfigError(
            f"{path}: this is nested too deeply. No section of a configuration is deeply nested."
        ) from error
    except (yaml.YAMLError, ValueError) as error:  # a day that the calendar lacks is a ValueError of its own
        raise ConfigError(f"{path}{_yaml_problem(error)}") from error


def _similar_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" There is no folder {folder} either; check the path."
    files = sorted(file.name for pattern in ("*.yaml", "*.yml") for file in folder.glob(pattern))
    match = nearest(path.name, files)
    hint = f"Did you mean {folder / match}?" if match else f"YAML files in {folder}: {', '.join(files) or 'none'}."
    return f" {hint}"


def _yaml_problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{where}: this is not YAML: {problem}. Expected lines 'key: value', indented with spaces. Correct it here."
