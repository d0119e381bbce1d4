"""The card, read by a parser of Markdown that knows nothing of how it was written, and by PyYAML."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt

from leadterm import open_run
from leadterm.config import DatasetSection
from leadterm.publish.licences import licence_header, licence_link
from leadterm.publish.markdown_escape import escaped, fenced, paragraphs, table
from leadterm.publish.table_docs import tables_of
from leadterm.run.summary import printable
from support.published import HOSTILE, SECTION
from support.report_cases import HOSTILE as TOKENS
from support.whole_runs import HOSTILE_PATH, files_of

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = [
    *TOKENS,
    HOSTILE,
    HOSTILE_PATH,
    *(
        "`a`",
        "``",
        "a|b",
        "# a",
        "#",
        "1. a",
        "12) a",
        "1.",
        "- a",
        "+ a",
        "* a",
        "> a",
        "=",
        "---",
        "***",
        "~~~",
        "\\",
    ),
    *(
        "![a](http://b.c)",
        "[a]: http://b.c",
        "<https://a.b>",
        "&amp;",
        "**a**",
        "__a__",
        "~~a~~",
        "$a$",
        "\x00",
        "\u202e",
    ),
]


def texts_in(markdown: str) -> list[str]:
    """All text of a document, a string for each paragraph or cell; an error if there is anything but text."""
    found = []
    for token in MARKDOWN.parse(markdown):
        assert not token.type.startswith(("html", "code", "fence", "heading", "bullet", "ordered", "blockquote", "hr"))
        if token.type == "inline":
            assert {child.type for child in token.children} <= {"text", "text_special"}, token.children
            found.append("".join(child.content for child in token.children))
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_text(text):
    assert texts_in(escaped(text)) == [printable(text)]
    assert texts_in(f"a {escaped(text)} b") == [f"a {printable(text)} b"]
    assert texts_in(table(["x", "y"], [[escaped(text), "z"]])) == ["x", "y", printable(text), "z"]


def test_addresses_and_names_do_not_become_links():
    assert escaped("see https://a.b, www.a.b and me@a.b") == r"see https:\//a.b, www\.a.b and me\@a.b"


def test_paragraphs_are_kept():
    assert texts_in(paragraphs("a\nb\n\n \n- c <d>\n\n1. e\n")) == ["a b", "- c <d>", "1. e"]


@pytest.mark.parametrize("text", ["a\nb", "```\nx\n```", "````` ~~~ `", "<b>\x07"])
def test_code_stays_in_its_block(text):
    [token] = MARKDOWN.parse(fenced(text, "bibtex"))
    assert (token.type, token.info) == ("fence", "bibtex")
    assert token.content == "".join(f"{printable(line)}\n" for line in text.splitlines())


def header_of(folder: Path) -> dict:
    """What the hub reads: the lines between the first two rules."""
    _, header, _ = re.split(r"^---\n", (folder / "README.md").read_text(), maxsplit=2, flags=re.MULTILINE)
    return yaml.safe_load(header)


def body_of(folder: Path) -> str:
    return re.split(r"^---\n", (folder / "README.md").read_text(), maxsplit=2, flags=re.MULTILINE)[2]


def test_nothing_of_others_becomes_markup(published):
    tokens = MARKDOWN.parse(body_of(published))
    children = [child for token in tokens for child in token.children or ()]
    assert not [token for token in (*tokens, *children) if token.type.startswith("html")]
    links = [child.attrGet("href") for child in children if child.type == "link_open"]
    assert {"https://example.org/ada", "https://spdx.org/licenses/CC-BY-4.0"} <= set(links)
    assert not [link for link in links if not link.startswith("https://")]
    headings = [
        tokens[number + 1].content for number, token in enumerate(tokens) if token.tag == "h1" and token.nesting == 1
    ]
    assert len(headings) == 1
    text = "\n".join("".join(child.content for child in token.children or ()) for token in tokens)
    flat = " ".join(HOSTILE.split())
    for shown in (f"T {flat}", f"First {flat}", "# Second", f"Ada {printable(HOSTILE)}", f"S {printable(HOSTILE)}"):
        assert shown in text
    codes = [token.content for token in tokens if token.type == "fence"]
    assert [code for code in codes if code.startswith("@misc")] == [f"{SECTION.citation}\n"]


def test_the_most_frequent_tokens_are_shown_as_they_are(run, published):
    counts = open_run(run).vocabulary.sort_by([("count", "descending"), ("token_id", "ascending")]).to_pylist()[:10]
    assert [row for row in counts if row["token"] in TOKENS]
    text = " ".join(child.content for token in MARKDOWN.parse(body_of(published)) for child in token.children or ())
    expected = ", ".join(f"“{printable(row['token'])}” ({row['count']:,})" for row in counts)
    assert f"{expected}." in text


def test_the_header_says_what_the_hub_asks_for(published, plain):
    header = header_of(published)
    assert header["pretty_name"] == " ".join(SECTION.title.split())
    assert (header["license"], header["language"]) == ("cc-by-4.0", ["en", "pt-BR"])
    assert header["tags"][-2:] == ["bible", f"tag {HOSTILE}"]
    assert (header_of(plain)["license"], header_of(plain)["pretty_name"]) == ("unknown", "run")
    assert "language" not in header_of(plain)


@pytest.mark.parametrize("name", ["published", "plain"])
def test_each_configuration_has_its_files(name, request):
    folder = request.getfixturevalue(name)
    configs = header_of(folder)["configs"]
    assert [one["config_name"] for one in configs if one.get("default")] == ["bigram"]
    found = [path.relative_to(folder).as_posix() for one in configs for path in folder.glob(one["data_files"])]
    assert sorted(found) == [name for name in files_of(folder) if name.endswith(".parquet")]
    assert ("windows" in {one["config_name"] for one in configs}) == (name == "published")


def test_every_column_is_described_with_its_type(published):
    opened = open_run(published)
    described = tables_of(
        {name: opened.manifest(name) for name in opened.products if name != "composed"}
        | {"alignment/x": opened.alignment_manifests()[0]}
    )
    assert len(described) == 10
    for one in described:
        for path in published.glob(one.pattern):
            fields = pq.read_schema(path)
            types = [f"list<{field.type.value_type}>" if field.type.num_fields else str(field.type) for field in fields]
            assert [(column.name, column.type) for column in one.columns] == list(zip(fields.names, types, strict=True))


def test_the_unit_is_that_of_the_run(published):
    assert body_of(published).count("in units of 2^-32") == 2


def test_its_python_runs(published, monkeypatch):
    monkeypatch.chdir(published)
    codes = re.findall(r"^```python\n(.*?)^```", body_of(published), re.MULTILINE | re.DOTALL)
    names: dict = {}
    for code in codes:
        if "load_dataset" not in code:
            exec(code, names)
    assert sum(map(len, names["bigram"]["cols"].to_pylist())) == names["counts"].nnz


@pytest.mark.parametrize(
    ("expression", "header"),
    [
        (None, {"license": "unknown"}),
        ("ODbL-1.0", {"license": "odbl"}),
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("W3C", {"license": "other", "license_name": "w3c", "license_link": "https://spdx.org/licenses/W3C"}),
        ("MIT OR Apache-2.0", {"license": "other", "license_name": "mit-or-apache-2.0"}),
    ],
)
def test_licences_of_the_hub(expression, header):
    assert licence_header(expression) == header


def test_a_licence_is_linked_where_it_has_an_address():
    assert licence_link("MIT") == "[MIT](https://spdx.org/licenses/MIT)"
    assert licence_link("LicenseRef-Mine") == "LicenseRef-Mine"


def test_what_is_not_stated_is_said_to_be(plain):
    text = body_of(plain)
    assert "No licence is stated for these tables." in text
    assert "Where the text came from is not stated." in text
    assert "Not published, but accounted for by their manifests: `windows`, `composed`." in text
    assert DatasetSection().license is None
