"""`declnet evaluate --analyze`, as text and as JSON."""

from __future__ import annotations


def test_a_file_is_analyzed_with_columns_that_are_no_features(flowers, declnet_cli, tmp_path):
    lines = flowers.table.read_text("utf-8").splitlines()
    more = [
        f"{line},{'site' if not n else 'north' if n % 3 else 'south'}"
        for n, line in enumerate(lines)
    ]
    (tmp_path / "more.csv").write_text("\n".join(more), "utf-8")
    options = ("--data", "more.csv", "--analyze", "{ type = 'groups', by = 'site' }")
    out = declnet_cli.succeeds("evaluate", flowers.run, *options)
    north, south = (
        next(line for line in out.splitlines() if line.strip().startswith(name)).split()
        for name in ("north", "south")
    )
    assert (int(north[1]), int(south[1])) == (80, 40)


def test_every_error_of_an_option_is_reported_at_its_value(flowers, declnet_cli):
    options = (
        "--analyze",
        "importence",
        "--analyze",
        "{ type = 'importance', repeats = 1, by = 2 }",
    )
    done = declnet_cli("evaluate", flowers.run, *options)
    assert done.returncode == 2
    assert done.stderr.count("error[") == 3
    assert '"repeats" must be at least 2, not 1\n --> --analyze:2:34' in done.stderr
    assert 'did you mean "importance"?' in done.stderr
    done = declnet_cli("evaluate", flowers.run, "--analyze", "{ type = 'groups', by = 'colour' }")
    assert done.returncode == 2
    assert 'groups: there is no column "colour" (did you mean "color"?)' in done.stderr
