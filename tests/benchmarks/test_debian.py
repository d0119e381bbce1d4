"""The large corpus: what is prose, what is read of a package, and that it is made once."""

import gzip
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import debian, prose
from benchmarks.corpus import first_texts, write_texts

SENTENCE = "The server sends a reply to each of the clients that have asked for it."
OTHER = "If there is no file of that name, it is created by the first of them."
PAGE = f"""<!DOCTYPE html><html><head><title>The title</title>
<script>if (a < b) {{ "the and of to in is a that for be" }}</script></head>
<body><nav><ul><li>{SENTENCE} In a menu.</ul></nav><!-- {SENTENCE} In a comment. -->
<p class="a">The <b>server</b> sends a <a href="#reply">rep<i>ly</i></a>
 to each of the clients that have asked for&nbsp;it.<p>{OTHER}<pre>{SENTENCE} In code.</pre>
<table><tr><td>the name of it<td>{SENTENCE} In a &lt;cell&gt;.</table>
<p>Der Server schickt jedem der Clients, die danach gefragt haben, in einer Antwort alles.</p>
<p>int main(int argc, char **argv) {{ return the(of) + in[a] - is.that; }} for a to be /* the */</p></body></html>"""


class AllText(HTMLParser):
    """The standard library's reading of a page: text outside of code and menus."""

    def __init__(self) -> None:
        super().__init__()
        self.within, self.words = "", []

    def handle_starttag(self, tag, attrs) -> None:
        self.within = self.within or (tag if tag in prose.SKIPPED else "")

    def handle_endtag(self, tag) -> None:
        self.within = "" if tag == self.within else self.within

    def handle_data(self, data) -> None:
        self.words.append("" if self.within else data)


def test_prose_of_a_page_is_its_english_sentences() -> None:
    assert prose.page_paragraphs(PAGE) == [SENTENCE, OTHER, f"{SENTENCE} In a <cell>."]


def test_words_are_those_of_the_standard_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prose, "is_prose", lambda paragraph: True)
    parser = AllText()
    parser.feed(PAGE)
    assert "".join(prose.page_paragraphs(PAGE)).replace(" ", "") == "".join("".join(parser.words).split())


def test_prose_of_a_text_goes_without_code_and_marks() -> None:
    text = f"A TITLE\n\n  {SENTENCE}\n  [1913 Webster]\n\n\tx = f(a, b); the = in.of[a]; y = z\n \n{OTHER}\n"
    assert prose.text_paragraphs(text) == [SENTENCE, OTHER]


def test_paragraphs_that_differ_in_names_and_numbers_are_one_template() -> None:
    one, same = (f"Returns the {name}, which is at most {n}." for name, n in (("get_a()", 3), ("getB()", 17)))
    assert prose.template(one) == prose.template(same) != prose.template(one.replace("most", "least"))


def test_documents_hold_each_paragraph_once_and_are_cut_where_too_long() -> None:
    seen = {b"1"}
    pages = [("a", [(b"1", "one"), (b"2", "two"), (b"2", "two")]), ("b", [(b"2", "two"), (b"3", "three")])]
    assert list(debian.fresh(pages, seen)) == [("a", [(b"2", "two")]), ("b", [(b"3", "three")])]
    assert seen == {b"1", b"2", b"3"}
    long = ["x" * 40_000] * 5
    assert [len(text) for text in debian.joined(long)] == [80_002, 80_002, 40_000]
    assert debian.joined(["x" * debian.SHORTEST]) == []


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A Debian package with a page, a service's model and a text."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("needs dpkg-deb")
    files = {
        "DEBIAN/control": "Package: tiny-doc\nVersion: 1\nArchitecture: all\nMaintainer: none\nDescription: tiny\n",
        "b/page.html": PAGE,
        "a/service-2.json": '{"documentation": "<p>The \\"one\\" is in the list of those that are not to be sent."}',
        "text.txt": "This text is the same as that of the page, and so it is not read.",
    }
    for name, text in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    (tmp_path / "tree" / "more.html.gz").write_bytes(gzip.compress(f"{SENTENCE}<p>{OTHER}, or not.".encode()))
    target = tmp_path / "tiny-doc_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", tmp_path / "tree", target], check=True, capture_output=True)
    return target


def test_a_package_gives_its_pages_each_paragraph_once(archive: Path) -> None:
    found = {path: [text for _, text in paragraphs] for path, paragraphs in debian.read_archive(archive)}
    assert found == {
        "./a/service-2.json": ['The "one" is in the list of those that are not to be sent.'],
        "./b/page.html": [SENTENCE, OTHER, f"{SENTENCE} In a <cell>."],
        "./more.html.gz": [f"{OTHER}, or not."],
    }


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    if not shutil.which("dpkg-deb"):
        pytest.skip("needs dpkg-deb")
    (tmp_path / "broken_1_all.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(ValueError, match=r"broken_1_all\.deb is no Debian package, or broken. Remove it"):
        debian.read_archive(tmp_path / "broken_1_all.deb")


def test_the_corpus_is_made_once_and_asks_for_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"there is no apt-get .* --corpus docstrings"):
        debian.build_debian(tmp_path, ["tiny-doc"])
    monkeypatch.setattr(debian, "download", lambda packages, folder: [Path("tiny-doc_1_all.deb")])
    rows = [{"text": text * 10, "package": "tiny-doc", "path": "p"} for text in (SENTENCE, OTHER)]
    monkeypatch.setattr(debian, "documents", lambda archives: iter(rows))
    made = debian.build_debian(tmp_path, ["tiny-doc"])
    assert sorted(pq.read_table(made).to_pylist(), key=lambda row: row["text"]) == sorted(rows, key=lambda r: r["text"])
    first_texts(made, 10)
    monkeypatch.setattr(debian, "download", lambda packages, folder: pytest.fail("made again"))
    assert debian.build_debian(tmp_path, ["tiny-doc"]) == made


def test_a_package_that_apt_cannot_fetch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny-doc_1_all.deb").touch()
    monkeypatch.setattr(debian, "which", lambda name: name)
    assert debian.download(["tiny-doc"], tmp_path) == [tmp_path / "tiny-doc_1_all.deb"]
    failed = subprocess.CompletedProcess([], 100, "", "E: No packages found\n")
    monkeypatch.setattr(debian.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SystemExit, match=r"cannot fetch other-doc: E: No packages found\n.* apt-get update"):
        debian.download(["tiny-doc", "other-doc"], tmp_path)


def test_a_part_of_the_corpus_keeps_its_columns(tmp_path: Path) -> None:
    table = pa.table({"text": ["a" * 100] * 9, "package": list("123456789")})
    write_texts(table, tmp_path / "texts-x.parquet")
    assert pq.read_table(first_texts(tmp_path / "texts-x.parquet", 50)).equals(table[:2])
