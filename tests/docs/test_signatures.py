"""The signatures of contracts, as the source of their pages shows them."""

from __future__ import annotations

import ast
import inspect
import textwrap

from declnet_pages.code_blocks import CodeBlock
from declnet_pages.public_names import public_contracts

import declnet

NOT_FOR_AUTHORS = {"kind", "required_methods", "verify_contract"}


def stub_of(cls: type) -> str:
    """Return the public attributes and methods of a contract, without docstrings and bodies."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    body: list[ast.stmt] = []
    for member in definition.body:
        if isinstance(member, ast.FunctionDef):
            name = member.name
            member.body = [ast.Expr(ast.Constant(...))]
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            name = member.target.id
            if name in inspect.get_annotations(declnet.Component):
                continue  # a field of all components, which the page documents once
        else:
            continue
        verifies = hasattr(cls, name.removeprefix("verify_")) and name.startswith("verify_")
        if not name.startswith("_") and name not in NOT_FOR_AUTHORS and not verifies:
            body.append(member)
    definition.body, definition.decorator_list = body, []
    return ast.unparse(definition)


def test_every_contract_shows_its_current_signatures(blocks: list[CodeBlock]) -> None:
    shown = {block.argument: block.text for block in blocks if block.verb == "signatures"}
    contracts = {contract.__name__: contract for contract in public_contracts().values()}
    expected = {name: stub_of(contracts.get(name) or getattr(declnet, name)) for name in shown}
    assert {name: ast.unparse(ast.parse(text)) for name, text in shown.items()} == expected
    assert contracts.keys() - {"ReportPanel"} <= set(shown)
