"""Components with faulty checks."""

from declnet import Diagnostic

from .declarations import Offset


class NeedsALayer(Offset):
    """penalty = 0."""

    type = "needs_a_layer"

    def check(self, context):
        if context.last.output_shape == (1,):
            yield Diagnostic("a single unit")


class ForgetsToReturn(Offset):
    """penalty = 0."""

    type = "forgets_to_return"

    def check(self, context):
        [Diagnostic("found and lost")]


class AnswersWithWords(Offset):
    """penalty = 0."""

    type = "answers_with_words"

    def check(self, context):
        return "all is well"


class OddCode(Offset):
    """penalty = 0."""

    type = "odd_code"

    def check(self, context):
        yield Diagnostic("as always", code="warning")


class SaysNothing(Offset):
    """penalty = 0."""

    type = "says_nothing"

    def check(self, context):
        yield Diagnostic(" ")


class NamesNoField(Offset):
    """penalty = 0."""

    type = "names_no_field"

    def check(self, context):
        yield Diagnostic("too strong", path=("strenght",))


WRONG = dict.fromkeys(
    (NeedsALayer, ForgetsToReturn, AnswersWithWords, OddCode, SaysNothing, NamesNoField),
    "checks_an_unknown_run",
)
