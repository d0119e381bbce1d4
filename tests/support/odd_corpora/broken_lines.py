"""Ways in which lines of JSON are broken, and files of them; each must be refused."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from support.odd_corpora.settings import Setting
from support.odd_corpora.spelling import HALVES, record

GARBAGE = ("x", "}", ",", "]", "#", "//", "\x0b", "\u00a0", "\u2028", "\ufeff", "\x00", "null", "{}", '"a"', "1")
BAD_FIELDS = (
    '"n":NaN', '"n":Infinity', '"n":-Infinity', '"n":+1', '"n":01', '"n":.5', '"n":1.', '"n":0x1', '"n":1e',
    '"n":- 1', '"n":tru', '"n":True', '"n":None', '"n":undefined', '"n":', '"n"', "'n':1", "n:1", '"n":\'a\'',
    '"n":"a\tb"', '"n":"\x00"', '"n":"\x1f"', '"n":"\\x41"', '"n":"\\u12"', '"n":"\\uzzzz"', '"n":"\\u 041"',
    '"n":"\\"', '"n":"a', '"n":[1,]', '"n":[,1]', '"n":[1 2]', '"n":{"a":1,}', '"n":{"a"}', '"n":{1:2}', '"n":[1}',
    '"n":{]', '"n":(1)', '"n":1 // no', '"n":/* no */1', '"n" "a"', '"n"::1', '"n":1;', '"n":"\\\'"', "null:1",
    '"n":' + "[" * 1200 + "]" * 1200, '"n":' + '{"a":' * 1200 + "1" + "}" * 1200, '"n":' + "[" * 100_000, "\ufeff",
    '"n":١', '"n":"a""b"',
)  # fmt: skip
BAD_TEXTS = (
    "1",
    "-1.5",
    "1e9",
    "true",
    "false",
    "{}",
    '{"a":1}',
    "[1]",
    '["a",1]',
    '["a",null]',
    "[[]]",
    "NaN",
    "a",
    "'a'",
)
BAD_WITHOUT_JOIN = ("[]", '["a"]', '["a","b"]')
BAD_MESSAGES = (
    "1",
    '"a"',
    '[{"content":1}]',
    '[{"role":"user"}]',
    "[null]",
    '["a"]',
    "[[]]",
    '[{"content":["a"]}]',
    '[{"content":null}]',
)
BAD_IDS = (
    '"1 2"', "1", "true", "{}", "[1.5]", "[1,2.0]", "[1e1]", "[true]", "[1,null]", '["1"]', "[[1]]", "[50]", "[-1]",
    "[1,,2]", "[2147483648]", "[18446744073709551617]", "[" + "9" * 5000 + "]", "[01]", "[1,]", '[{"a":1}]', "[NaN]",
)  # fmt: skip
NOT_UTF8 = (
    b"\xe4",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xe2\x82",
    b"\x80",
)


def break_line(random: Random, line: str, setting: Setting) -> tuple[str, str]:
    """Break a line that holds an object; says how."""
    how = random.choice(tuple(LINES))
    return LINES[how](random, line, setting), how


def _joined(random: Random, line: str, _: Setting) -> str:
    return line + random.choice(("", " ", "\t", ",", " , ")) + line


def _inside(random: Random, line: str, _: Setting) -> str:
    field = random.choice(BAD_FIELDS)
    bare = line.strip()[1:-1].strip()
    fields = [field, bare] if random.random() < 0.5 else [bare, field]
    return f"{{{','.join(one for one in fields if one)}}}"


def _split(random: Random, line: str, _: Setting) -> str:
    return "{" + random.choice("\n\r") + line.strip()[1:]


def _wrong_value(random: Random, _line: str, setting: Setting) -> str:
    asked = setting.asked
    if asked.column == "messages.content" and random.random() < 0.5:
        return f'{{"messages":{random.choice(BAD_MESSAGES)}}}'
    bad = BAD_IDS if asked.is_ids else BAD_TEXTS + (BAD_WITHOUT_JOIN if asked.join is None else ())
    return record(random, random.choice(bad), setting)[0]


def _twice(random: Random, _line: str, setting: Setting) -> str:
    """The same key twice, once written in escapes; it need not lead to the document."""
    value = "[1,2]" if setting.asked.is_ids else '"a b"'
    if random.random() < 0.2:
        line = record(random, value, setting)[0]
        return f'{line.rstrip()[:-1]},"other":[{{"{setting.names[-1]}":1,"{setting.names[-1]}":2}}]}}'
    *above, name = setting.asked.column.split(".")
    fields = [f'"{name}":{value}', f'"\\u{ord(name[0]):04x}{name[1:]}":{value}']
    random.shuffle(fields)
    written = f"{{{','.join(fields)}}}"
    for parent in reversed(above):
        written = f'{{"{parent}":{written}}}'
    return written


def _halves(random: Random, line: str, setting: Setting) -> str:
    if setting.asked.is_ids or setting.asked.replaces_surrogates:
        return _wrong_value(random, line, setting)
    return record(random, f'"the {random.choice(tuple(HALVES))} cat"', setting)[0]


def _by_the_way(random: Random, _line: str, setting: Setting) -> str:
    """Something that has no keys, on the way to the key."""
    names = setting.asked.column.split(".")
    if len(names) == 1:
        return _twice(random, _line, setting)
    no_keys = ["1", "true", '"a b c"']
    if setting.asked.join is None:
        no_keys += ["[]", f'[{{"{names[1]}":"a b c"}}]']
    return f'{{"{names[0]}":{random.choice(no_keys)}}}'


LINES: dict[str, Callable[[Random, str, Setting], str]] = {
    "two objects on a line": _joined,
    "garbage after": lambda random, line, _: line + random.choice(("", " ")) + random.choice(GARBAGE),
    "garbage before": lambda random, line, _: random.choice(GARBAGE) + random.choice(("", " ")) + line,
    "an array": lambda random, line, _: random.choice(("[]", f"[{line}]", f"[{line},{line}]", "[", "]")),
    "no object": lambda random, *_: random.choice(
        ("1", '"text"', "null", "true", "NaN", "hello", "\u00a0", "\x0c", "\x00")
    ),
    "blank by another rule": lambda random, *_: random.choice(
        ("\x0b", "\x0c", " \x0c\t", "\u00a0", "\u2028", "\x85", "\x00")
    ),
    "cut": lambda random, line, _: line.rstrip()[: random.randrange(1, len(line.rstrip()))],
    "over two lines": _split,
    "broken inside": _inside,
    "a value of another type": _wrong_value,
    "the key twice": _twice,
    "half of a pair": _halves,
    "no object on the way": _by_the_way,
}


def break_bytes(random: Random, data: bytes) -> tuple[bytes, str]:
    """Break the bytes of a file that holds at least one object; says how."""
    ways: dict[str, Callable[[], bytes]] = {
        "not UTF-8": lambda: _insert(random, data, random.choice(NOT_UTF8)),
        "a mark in the middle": lambda: _after_a_line(random, data, b"\xef\xbb\xbf"),
        "two marks": lambda: b"\xef\xbb\xbf\xef\xbb\xbf" + data,
        "another encoding": lambda: data.decode().encode(
            random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"))
        ),
        "no key anywhere": lambda: b'{"body":"a"}\n' * random.choice((1, 3, 99, 100, 101)),
        "the key too late": lambda: b'{"body":"a"}\n' * 100 + data,
        "zeros at the end": lambda: data + b"\0" * 512,
        "Parquet": lambda: b"PAR1" + data + b"PAR1",
    }
    how = random.choice(tuple(ways))
    return ways[how](), how


def _insert(random: Random, data: bytes, piece: bytes) -> bytes:
    """Put bytes between two characters."""
    starts = [at for at in range(len(data) + 1) if at == len(data) or data[at] & 0xC0 != 0x80]
    at = random.choice(starts)
    return data[:at] + piece + data[at:]


def _after_a_line(random: Random, data: bytes, piece: bytes) -> bytes:
    end = data.rstrip(b"\r\n \t")
    return end + random.choice((b"\n", b"\r\n", b"\r")) + piece + b'{"text":"a b"}\n'
