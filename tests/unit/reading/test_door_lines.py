"""JSON lines at the door: what is no document refuses its file and names the line; what is one is read."""

import json

import pytest

from support.door import documents_in, problem_of
from support.odd_corpora.packing import READ

GOOD = b'{"text": "the cat 1 sat"}\n'


@pytest.fixture
def put(tmp_path):
    def write(data: bytes | str, name: str = "a.jsonl"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


@pytest.fixture
def refused(put):
    """Refuse a bad line after two good records and a blank line, and say why."""

    def why(line: bytes | str, **corpus) -> str:
        data = line.encode() if isinstance(line, str) else line
        good = b'{"ids": [1, 2]}\n' if "ids_column" in corpus else GOOD
        problem = problem_of(put(good + b"\r\n" + good + data + b"\n" + good), format="json", **corpus)
        assert problem is not None, "it was read"
        assert "line 4" in problem, problem
        return problem

    return why


def read(path, **corpus):
    return documents_in(path, format="json", **corpus)


# One line, one object


@pytest.mark.parametrize("between", ["", " ", "\t", " \t ", ",", ", "])
def test_two_objects_on_a_line(refused, between):
    assert "line 4" in refused(f'{{"text": "one"}}{between}{{"text": "two"}}')


@pytest.mark.parametrize("garbage", ["x", "}", "]", ",", "null", "1", '"a"', "// no", "#", "\x00", "\u00a0", "\ufeff"])
@pytest.mark.parametrize("gap", ["", " "])
def test_garbage_after_an_object(refused, garbage, gap):
    refused(f'{{"text": "one"}}{gap}{garbage}')


def test_white_space_after_an_object_is_none(put):
    assert read(put(' \t{"text":"a"} \t \n\t{"text":"b"}\t')) == ["a", "b"]


@pytest.mark.parametrize("line", ["[]", '[{"text": "a"}]', '[{"text": "a"}, {"text": "b"}]', "[1]", '["a"]'])
def test_an_array_is_no_record(refused, line):
    assert "object" in refused(line)


@pytest.mark.parametrize("line", ["1", '"text"', "null", "true", "NaN", "hello", "\x0c", "\u00a0"])
def test_anything_else_is_no_record(refused, line):
    refused(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "a"', '{"text": "a}', '{"text": }', '{"text" "a"}', "{'text': 'a'}", '{"text": "a",}', '{text: "a"}',
        '{"text": "a\tb"}', '{"text": "\\x41"}', '{"text": "\\u12"}', '{"text": "a", "n": 01}',
        '{"text": "a", "n": +1}',
        '{"text": "a", "n": .5}', '{"text": "a", "n": 1.}', '{"text": "a", "n": NaN}', '{"text": "a", "n": -Infinity}',
        '{"text": "a", "n": tru}', '{"text": "a" "b"}', '{"text": "a", "n": [1,]}', '{"text": "a" /* no */}',
    ],
)  # fmt: skip
def test_what_is_nearly_json(refused, line):
    refused(line)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_three_ways(put, end):
    lines = ['{"text":"a"}', "", '{"text":"b\u2028c\u0085d"}', " \t", '{"text":"e"}']
    assert read(put(end.join(lines))) == ["a", "b\u2028c\u0085d", "e"]
    problem = problem_of(put(end.join([*lines, "x"])), format="json")
    assert problem is not None
    assert "line 6" in problem


@pytest.mark.parametrize("depth", [10, 900])
def test_deep_nesting_elsewhere_is_fine(put, depth):
    assert read(put(f'{{"n": {"[" * depth}{"]" * depth}, "text": "a"}}')) == ["a"]


@pytest.mark.parametrize("nested", ["[" * 1200 + "]" * 1200, '{"a":' * 1200 + "1" + "}" * 1200, "[" * 100_000])
def test_deeper_nesting_is_refused(refused, nested):
    refused(f'{{"text": "a", "n": {nested}}}')


# The value


@pytest.mark.parametrize(
    "value", ["1", "-1.5", "1e9", "true", "false", "{}", '{"a": "b"}', "[1]", '["a"]', "[]", "NaN"]
)
@pytest.mark.parametrize("column", ["text", "content.text"])
def test_a_value_that_is_no_text(put, value, column):
    """Its spelling does not become text, wherever it stands."""
    rows = {"text": '{"text": %s}', "content.text": '{"content": {"text": %s}}'}
    path = put("\n".join([rows[column] % '"a b"'] * 200 + [rows[column] % value]))
    problem = problem_of(path, format="json", text_column=column)
    assert problem is not None
    assert "line 201" in problem


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('{"text": null}', "text"),
        ('{"n": 1}', "text"),
        ('{"content": null}', "content.text"),
        ('{"content": {"text": null}}', "content.text"),
        ('{"content": {"n": 1}}', "content.text"),
        ("{}", "content.text"),
    ],
)
def test_null_alone_is_null(put, line, column):
    good = '{"text": "a", "content": {"text": "a"}}'
    assert read(put(f"{good}\n{line}\n"), text_column=column) == ["a", None]


