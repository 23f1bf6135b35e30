"""Who took part in a set of recordings: sex, age, height and weight, by which unequal performance becomes visible."""

from __future__ import annotations

import csv

from tools import fall_data

LIMITS = {"age": ("age_years", 60, "years"), "height": ("height_cm", 170, "cm"), "weight": ("weight_kg", 65, "kg")}
NAMES = ("sex", *LIMITS)


class People:
    """The people of one set, `sisfall` or `weda`."""

    def __init__(self, data_set: str) -> None:
        with (fall_data.DATA / data_set / "subjects.csv").open(newline="", encoding="utf-8") as file:
            self._rows = {row["subject"]: row for row in csv.DictReader(file)}

    def group(self, name: str, person: str) -> str:
        """Of a person, the group by one of NAMES. KeyError for somebody who is not on record."""
        row = self._rows[person]
        if name == "sex":
            return row["sex"]
        column, limit, unit = LIMITS[name]
        return f"under {limit} {unit}" if float(row[column]) < limit else f"{limit} {unit} and more"
