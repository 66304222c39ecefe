"""What `declnet new` prints about the columns of a table and its targets."""

from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.commented_toml import toml
from declnet_plugins.standard.templates.features import (
    different_texts,
    features_of,
    is_unread_text,
    is_unspaced,
    odd_date,
)
from declnet_plugins.standard.templates.suggestions import notes_on

MOST_NOTES = 3
"""Maximum number of columns of texts that are left out to explain."""


def table_notes(table: TableProfile, where: str | None = None) -> tuple[str, ...]:
    """Return how texts, rare values and targets are treated, and how to read what is left out.

    Args:
        where: how to try another loss that is suggested; default: where it is in the spec.
    """
    features = features_of(table)
    beside = ", in addition to the other columns" if features.others else ""
    read = [
        f'column "{text.name}" is read as text, by its '
        f"{'characters' if is_unspaced(text) else 'words and pairs of words'}{beside}"
        for text in features.texts
    ]
    many = [column for column, _ in features.left_out if is_unread_text(column)]
    unread = [column for column in many if column.odd_date is None]
    left_out = [
        f'column "{column.name}" is left out: {odd_date(column)}; write all alike, or leave out '
        "the row"
        for column in many
        if column.odd_date is not None
    ]
    left_out += [
        f'column "{column.name}" is left out: {different_texts(column)}; to read them, add to '
        f"columns in [preset] {toml(_as_text(column))}"
        for column in unread[:MOST_NOTES]
    ]
    where = where or "see targets in [preset]"
    more = [note for name in table.others for note in notes_on(table.of_target(name), (), where)]
    return (*read, *left_out, *notes_on(table, features.others, where), *more)


def _as_text(column: ColumnProfile) -> dict[str, str]:
    """Return a column as one of texts, by what they have parts of."""
    return {"name": column.name, "type": "characters" if column.most_words <= 1 else "words"}
