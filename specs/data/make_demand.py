"""Write demand.csv: six years of a shop's daily sales, with trend, seasons, weather and promotions.

Sales in hundreds: a rising level, a yearly and a weekly season, a promotion that is planned in
advance and adds a share, warm days that add a little the day after, and noise that lasts for days.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

DAYS = 6 * 365
WEEK = np.array([0.9, 0.85, 0.9, 1.0, 1.25, 1.5, 0.6])  # from Monday


def rows() -> list[str]:
    """Return the lines of the file."""
    rng = np.random.Generator(np.random.PCG64(11))
    day = np.arange(DAYS)
    date = np.datetime64("2018-01-01") + day  # a Monday
    season = np.cos(2 * np.pi * (day - 200) / 365.25)  # warmest in July
    lasting = np.zeros(DAYS)
    weather = np.zeros(DAYS)
    for today in range(1, DAYS):
        lasting[today] = 0.8 * lasting[today - 1] + rng.normal(0, 0.08)
        weather[today] = 0.7 * weather[today - 1] + rng.normal(0, 2)
    temperature = 11 + 9 * season + weather
    promotion = np.zeros(DAYS, bool)
    for start in rng.choice(DAYS - 4, DAYS // 30, replace=False):
        promotion[start : start + rng.integers(2, 5)] = True
    level = 4 + 0.6 * day / 365 + 0.5 * season
    warm = 0.02 * np.roll(weather, 1)
    sales = (
        level * WEEK[day % 7] * (1 + 0.35 * promotion + warm) + lasting + rng.normal(0, 0.1, DAYS)
    )
    return ["date,temperature,promotion,sales"] + [
        f"{date[at]},{temperature[at]:.1f},{str(bool(promotion[at])).lower()},{sales[at]:.2f}"
        for at in day
    ]


if __name__ == "__main__":
    Path(__file__).with_name("demand.csv").write_text("\n".join(rows()) + "\n", "utf-8")
