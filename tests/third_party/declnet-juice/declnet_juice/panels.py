"""A panel that works, one that raises, and one without content."""

from html import escape

from declnet import StoredRun
from declnet_plugins.report import ReportPanel


class Ripeness(ReportPanel):
    """The recall of each class."""

    type = "ripeness"
    title = "Ripeness"

    def render(self, run: StoredRun) -> str | None:
        evaluation = run.evaluate("test")
        rows = "".join(
            f"<tr><th>{escape(scores['class'])}</th><td>{scores['recall']:.2f}</td></tr>"
            for scores in evaluation.by_class()
        )
        layers = len(run.summary())
        return f"<p>{evaluation.samples} fruits & {layers} layers.</p><table>{rows}</table><br>"


class Rotten(ReportPanel):
    """Raises."""

    type = "rotten"
    title = "Rotten <fruit>"

    def render(self, run: StoredRun) -> str | None:
        raise ZeroDivisionError(f"nothing is left of {run.name}")


class Unripe(ReportPanel):
    """Says nothing of a run that finished."""

    type = "unripe"

    def render(self, run: StoredRun) -> str | None:
        return None if run.status == "finished" else "<p>Wait.</p>"
