"""Makes rents.csv: 1500 made-up flats, `python specs/data/make_rents.py`.

The rent is the area times the city's price of a square meter, changed by year, heating, condition
and, without an elevator, the floor, with noise of 8 %. Nothing about it is real; it has what rents
have: categories that multiply numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

SAMPLES = 1500
NOISE = 0.08
PRICES = {
    "Amberg": 7.5, "Birkenau": 9.0, "Cassel": 10.5, "Dorn": 8.0, "Elmstadt": 13.0, "Falken": 11.5,
    "Grauburg": 6.5, "Hohenau": 16.0, "Isenbach": 12.0, "Kranich": 9.5, "Linden": 14.5, "Moor": 7.0,
}  # fmt: skip
"""Euros a month for each square meter, by city."""
HEATING = {"district": 1.0, "gas": 0.97, "oil": 0.92, "heat pump": 1.06}
CONDITION = {"renovated": 1.12, "kept": 1.0, "worn": 0.86}
ELEVATOR = {"yes": 1.0, "no": 0.97}
"""The last: the factor for each floor above the ground."""


def rows(seed: int = 0) -> list[str]:
    """Return the lines of the file, the header first."""
    rng = np.random.default_rng(seed)
    area = np.clip(rng.gamma(7, 10, SAMPLES), 18, 190).round().astype(int)
    year, floor = rng.integers(1900, 2024, SAMPLES), rng.integers(0, 9, SAMPLES)
    chosen = [rng.choice([*table], SAMPLES) for table in (PRICES, HEATING, CONDITION, ELEVATOR)]
    noise = np.exp(NOISE * rng.standard_normal(SAMPLES))
    lines = ["area,year,floor,city,heating,condition,elevator,rent"]
    for index in range(SAMPLES):
        city, heating, condition, elevator = (str(column[index]) for column in chosen)
        modern = 1 + 0.002 * (int(year[index]) - 1960)
        factor = HEATING[heating] * CONDITION[condition] * ELEVATOR[elevator] ** int(floor[index])
        rent = PRICES[city] * int(area[index]) * modern * factor * float(noise[index]) / 100
        numbers = f"{area[index]},{year[index]},{floor[index]}"
        lines.append(f"{numbers},{city},{heating},{condition},{elevator},{rent:.2f}")
    return lines


if __name__ == "__main__":
    Path(__file__).with_name("rents.csv").write_text("\n".join(rows()) + "\n", "utf-8")
