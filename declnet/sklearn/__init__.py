"""scikit-learn estimators whose network is declared by a spec; needs the extra `sklearn`."""

try:
    import sklearn  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise ModuleNotFoundError(
        "declnet.sklearn needs scikit-learn: pip install 'declnet[sklearn]'", name="sklearn"
    ) from None

from declnet.sklearn.classifier import DeclnetClassifier
from declnet.sklearn.regressor import DeclnetRegressor

__all__ = ["DeclnetClassifier", "DeclnetRegressor"]
