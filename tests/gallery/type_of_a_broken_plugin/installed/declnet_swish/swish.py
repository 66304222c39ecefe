"""A module whose import fails."""

import fast_sigmoids  # type: ignore[import-not-found]  # noqa: F401
