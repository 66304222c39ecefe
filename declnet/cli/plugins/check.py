"""`declnet plugins check`: run the conformance kit on an installed plugin."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("package")
def check(package: str) -> None:
    """Check PACKAGE, a plugin, distribution or package name; exit with 1 on a failure."""
    from declnet.testing import check_package

    report = check_package(package)
    click.echo(str(report))
    sys.exit(0 if report.succeeded else 1)
