"""The exporter of C99: a source file and its header, which need nothing but a C compiler."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field

from declnet import OutputError, error_message
from declnet_plugins.exchange import (
    ExportedInterface,
    ExportedModel,
    Exporter,
    ExportError,
    ExportSummary,
    FilePredictor,
    translate_model,
)
from declnet_plugins.export.c99.compiled import CompiledProgram, compiler
from declnet_plugins.export.c99.files import header, source
from declnet_plugins.export.c99.interface import read_interface
from declnet_plugins.export.c99.model_writer import ModelWriter
from declnet_plugins.export.c99.text import identifier

INCLUDABLE = re.compile(r"[\w .+-]+")
"""What a file's name may be, which the source has in its #include."""


class C99(Exporter):
    """C99 for any processor, down to microcontrollers: `model.c` and `model.h`.

    No memory is allocated, constants are `static const`, numbers in the network are float32, and
    all functions, types and constants begin with the file's name. The header says how it is called,
    and how much memory it takes.
    """

    type = "c"
    suffixes = (".c",)

    prefix: str | None = Field(
        default=None,
        pattern="^[A-Za-z][A-Za-z0-9_]*$",
        description="what all names begin with; default: the file's name",
    )
    numbers: Literal["double", "float"] = Field(
        default="double",
        description='type of raw numbers and of their preparation; "float" for processors without '
        "double precision, if the columns need no more than 7 digits",
    )
    self_test_rows: int = Field(
        default=8, ge=0, description="real rows that the self-test stores, at most"
    )

    def export(self, model: ExportedModel, path: Path) -> ExportSummary:
        """Write the source to the path, and the header to the same folder."""
        if not INCLUDABLE.fullmatch(path.name):
            message = f"{path.name!r} has characters that #include cannot have in every compiler"
            raise ExportError([(message, "choose a name of letters, digits, spaces and _ . - +")])
        writer = ModelWriter(self.prefix or identifier(path.stem, "model"), self.numbers)
        writer.prepare(model)
        parts = translate_model(model, self.type, writer)
        program = writer.finish()
        header_path = path.with_suffix(".h")
        header_path.write_text(header(model, writer, program), encoding="utf-8")
        text = source(model, writer, program, header_path.name, self.self_test_rows)
        path.write_text(text, encoding="utf-8")
        notes = [
            f"{program.constant_bytes} bytes of constants, {program.workspace_bytes} bytes of "
            "workspace"
        ]
        if compiler() is None:
            notes.append("no C compiler was found to check the file with; CC names one")
        return ExportSummary(parts, tuple(notes))

    def interface(self, path: Path) -> ExportedInterface:
        """Return what the header says."""
        header_path = path.with_suffix(".h")
        try:
            interface = read_interface(header_path)
        except (OSError, ValueError) as error:
            raise OutputError(f"{header_path}: cannot be read: {error_message(error)}") from None
        return ExportedInterface(
            tuple(field.column for field in interface.fields),
            tuple(output.output for output in interface.outputs),
        )

    def predictor(self, path: Path) -> FilePredictor | None:
        """Compile the file and return a function that runs it; None without a C compiler."""
        return None if compiler() is None else CompiledProgram.of(path)
