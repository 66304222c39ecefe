"""What it needs is not there."""

import fast_sigmoids  # type: ignore[import-not-found]  # noqa: F401
