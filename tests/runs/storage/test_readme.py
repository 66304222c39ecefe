"""`README.md`: declnet renews its own parts and keeps what a person wrote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from declnet.runs.storage.readme import BEGIN, END, Card

OLD = Card({"library_name": "declnet", "model-index": [{"name": "old"}]}, "# Old")
NEW = Card({"library_name": "declnet", "model-index": [{"name": "new"}]}, "# New")


def test_the_same_card_again_changes_nothing(tmp_path):
    document = NEW.document()
    assert document.startswith('---\nlibrary_name: "declnet"\nmodel-index:\n- name: "new"\n---\n')
    assert NEW.document(document) == document
    (tmp_path / "README.md").write_bytes(document.replace("\n", "\r\n").encode())
    assert NEW.content(tmp_path) == document.encode()


def test_other_keys_and_text_outside_the_marks_stay():
    text = OLD.document()
    edited = (
        text.replace('library_name: "declnet"\n', "license: mit\n# why\nlibrary_name: x\n")
        .replace("---\n\n", "tags:\n- a\n-  b\nlanguage:\n  - en\n---\n\nBefore.\n\n")
        .replace("# Old", "# Old, edited")
        + "\n## Limits\n\nAfter.\n"
    )
    assert NEW.document(edited) == (
        'library_name: "declnet"\nmodel-index:\n- name: "new"\n'.join(["---\n", ""])
        + "license: mit\n# why\ntags:\n- a\n-  b\nlanguage:\n  - en\n---\n\n"
        + f"Before.\n\n{BEGIN}\n\n# New\n\n{END}\n\n## Limits\n\nAfter.\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1))
def test_a_text_without_marks_or_metadata_was_written_by_a_person(text):
    assert NEW.document(f"Ours: {text}") == f"Ours: {text}"
    metadata = '---\nlibrary_name: "declnet"\nmodel-index:\n- name: "new"\n---\n'
    assert NEW.document(f"---\nlibrary_name: x\n---\nOurs: {text}") == f"{metadata}Ours: {text}"
    for marks in (f"{END}{text}{BEGIN}", f"{BEGIN}{text}", f"{BEGIN}{text}{BEGIN}{END}"):
        assert NEW.document(f"---\n---\n{marks}") == f"{metadata}{marks}"


def test_a_path_that_is_not_a_text_file_stays(tmp_path):
    path = tmp_path / "README.md"
    path.write_bytes(b"\xff\xfe")
    assert NEW.content(tmp_path) is None
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert NEW.content(tmp_path) is None
    path.unlink()
    path.mkdir()
    assert NEW.content(tmp_path) is None
