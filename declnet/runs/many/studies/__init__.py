"""The trials of the section `[tune]` of a spec: proposed, trained and recorded."""
