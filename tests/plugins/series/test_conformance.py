"""The conformance kit on every example of the package's components."""

from __future__ import annotations

from declnet.testing import component_tests

test_components = component_tests("declnet_plugins.series")
