"""The conformance checks of exporters, translations and importers."""
