"""`declnet doctor`: reports on sound and broken environments, and deletion of caches."""

from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import version

import pytest

import declnet
from declnet.inspection.doctor import requirements
from declnet.inspection.doctor.cached_files import delete_cached, find_cache

from ...distributions import write_distribution, write_metadata


@pytest.fixture
def diagnosed(command_in, tmp_path):
    """Run `declnet doctor --format json`; return the exit code and the output."""

    def run(*sites, **environment):
        cache = {"DECLNET_CACHE_DIR": str(tmp_path / "cache")}
        done = command_in(tmp_path, *sites, **{**cache, **environment})("doctor", "--format=json")
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return run


def test_a_sound_installation_has_no_problem(diagnosed):
    code, diagnosis = diagnosed()
    assert (code, diagnosis["problems"]) == (0, [])
    assert diagnosis["declnet"] == declnet.__version__
    assert diagnosis["python"].split()[-1] == platform.python_version()
    assert diagnosis["packages"]["numpy"] == version("numpy")
    assert "layers" in diagnosis["plugins"][f"declnet {declnet.__version__}"]
    assert 1 <= diagnosis["usable_cores"] <= diagnosis["cores"] == os.cpu_count()
    assert diagnosis["blas"][0]["threads"] >= 1


def test_a_broken_plugin_is_a_problem_with_its_distribution_and_place(diagnosed, tmp_path):
    site = write_distribution(tmp_path / "site", "declnet-wrong", "import no_such_module", "2.5")
    code, diagnosis = diagnosed(site)
    assert code == 1
    (problem,) = diagnosis["problems"]
    assert problem.startswith("plugin declnet_wrong (declnet-wrong 2.5): ModuleNotFoundError")
    assert f"{site / 'declnet_wrong.py'}:1" in problem
    assert diagnosis["plugins"]["declnet-wrong 2.5"] == ["declnet_wrong"]


def test_a_numpy_that_cannot_be_imported_is_reported(command_in, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('no libopenblas\\nadvice')", "utf-8")
    with command_in(tmp_path, tmp_path).start("doctor") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "")
    assert "\nproblem: NumPy cannot be imported: no libopenblas\n" in out
    assert "plugin losses (declnet" in out


def test_clean_deletes_only_declnets_caches(command_in, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir(0o700)
    hexadecimal = "0" * 32
    for name in (f"fused-{hexadecimal}.o", f"runs-0.1.0-4-{hexadecimal}.json"):
        (cache / name).write_bytes(b"x" * 1000)
    others = ["diary.txt", "fused.o", f"{hexadecimal}.o", "runs.json"]
    for name in others:
        (cache / name).write_text("mine", "utf-8")
    (cache / f"link-{hexadecimal}.o").symlink_to(cache / "diary.txt")
    unpacked, mine = cache / "packs" / ("0" * 64) / "iris-1", cache / "packs" / "mine"
    for folder in (unpacked, mine):
        folder.mkdir(parents=True)
        (folder / "spec.toml").write_bytes(b"x" * 1000)
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(cache))
    described = find_cache()
    assert (described.folder, described.files, described.bytes) == (str(cache), 3, 3000)
    command = command_in(tmp_path, DECLNET_CACHE_DIR=str(cache))
    first, *_ = command.succeeds("doctor", "--clean").splitlines()
    assert first == "cache: 3 files deleted, 0.0 MiB"
    assert [*cache.glob("packs/*/*")] == [mine / "spec.toml"]
    remaining = sorted([*others, f"link-{hexadecimal}.o", "packs"])
    assert sorted(path.name for path in cache.iterdir()) == remaining
    assert delete_cached() == (0, 0)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_cache_that_others_can_change_is_a_problem_and_is_not_cleaned(
    diagnosed, command_in, tmp_path
):
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    assert diagnosed()[1]["problems"] == [
        f"the cache is not used: other users can write to {cache}"
    ]
    done = command_in(tmp_path, DECLNET_CACHE_DIR=str(cache))("doctor", "--clean")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: the cache is not cleaned: other users can write to {cache}\n"


@pytest.mark.skipif(os.name == "nt", reason="permissions and variables of POSIX")
def test_the_home_folder_is_not_shown_anywhere(command_in, tmp_path):
    home, besides = tmp_path / "jane.doe", tmp_path / "jane.doe2"
    site = write_distribution(home / "site", "declnet-wrong", "import no_such_module", "2.5")
    (home / "cache").mkdir()
    (home / "cache").chmod(0o777)
    places = {"HOME": str(home), "DECLNET_CACHE_DIR": str(home / "cache")}
    done = command_in(tmp_path, site, besides, **places)("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert str(home) not in done.stdout.replace(str(besides), "")
    assert "other users can write to ~/cache\n" in done.stdout
    assert "environment: DECLNET_CACHE_DIR=~/cache\n" in done.stdout
    assert re.search(f"^environment: PYTHONPATH=~/site:{besides}", done.stdout, re.MULTILINE)
    assert "(~/site/declnet_wrong.py:1)" in done.stdout


def test_the_text_agrees_with_the_json_and_shows_no_secrets(command_in, tmp_path):
    secrets = {"DECLNET_DB_PASSWORD": "hunter2", "DECLNET_STRICT_PLUGINS": "0"}
    text = command_in(tmp_path, **secrets).succeeds("doctor")
    assert "hunter2" not in text
    assert "environment: DECLNET_STRICT_PLUGINS=0\n" in text
    assert f"numpy {version('numpy')}" in text
    for extra in requirements.find_extras():
        state = " ".join(min(extra.installed.items(), default=()))
        if extra.missing:
            state = f"{'; '.join(extra.missing)}: {extra.command}"
        assert re.search(f"^extra {extra.name}: .*{re.escape(state)}", text, re.MULTILINE)


def test_requirements_respect_extras_and_environment_markers(tmp_path, monkeypatch):
    write_metadata(tmp_path, "declnet", "9.0", {})
    required = [
        "numpy>=1000",
        "click>=1",
        "winreg-only>=1; sys_platform == 'odd'",
        "rich>=1; extra == 'nice'",
        "no-such-thing>=3; extra == 'nice'",
        "winreg-only>=1; sys_platform == 'odd' and extra == 'nice'",
    ]
    lines = ["Metadata-Version: 2.1", "Name: declnet", "Version: 9.0", "Provides-Extra: nice"]
    lines += [f"Requires-Dist: {requirement}" for requirement in required]
    (tmp_path / "declnet-9.0.dist-info" / "METADATA").write_text("\n".join(lines), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    numpy = version("numpy")
    assert [*requirements.unmet_core()] == [
        f'numpy {numpy} is installed, but >=1000 is needed: pip install "numpy>=1000"'
    ]
    assert requirements.core_packages() == {"numpy": numpy, "click": version("click")}
    (nice,) = requirements.find_extras()
    assert nice.installed == {"rich": version("rich")}
    assert nice.missing == ("no-such-thing is not installed",)
    assert nice.command == "pip install 'declnet[nice]'"
