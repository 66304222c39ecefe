"""The two files of a program: the header, which says how it is called, and the source.

Names of the model, of columns and of classes are in string literals only, never in comments.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from declnet_plugins.exchange import ExportedModel
from declnet_plugins.export.c99.interface import INTERFACE, Field, Interface, Output
from declnet_plugins.export.c99.model_writer import ModelWriter
from declnet_plugins.export.c99.self_test import self_test
from declnet_plugins.export.c99.text import braced, string
from declnet_plugins.export.c99.writer import TEXT, Program

ERRORS = (
    ("OK", "the prediction was made"),
    ("MISSING", "a value is missing, and the model has no substitute"),
    ("UNKNOWN_CATEGORY", "a category that the training data does not have"),
    ("OUT_OF_RANGE", "a number is infinite, or none that the column can have"),
    ("NOT_FINITE", "the prediction is infinite or NaN"),
    ("INVALID_TEXT", "a text that is not a date as in the training data, or not UTF-8"),
)
"""What a call returns, from 0 on."""


def header(model: ExportedModel, writer: ModelWriter, program: Program) -> str:
    """Return the header."""
    prefix, capitals = writer.prefix, writer.prefix.upper()
    interface = Interface(
        dict(model.metadata),
        prefix,
        writer.number,
        writer.takes_array,
        tuple(replace(field, column=replace(field.column, missing=())) for field in writer.fields),
        tuple(writer.outputs),
    )
    codes = "\n".join(
        f"    {capitals}_{name} = {code}{',' if code < len(ERRORS) - 1 else ''} /* {text} */"
        for code, (name, text) in enumerate(ERRORS)
    )
    parts = [
        _about(writer, program),
        f"#ifndef {capitals}_H\n#define {capitals}_H\n\n#include <stdint.h>",
        '#ifdef __cplusplus\nextern "C" {\n#endif',
        "/* What the calls below return. */\nenum {\n" + codes + "\n};",
    ]
    if not writer.takes_array:
        parts.append(_row(writer))
    parts += [_output_struct(writer, output) for output in writer.outputs if output.name]
    parts += [_outputs(writer), _workspace(prefix, program), _constants(writer)]
    parts.append(_functions(writer))
    parts.append(
        f"/* The model, and the structs above, in JSON. */\n"
        f"#define {capitals}_{INTERFACE} {string(interface.as_json())}"
    )
    parts.append(f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {capitals}_H */")
    return "\n\n".join(parts) + "\n"


def _about(writer: ModelWriter, program: Program) -> str:
    return f"""/*
 * A model written by declnet; {writer.prefix.upper()}_{INTERFACE} has its name and versions.
 * Constants: {program.constant_bytes} bytes, which may be in flash memory.
 * Workspace: {program.workspace_bytes} bytes; no memory is allocated, nothing recurses.
 * The source needs C99, expf and the like of math.h, and int of 32 bits or more.
 */"""


def _row(writer: ModelWriter) -> str:
    lines = [
        "/* A sample; a missing number is NAN, a missing text NULL. */",
        "typedef struct {",
    ]
    for number, row_field in enumerate(writer.fields):
        described = f"{writer.prefix}_columns[{number}], {_described(row_field)}"
        lines.append(f"    {_declared(row_field)} /* {described} */")
    return "\n".join([*lines, f"}} {writer.prefix}_row;"])


def _declared(row_field: Field) -> str:
    if row_field.is_array:
        return f"const {row_field.ctype} *{row_field.name};"
    ctype = row_field.ctype if row_field.ctype == TEXT else f"{row_field.ctype} "
    many = f"[{row_field.column.window}]" if row_field.column.window is not None else ""
    return f"{ctype}{row_field.name}{many};"


def _described(row_field: Field) -> str:
    column = row_field.column
    words: str = column.type
    if column.window is not None:
        when = "the next" if column.source else "the last"
        words += f", of {when} {column.window} rows, the earliest first"
    if row_field.is_array:
        sizes = " x ".join(map(str, column.shape))
        many = f" ({sizes}, the last axis fastest)" if len(column.shape) > 1 else ""
        words += f", {row_field.size} numbers{many}"
    return words


def _output_struct(writer: ModelWriter, output: Output) -> str:
    return f"typedef struct {{\n{_output_fields(writer, output)}\n}} {writer.prefix}_{output.name};"


def _output_fields(writer: ModelWriter, predicted: Output) -> str:
    output, name = predicted.output, f"{writer.prefix}_{predicted.name}_classes".replace("__", "_")
    number, lines = writer.number, []
    if output.task in ("classes", "binary"):
        lines.append(f"    int label; /* the predicted class, a position in {name} */")
    if output.task == "flags":
        lines.append(f"    int flags[{predicted.size}]; /* 1 for yes, 0 for no */")
    kind = number if output.task == "values" else "float"
    about = {
        "values": "in the unit of the target",
        "scores": f"above {output.threshold} for the second class"
        if output.task != "classes"
        else "the largest belongs to the predicted class",
        "probabilities": f"in the order of {name}" if output.classes else "of yes",
    }[predicted.numbers]
    lines.append(f"    {kind} {predicted.numbers}[{predicted.count}]; /* {about} */")
    if output.intervals:
        size = prod(output.interval_shape)
        lines.append(f"    {number} lower[{size}], upper[{size}]; /* the bounds of the values */")
    if output.sets:
        count = len(output.classes or ())
        lines.append(f"    int in_set[{count}]; /* 1 for each class that is likely enough */")
    return "\n".join(lines)


def _outputs(writer: ModelWriter) -> str:
    lines = ["/* A prediction; after an error, only the last fields mean something. */"]
    lines.append("typedef struct {")
    for output in writer.outputs:
        member = f"    {writer.prefix}_{output.name} {output.name};" if output.name else None
        lines.append(member or _output_fields(writer, output))
    what = f"a position in {writer.prefix}_columns, or -1"
    lines.append("    int valid; /* 1 if the prediction was made, 0 after an error */")
    lines.append(f"    int column; /* the column of an error, {what} */")
    return "\n".join([*lines, f"}} {writer.prefix}_output;"])


def _workspace(prefix: str, program: Program) -> str:
    lines = [f"    {ctype} {name}[{size}];" for name, (ctype, size) in program.sizes.items()]
    return (
        "/* Memory for one prediction at a time; its contents before and after do not matter. */"
        "\ntypedef struct {\n" + ("\n".join(lines) or "    char unused;") + f"\n}} "
        f"{prefix}_workspace;"
    ).replace("const char * ", "const char *")


def _constants(writer: ModelWriter) -> str:
    prefix = writer.prefix
    lines = [f"extern const char *const {prefix}_columns[{len(writer.fields)}];"]
    for output in writer.outputs:
        if output.output.classes is not None:
            count = len(output.output.classes)
            lines.append(f"extern const char *const {_classes(writer, output)}[{count}];")
    return "/* Names, in UTF-8. */\n" + "\n".join(lines)


def _classes(writer: ModelWriter, output: Output) -> str:
    return f"{writer.prefix}_{output.name}_classes" if output.name else f"{writer.prefix}_classes"


def _signature(writer: ModelWriter, reentrant: bool) -> str:
    prefix = writer.prefix
    call = f"{prefix}_predict_array" if writer.takes_array else f"{prefix}_predict"
    argument = (
        f"const {writer.fields[0].ctype} *sample"
        if writer.takes_array
        else f"const {prefix}_row *row"
    )
    more = f", {prefix}_workspace *workspace" if reentrant else ""
    ending = "_with" if reentrant else ""
    return f"int {call}{ending}({argument}, {prefix}_output *out{more})"


def _functions(writer: ModelWriter) -> str:
    about = ""
    if writer.takes_array:
        sample = writer.fields[0]
        sizes = " x ".join(map(str, sample.column.shape))
        many = f" ({sizes}, the last axis fastest)" if len(sample.column.shape) > 1 else ""
        about = f"`sample` has {sample.size} numbers{many}.\n   "
    prefix = writer.prefix
    return f"""/* {about}Predict, and return {prefix.upper()}_OK or an error. This call uses one \
static workspace, so it is not
   for several threads at a time. */
{_signature(writer, False)};

