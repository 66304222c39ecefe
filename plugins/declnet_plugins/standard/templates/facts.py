"""What a preset needs to know about a table: facts about its columns and targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from declnet import StrictModel

MOST_ONE_HOT = 250
"""Maximum number of categories of a column to one-hot encode; each of more is a trained vector."""
MOST_CATEGORIES = 5000
"""Maximum number of categories kept of a column; all less frequent ones become one category."""
LEAST_ROWS = 5
"""Rows of a category below which it is rare, in a table of some hundred rows or more."""
LEAST_ROWS_OF_MANY = 2
"""The same in a column of more categories than are one-hot encoded: where the target hardly depends
on them, the error is the same as with 5, elsewhere up to 40 % smaller."""
RARE_CLASS = 0.4
"""A class is rare if it has less than this share of what it would have if all were equal."""


class _Named(StrictModel):
    """A table that may be written as its name alone."""

    name: str = Field(description="the column's name")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


class Column(_Named):
    """A column to predict from; the name alone stands for numbers."""

    type: Literal["number", "boolean", "date", "category", "words", "characters"] = Field(
        default="number", description="what it holds; of texts, the parts to read them by"
    )
    categories: int | None = Field(default=None, ge=1, description="the number of different texts")
    frequent: int | None = Field(
        default=None, ge=0, description="how many categories are not rare; default: all"
    )
    length: int = Field(default=0, ge=0, description="the mean number of words of a text")
    longest: int = Field(
        default=0, ge=0, description="the number of words, or of characters, of the longest text"
    )
    infinite: bool = Field(default=False, description="whether some numbers are infinite")

    @model_validator(mode="before")
    @classmethod
    def _infer_type(cls, values: Any) -> Any:
        """Return the fields with the type of a column that has categories."""
        if isinstance(values, Mapping) and "categories" in values:
            return {"type": "category", **values}
        return values

    @model_validator(mode="after")
    def _require_categories(self) -> Column:
        if (self.type == "category") != (self.categories is not None):
            raise ValueError('a column has "categories" if its type is "category", and only then')
        return self

    @property
    def is_category(self) -> bool:
        """Whether it holds categories, written as text."""
        return self.type == "category"

    @property
    def is_text(self) -> bool:
        """Whether it holds texts to read by their words or characters."""
        return self.type in ("words", "characters")

    @property
    def is_grouped(self) -> bool:
        """Whether rare categories become one."""
        categories = self.categories or 0
        return categories > MOST_CATEGORIES or self.frequent not in (None, categories)

    @property
    def encoded_categories(self) -> int:
        """How many categories a network tells apart, all rare ones as one."""
        frequent = self.categories if self.frequent is None else self.frequent
        return (frequent or 0) + self.is_grouped


class Target(_Named):
    """A column to predict; the name alone stands for a number."""

    classes: int | None = Field(
        default=None, ge=1, description="the number of classes; default: the target is a number"
    )
    rarest: int | None = Field(default=None, ge=0, description="rows of the rarest class")
    logarithm: bool = Field(
        default=False, description="whether the network learns the number's logarithm"
    )
    float64: bool = Field(
        default=False, description="whether the number varies too little for its size in float32"
    )
    loss: Literal["ordinal", "poisson"] | None = Field(
        default=None,
        description="ordinal for classes with an order, poisson for counts; default: the loss of "
        "the preset",
    )

    @model_validator(mode="after")
    def _require_fitting_loss(self) -> Target:
        if self.loss is not None and (self.loss == "ordinal") != (self.classes is not None):
            takes = "classes" if self.loss == "ordinal" else "a number"
            raise ValueError(f'the loss "{self.loss}" takes {takes}')
        return self

    @property
    def task(self) -> Literal["binary", "classes", "values"]:
        """The kind of prediction."""
        if self.classes is None:
            return "values"
        return "binary" if self.classes == 2 else "classes"

    @property
    def activation(self) -> str | None:
        """The type of the activation that makes probabilities of the last layer's outputs."""
        if self.loss is not None:
            return None
        return {"binary": "sigmoid", "classes": "softmax"}.get(self.task)

    @property
    def last_units(self) -> int:
        """The units of the last dense layer."""
        if self.loss == "ordinal":
            return (self.classes or 0) - 1
        return self.classes if self.classes is not None and self.classes > 2 else 1

    def has_rare_class(self, rows: int) -> bool:
        """Return whether a class is rare in a table of some rows."""
        if self.classes is None or self.rarest is None:
            return False
        return self.rarest / rows < RARE_CLASS / self.classes


def least_rows(categories: int, rows: int) -> int:
    """Return how many rows of a table one of several categories needs so that it is not rare."""
    most = LEAST_ROWS_OF_MANY if categories > MOST_ONE_HOT else LEAST_ROWS
    return min(most, max(2, rows // 100))
