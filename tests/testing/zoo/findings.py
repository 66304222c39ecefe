"""Components whose own check is wrong."""

from declnet import Finding

from .declarations import Offset


class NeedsALayer(Offset):
    """penalty = 0."""

    type = "needs_a_layer"

    def check(self, outline):
        if outline.last.output_shape == (1,):
            yield Finding("a single unit")


class ForgetsToReturn(Offset):
    """penalty = 0."""

    type = "forgets_to_return"

    def check(self, outline):
        [Finding("found and lost")]


class AnswersWithWords(Offset):
    """penalty = 0."""

    type = "answers_with_words"

    def check(self, outline):
        return "all is well"


class OddCode(Offset):
    """penalty = 0."""

    type = "odd_code"

    def check(self, outline):
        yield Finding("as always", code="warning")


class SaysNothing(Offset):
    """penalty = 0."""

    type = "says_nothing"

    def check(self, outline):
        yield Finding(" ")


class NamesNoField(Offset):
    """penalty = 0."""

    type = "names_no_field"

    def check(self, outline):
        yield Finding("too strong", key=("strenght",))


WRONG = dict.fromkeys(
    (NeedsALayer, ForgetsToReturn, AnswersWithWords, OddCode, SaysNothing, NamesNoField),
    "checks_an_unknown_run",
)
