"""Faults of specs that extend others: told in the file that has them."""

from __future__ import annotations

from declnet import load_spec

BASE = """\
declnet = 1
loss = "mean_squared_eror"
[data]
train = { type = "nnfs_sine" }
[model]
layers = [{ type = "dense", units = 1 }]
[optimizer]
type = "sgd"
momentum = 2
[training]
epochs = 1
"""


def test_faults_of_inherited_keys_are_told_in_the_base_after_those_of_the_spec(files, told):
    files(
        bases__base=BASE,
        top='extends = "bases/base.toml"\n[training]\nepoch = 1\n[optimizer]\ndecay = "0"\n',
    )
    assert [each[:2] for each in told()] == [
        ("top.toml:3:1", "E010"),
        ("top.toml:5:9", "E012"),
        ("bases/base.toml:2:8", "E015"),
        ("bases/base.toml:9:12", "E013"),
    ]


def test_what_the_spec_writes_itself_is_no_fault_of_the_base(files):
    files(
        base=BASE,
        top='extends = "base.toml"\nloss = "mean_squared_error"\noptimizer = "adam"\n',
    )
    assert load_spec("top.toml").optimizer.type == "adam"


def test_a_bare_name_of_the_base_is_told_there_though_the_spec_adds_keys(files, told):
    files(
        base='declnet = 1\nloss = "hinge"\noptimizer = "sdg"\n[training]\nepochs = 1\n'
        '[model]\nlayers = ["relu"]\n',
        top='extends = "base.toml"\n[optimizer]\nmomentum = 0.5\n',
    )
    assert [each[:2] for each in told()] == [("base.toml:3:13", "E015")]


def test_faults_of_an_override_are_told_there(files, told):
    files(base=BASE, top='extends = "base.toml"\n')
    assert [each[:2] for each in told(overrides=["optimizer.momentum=3", "loss=x"])] == [
        ("--set:1:6", "E015"),
        ("--set:1:20", "E013"),
    ]


def test_every_file_is_upgraded_and_a_wrong_version_told_in_its_own(files, told):
    files(base=BASE.replace("declnet = 1", "declnet = 99"), top='extends = "base.toml"\n')
    found = told()
    assert ("base.toml:1:11", "E007") in [each[:2] for each in found]
    files(top='extends = "base.toml"\ndeclnet = 1\n')
    assert ("base.toml:1:11", "E007") in [each[:2] for each in told()]


def test_a_version_that_no_file_says_is_missed_in_the_spec(files, told):
    files(base=BASE.replace("declnet = 1\n", ""), top='extends = "base.toml"\n')
    assert ("top.toml:1:1", "E007") in [each[:2] for each in told()]


def test_keys_that_stand_twice_are_told_in_their_files(files, told):
    files(
        base=BASE.replace("_eror", "_error").replace("momentum = 2", "decay = 0\ndecay = 1"),
        top='extends = "base.toml"\nseed = 1\nseed = 2\n',
    )
    assert [each[:2] for each in told()] == [("top.toml:3:1", "E003"), ("base.toml:10:1", "E003")]


def test_a_fault_of_a_base_of_two_bases_is_told_once(files, told):
    files(
        base=BASE.replace("momentum = 2", "decay = 0\ndecay = 1").replace("_eror", "_error"),
        left='extends = "base.toml"\n',
        right='extends = "base.toml"\n',
        top='extends = ["left.toml", "right.toml"]\n',
    )
    assert [each[:2] for each in told()] == [("base.toml:10:1", "E003")]