/* The same in a workspace of the caller, for any number of threads. */
{_signature(writer, True)};

/* Predict stored rows; return 0 if the results are those of declnet, or else the number of the
   first row that differs. It exists if the source is compiled with -DDECLNET_SELF_TEST_FUNCTION, or
   -DDECLNET_SELF_TEST, which adds a main. `largest`, if not null, gets the largest difference, as a
   share of the largest number. */
int {prefix}_self_test(float *largest);"""


def source(
    model: ExportedModel, writer: ModelWriter, program: Program, name: str, rows: int
) -> str:
    """Return the source; `name` is the header's file name."""
    prefix = writer.prefix
    columns = braced(string(field.column.name) for field in writer.fields)
    names = [f"const char *const {prefix}_columns[{len(writer.fields)}] = {columns};"]
    for output in writer.outputs:
        if output.output.class_names is not None:
            items = braced(map(string, output.output.class_names))
            names.append(
                f"const char *const {_classes(writer, output)}[{len(output.output.class_names)}] = "
                f"{items};"
            )
    argument = "sample" if writer.takes_array else "row"
    call = _signature(writer, True).split("(", maxsplit=1)[0].removeprefix("int ")
    unused = "" if program.uses_workspace else "    (void) workspace;\n"
    parts = [
        f'#include "{name}"\n\n#include <float.h>\n#include <limits.h>\n#include <math.h>\n'
        "#include <stddef.h>",
        '#if INT_MAX < 2147483647\n#error "int has less than 32 bits"\n#endif',
        *names,
        program.declarations,
        f"{_signature(writer, True)}\n{{\n{unused}    out->valid = 0;\n"
        f"    out->column = -1;\n{program.calls}\n    out->valid = 1;\n"
        f"    return {prefix.upper()}_OK;\n}}",
        f"{_signature(writer, False)}\n{{\n    static {prefix}_workspace memory;\n"
        f"    return {call}({argument}, out, &memory);\n}}",
        self_test(model, writer, rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
