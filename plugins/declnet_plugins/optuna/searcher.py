"""The searcher `optuna`."""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from declnet import Diagnostic, OpenStudy, RunError, Searcher, StudyContext
from declnet_plugins.optuna.storage import PASSWORD, SQLITE, absolute, folder_of, open_storage

SamplerName = Literal["tpe", "random", "cma-es", "grid"]
PrunerName = Literal["median", "hyperband", "none"]

NEEDS = ("optuna", "sqlalchemy")

MOST_POINTS = 100_000
"""Maximum number of points of a grid; more are taken for a mistake."""


class OptunaSearcher(Searcher):
    """Optuna: samplers that learn from the trials before, and pruners that stop the worst early.

    The study is in a database, which may be shared: each `declnet tune` that names the same one
    takes further trials of the same study. With one process and the same seed, a study has the
    same trials every time.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # which might contain a password

    type = "optuna"
    is_default = True
    examples = ({}, {"sampler": "cma-es", "pruner": "hyperband"})

    sampler: SamplerName = Field(
        default="tpe", description="tpe, random, cma-es, or grid, which ends after all combinations"
    )
    pruner: PrunerName = Field(
        default="median",
        description="median, which stops trials worse than the median of those before at the same "
        "epoch; hyperband; or none",
    )
    storage: str | None = Field(
        default=None,
        description="the database, as in sqlite:///study.db or postgresql://user@host/name, "
        "without a password; default: a file in the study's folder",
    )
    password_env: str | None = Field(
        default=None,
        pattern=r"^DECLNET_\w+$",
        description="the environment variable that has the database's password",
    )
    study: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="the study's name in the database; default: the spec's name",
    )

    @field_validator("storage", mode="before")
    @classmethod
    def _with_absolute_path(cls, url: Any, info: ValidationInfo) -> Any:
        folder = folder_of(url, info.context)
        return absolute(url, folder) if isinstance(url, str) and folder is not None else url

    @field_validator("storage")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if PASSWORD.search(url):
            raise ValueError(
                "the storage contains a password: name in password_env an environment variable "
                "that has it"
            )
        if "://" not in url or (url.startswith("sqlite") and SQLITE.fullmatch(url) is None):
            raise ValueError(
                "the storage must be a url, as in sqlite:///study.db or postgresql://user@host/name"
            )
        return url

    def unavailable(self) -> str | None:
        """Return the missing extra, or None."""
        needs = (*NEEDS, *(["cmaes"] if self.sampler == "cma-es" else []))
        missing = next((need for need in needs if find_spec(need) is None), None)
        return f"{missing} is not installed: pip install 'declnet[tune]'" if missing else None

    def check_study(self, study: StudyContext) -> Iterable[Diagnostic]:
        """Yield what a grid cannot search, and a database that cannot be reached."""
        if self.sampler == "grid":
            yield from study.check_grid(MOST_POINTS, ("sampler",))
        is_server = self.storage is not None and not self.storage.startswith("sqlite")
        if is_server and self.unavailable() is None:
            try:
                open_storage(self.storage or "", self.password_env).engine.dispose()
            except RunError as error:
                yield Diagnostic(str(error), None, ("storage",))

    def open(self, study: StudyContext) -> OpenStudy:
        """Open the study, or make it."""
        missing = self.unavailable()
        if missing is not None:
            raise RunError(f"the searcher optuna: {missing}")
        from declnet_plugins.optuna.study import OptunaStudy

        url = self.storage or f"sqlite:///{(study.directory.absolute() / 'study.db').as_posix()}"
        return OptunaStudy(study, self, url)
