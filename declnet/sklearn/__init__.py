"""scikit-learn estimators whose network is declared by a spec; needs the extra `sklearn`."""

try:
    from sklearn.utils.validation import validate_data  # noqa: F401  # new in 1.6
except ImportError as error:
    raise ImportError(
        "declnet.sklearn needs scikit-learn 1.6 or newer: pip install 'declnet[sklearn]'"
    ) from error

from declnet.sklearn.classifier import DeclnetClassifier
from declnet.sklearn.from_estimator import from_estimator
from declnet.sklearn.regressor import DeclnetRegressor

__all__ = ["DeclnetClassifier", "DeclnetRegressor", "from_estimator"]
