"""The extension's own parts."""

from __future__ import annotations

from pathlib import Path

from declnet_pages.generation import write_generated


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
