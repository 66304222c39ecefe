"""The extension's own parts."""

from __future__ import annotations

from pathlib import Path

from declnet_pages.autodoc_events import as_restructured_text
from declnet_pages.code_blocks import code_blocks
from declnet_pages.generation import write_generated
from declnet_pages.markdown import block, code, prose, table


def test_generated_sources_are_written_once_without_folders_of_this_machine(
    tmp_path: Path,
) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "gone.md").write_text("# Gone\n")
    write_generated(tmp_path)
    written = {file.relative_to(tmp_path).as_posix(): file for file in tmp_path.rglob("*.md")}
    times = {name: file.stat().st_mtime_ns for name, file in written.items()}
    assert "components/gone.md" not in times
    assert times
    root = str(Path(__file__).parents[2])
    assert [name for name, file in written.items() if root in file.read_text("utf-8")] == []
    write_generated(tmp_path)
    assert times == {name: file.stat().st_mtime_ns for name, file in written.items()}


def test_docstrings_become_restructured_text() -> None:
    assert as_restructured_text("`x` of (n, *sample shape)") == r"``x`` of (n, \*sample shape)"
    assert as_restructured_text("sum |w|, a * b") == r"sum \|w\|, a * b"
    assert as_restructured_text("under `validation_…`") == "under ``validation_…``"
    assert as_restructured_text("one ` alone") == "one ` alone"


def test_markdown_shows_text_as_it_is() -> None:
    assert prose("a * b, `c * d`, <e>") == r"a \* b, `c * d`, \<e\>"
    assert code("a | b") == r"`a \| b`"
    assert code("") == ""
    assert block("x = 1\n\n", "python") == "```python\nx = 1\n```\n"
    assert block("```", "text").startswith("````text\n")


def test_empty_columns_are_left_out() -> None:
    assert table(("a", "b"), [("1", ""), ("2", "")]) == "| a |\n| --- |\n| 1 |\n| 2 |\n"


def test_blocks_of_code_with_their_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A\n\n```{eval-rst}\n.. x::\n```\n\n% file a/b.py\n```python\nx = 1\n```\n", "utf-8"
    )
    first, second = code_blocks(page)
    assert (first.language, first.marker) == ("{eval-rst}", "")
    assert (second.language, second.verb, second.argument) == ("python", "file", "a/b.py")
    assert (second.text, second.line) == ("x = 1\n", 9)