def test_the_literal_key_comes_first(put):
    path = put('{"content": {"text": "a"}, "content.text": "b"}\n{"content.text": "c"}\n{"content": null}')
    assert read(path, text_column="content.text") == ["b", "c", None]


@pytest.mark.parametrize("first", ['{"content.text": "a"}', '{"content": {"text": "a"}}'])
@pytest.mark.parametrize("n_first", [1, 150])
@pytest.mark.parametrize("then", [1, 3])
def test_keys_of_two_layouts(put, first, n_first, then):
    """A line of the other layout is not taken for one without a text."""
    other = {'{"content.text": "a"}': '{"content": {"text": "b"}}'}.get(first, '{"content.text": "b"}')
    path = put("\n".join([first] * n_first + [other] * then))
    problem = problem_of(path, format="json", text_column="content.text")
    assert problem is not None
    assert f"line {n_first + 1}" in problem
    assert "one layout" in problem


@pytest.mark.parametrize("n_first", [1, 99, 100, 150])
@pytest.mark.parametrize("first", ['{"content.text": "a"}', '{"content": {"text": "a"}}'])
@pytest.mark.parametrize("bad", ["1", '"a"', "true", "[1]"])
def test_something_without_keys_on_the_way(put, first, n_first, bad):
    """It is refused wherever it stands: also where other lines have the whole name as a key."""
    path = put("\n".join([first] * n_first + [f'{{"content": {bad}}}']))
    problem = problem_of(path, format="json", text_column="content.text")
    assert problem is not None
    assert f"line {n_first + 1}" in problem


@pytest.mark.parametrize("value", ["[1.0]", "[true]", "[1, null]", '["1"]', "1", '"1 2"', "{}", "[[1]]", "[1e0]"])
def test_a_value_that_is_no_list_of_ids(refused, value):
    refused(f'{{"ids": {value}}}', ids_column="ids")


@pytest.mark.parametrize("keys", ['"text"', '"\\u0074ext"', '"te\\u0078t"'])
@pytest.mark.parametrize("first", ['"a"', '"b"', "null", "1"])
def test_a_key_that_stands_twice(refused, keys, first):
    refused(f'{{{keys}: {first}, "n": 1, "text": "b"}}')


def test_other_keys_may_stand_twice(put):
    assert read(put('{"n": 1, "n": 2, "text": "a", "m": {"n": 1, "n": 2, "text": 3}}')) == ["a"]


@pytest.mark.parametrize("column", ["a/b", "é", "字", "😀", 'q"', "a b.c"])
def test_a_key_of_odd_letters_that_stands_twice(put, column):
    """However it is spelled: JSON has several ways to write each of these."""
    spelled = [json.dumps(column), json.dumps(column, ensure_ascii=False), json.dumps(column).replace("/", "\\/")]
    spelled.append('"' + "".join(f"\\u{unit:04X}" for unit in memoryview(column.encode("utf-16-le")).cast("H")) + '"')
    for key in spelled:
        for other in spelled:
            path = put(f'{{{key}: "x", "n": 1, {other}: "y"}}')
            assert "twice" in (problem_of(path, format="json", text_column=column) or ""), (key, other)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-0", "1E-9999", "0." + "1" * 5000])
