"""The page at /docs: one self-contained file, made from the columns of the served models."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape

from declnet_plugins.serve.models import Column, ServedModel
from declnet_plugins.serve.options import Options

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; overflow-wrap: anywhere; }
pre, textarea { font: 14px/1.4 ui-monospace, monospace; background: var(--soft); padding: .8rem; }
pre { overflow: auto; white-space: pre-wrap; }
textarea { width: 100%; box-sizing: border-box; color: inherit; border: 1px solid var(--line); }
button { font: inherit; padding: .3rem 1rem; }
"""

_SCRIPT = """
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    output.textContent = "…";
    try {
      const answer = await fetch(form.dataset.path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: form.querySelector("textarea").value,
      });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* as it is */ }
      output.textContent = `${answer.status}\\n${shown}`;
    } catch (error) {
      output.textContent = String(error);
    }
  });
}
"""

MOST_SHOWN = 50


def docs_page(models: Mapping[str, ServedModel], options: Options) -> tuple[bytes, str]:
    """Return the page and its content security policy, which allows its own script and style."""
    sections = "\n".join(_section(name, served, options) for name, served in models.items())
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>declnet: {escape(", ".join(models))}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Models</h1>
<p>Rows are sent as JSON or CSV; the predictions come as JSON, or as CSV with
<code>Accept: text/csv</code>. A request has at most {options.max_rows} rows and
{options.max_bytes} bytes. Errors are <code>application/problem+json</code> with row and column;
with <code>?on_error=empty</code>, a row that cannot be predicted has the reason in
<code>error</code> instead.
For programs: <a href="/openapi.json">openapi.json</a>, <a href="/models">models</a>,
<a href="/health">health</a>.</p>
{sections}
<script>{_SCRIPT}</script>
</body>
</html>
"""
    policy = (
        f"default-src 'none'; style-src {_hashed(_STYLE)}; script-src {_hashed(_SCRIPT)}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.encode("utf-8", "replace"), policy


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _section(name: str, served: ServedModel, options: Options) -> str:
    model, path = served.model, f"/models/{name}/predict"
    example = "" if model.example is None else json.dumps(model.example, ensure_ascii=False)
    if model.columns is not None:
        rows = "".join(map(_row, model.columns))
        inputs = f"<table><tr><th>column</th><th>type</th><th>values</th></tr>{rows}</table>"
    else:
        shapes = "".join(
            f"<li><code>{escape(input_ or 'x')}</code>: (n{''.join(f', {s}' for s in shape)})</li>"
            for input_, shape in model.sample_shape.items()
        )
        inputs = f"<p>An array of samples, as nested lists:</p><ul>{shapes}</ul>"
    outputs = "".join(
        f"<tr><td><code>{escape(output)}</code></td><td>{kind}</td></tr>"
        for output, kind in list(model.outputs.items())[:MOST_SHOWN]
    )
    shown = example if len(example) <= 2000 else ""
    host = f"http://{options.host}:{options.port}"
    curl = f"curl {host}{path} -H 'Content-Type: application/json' -d '{shown or '…'}'"
    label = f"body-{escape(name)}"
    return f"""<section>
<h2>{escape(name)}</h2>
<p><code>POST {escape(path)}</code>, version {escape(model.version)}</p>
<h3>Input</h3>
{inputs}
<h3>Prediction</h3>
<table><tr><th>column</th><th>type</th></tr>{outputs}</table>
<h3>Try it</h3>
<pre>{escape(curl)}</pre>
<form data-path="{escape(path)}">
<label for="{label}">Rows as JSON</label>
<textarea id="{label}" rows="5" spellcheck="false">{escape(example)}</textarea>
<p><button>Predict</button></p>
<pre><output aria-live="polite"></output></pre>
</form>
</section>"""


def _row(column: Column) -> str:
    values = ""
    if column.known is not None:
        shown = [escape(str(value)) for value in column.known[:MOST_SHOWN]]
        values = ", ".join(f"<code>{value}</code>" for value in shown)
        more = len(column.known) - MOST_SHOWN
        values += f", {more} more" if more > 0 else ""
        values += "" if column.closed else "; others are accepted"
    name, kind = escape(column.name), column.type or "number or text"
    return f"<tr><td><code>{name}</code></td><td>{kind}</td><td>{values}</td></tr>"
