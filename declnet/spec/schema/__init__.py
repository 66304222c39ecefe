"""The JSON Schema of specs, for editors.

`document.json_schema` makes it of what pydantic says of the models (`forms`, `catalogue`), in two
parts that do not mix: `validation` says what is right, in a form that faults are reported exactly
in, and `completion` says what may be written, for an editor that reads no conditions.
"""