def test_numbers_of_any_size_elsewhere_are_fine(put, number):
    assert read(put(f'{{"text": "a", "n": {number}}}')) == ["a"]


@pytest.mark.parametrize("lines", [1, 3, 100, 300])
def test_a_key_that_none_of_the_first_records_has(put, lines):
    problem = problem_of(put('{"body": "a", "n": 1}\n' * lines), format="json")
    assert problem is not None
    assert f"none of its first {min(lines, 100)}" in problem
    assert "body, n" in problem


# Halves of surrogate pairs

HALVES = [
    ("\\ud83d", "\ufffd"),
    ("\\ude00", "\ufffd"),
    ("\\ude00\\ud83d", "\ufffd\ufffd"),
    ("a\\uD83D b", "a\ufffd b"),
    ("\\ud83d\\ud83d\\ude00", "\ufffd😀"),
]


@pytest.mark.parametrize(("half", "_"), HALVES)
def test_half_of_a_pair(refused, half, _):
    assert "surrogate" in refused(f'{{"text": "a {half}"}}')


@pytest.mark.parametrize(("half", "read_as"), HALVES)
def test_half_of_a_pair_is_replaced_where_that_is_asked(put, half, read_as):
    assert read(put(f'{{"text": "a {half}"}}'), surrogates="replace") == [f"a {read_as}"]


def test_whole_pairs_and_other_keys_are_left_alone(put):
    assert read(put('{"text": "\\ud83d\\ude00😀", "n": "\\ud83d", "\\udc00": 1}')) == ["😀😀"]


# Bytes


@pytest.mark.parametrize(
    "bad", [b"\xe4", b"\xff", b"\xc0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf5\x80\x80\x80", b"\x80"]
)
def test_bytes_that_are_not_utf8(refused, bad):
    for line in (b'{"text": "a ' + bad + b'"}', b'{"text": "a", "n": "' + bad + b'"}', b'{"text": "a"}' + bad):
        assert "UTF-8" in refused(line)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_other_encodings(put, encoding):
    problem = problem_of(put((GOOD * 3).decode().encode(encoding)), format="json")
    assert problem is not None
    assert "line 1" in problem or "UTF-16" in problem


def test_a_mark_at_the_start_is_skipped_and_refused_elsewhere(put, refused):
    mark = b"\xef\xbb\xbf"
    assert read(put(mark + GOOD)) == ["the cat 1 sat"]
    assert read(put(mark)) == []
    assert read(put(READ["gzip"](mark + GOOD))) == ["the cat 1 sat"]
    refused(mark + GOOD.strip())
    assert problem_of(put(mark + mark + GOOD), format="json") is not None


# Chats

CHAT = {"messages": [{"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"}]}


def test_chat_rows_are_refused_with_the_way_in(refused):
    assert "corpus.join" in refused(json.dumps(CHAT), text_column="messages.content")


@pytest.mark.parametrize("join", ["\n", " ", "", " | "])
def test_chat_rows_are_joined_where_that_is_asked(put, join):
    path = put(json.dumps(CHAT) + '\n{"messages": []}\n{"messages": null}\n{}')
    assert read(path, text_column="messages.content", join=join) == [f"a b{join}c", "", None, None]
    assert read(put('{"tags": ["a", "b"]}\n{"tags": "c"}'), text_column="tags", join=join) == [f"a{join}b", "c"]


@pytest.mark.parametrize(
    "bad", ["[1]", '[{"content": 1}]', '[{"content": null}]', "[{}]", "[null]", '[{"content": ["a"]}]']
)
def test_chat_rows_with_something_else_in_them(put, bad):
    path = put(f'{json.dumps(CHAT)}\n{{"messages": {bad}}}')
    problem = problem_of(path, format="json", text_column="messages.content", join="\n")
    assert problem is not None
    assert "line 2" in problem
