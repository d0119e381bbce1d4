"""Files of JSON lines: odd and good, or broken in one place."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from types import EllipsisType

from support.odd_corpora.broken_lines import break_bytes, break_line
from support.odd_corpora.packing import ENDINGS, break_packed, flip_packed, pack
from support.odd_corpora.settings import OddFile, Setting
from support.odd_corpora.spelling import HALVES, gap, record, value_of
from support.odd_corpora.texts import documents, name
from support.reference_reader import Document

BLANK = ("", "", " ", "\t", " \t  ")
LOOKED_AT = 100


def line_file(random: Random, setting: Setting, number: int) -> OddFile:
    """Make up a file."""
    meant: list[Document] | EllipsisType | None
    lines, meant, oddities = _lines(random, setting)
    good = random.random() < 0.55
    if not good and lines and random.random() < 0.6:
        at = random.randrange(len(lines))
        lines[at], how = break_line(random, lines[at], setting)
        if at == 0 and lines[at].startswith("\ufeff"):
            lines[at] = f"x{lines[at]}"
        meant, oddities = None, [*oddities, f"{how} at {at} of {len(lines)}"]
    data, more = _laid_out(random, lines)
    oddities += more
    if meant is not None and not good and lines and random.random() < 0.5:
        data, how = break_bytes(random, data)
        meant, oddities = None, [*oddities, how]
    if meant is not None and not good and random.random() < 0.3:
        data, how = flip_packed(random, data)
        meant, oddities = ..., [*oddities, how]
    elif meant is not None and not good:
        data, how = break_packed(random, data)
        meant, oddities = None, [*oddities, how]
    elif random.random() < 0.35:
        data, how = pack(random, data)
        oddities.append(how)
    ending = f"{random.choice(('jsonl', 'json', 'ndjson', 'txt', 'JSONL'))}{random.choice(ENDINGS)}"
    return OddFile(name(random, number, ending), data, meant, tuple(oddities))


def _lines(random: Random, setting: Setting) -> tuple[list[str], list[Document] | None, list[str]]:
    """Make up records, and write each; nothing is meant where none of the first ones has the key."""
    asked, lines, has_key = setting.asked, [], False
    meant: list[Document] | None = documents(random, setting)
    for at, document in enumerate(meant or []):
        line, has = record(random, value_of(random, document, asked), setting)
        has_key |= has and at < LOOKED_AT
        lines.append(line)
    if asked.replaces_surrogates and meant and random.random() < 0.5:
        written, text = random.choice(tuple(HALVES.items()))
        lines[0], meant[0], has_key = record(random, f'"the {written} cat"', setting)[0], f"the {text} cat", True
    if "." in asked.column and any(meant or ()) and random.random() < 0.05:
        other = replace(setting, is_literal=not setting.is_literal)
        lines.insert(random.randrange(len(lines) + 1), record(random, '"the cat"', other)[0])
        return lines, None, ["two layouts"]
    if lines and not has_key:
        return lines, None, ["no key"]
    return lines, meant, []


def _laid_out(random: Random, lines: list[str]) -> tuple[bytes, list[str]]:
    """Lay lines out as a file."""
    ends = random.choice((("\n",), ("\n",), ("\r\n",), ("\r",), ("\n", "\r\n", "\r")))
    parts = []
    for line in lines:
        while random.random() < 0.15:
            parts.append(random.choice(BLANK) + random.choice(ends))
        parts.append(gap(random) + line + gap(random) + random.choice(ends))
    parts += [random.choice(BLANK) + random.choice(ends) for _ in range(random.choice((0, 0, 0, 1, 3)))]
    text = "".join(parts)
    oddities = [repr(ends)] if ends != ("\n",) else []
    if random.random() < 0.3:
        text = text.rstrip("\r\n")
        oddities.append("no end of the last line")
    if random.random() < 0.1:
        text = f"\ufeff{text}"
        oddities.append("a mark")
    return text.encode(), oddities
