"""Ratings in `rating.sqlite`: the last one of each rater for each place, and every one there was, with its time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from specsight.benchmark.rating.folder import STORE, RatingFolder, check_ratings
from specsight.errors import SpecsightError
from specsight.storage.database import database, now, reading, writing

metadata = sa.MetaData()
ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("rater", sa.Text, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),  # ISO 8601, UTC
    sa.Column("values", sa.Text, nullable=False),  # scale → value, as JSON
    sa.Column("comment", sa.Text, nullable=False),
    sa.Index("ratings_place", "rater", "place"),
)
"""Rows are only ever added; the last one of a place stands."""
LONGEST_COMMENT = 10_000


@dataclass(frozen=True)
class Rated:
    """What a rater said of one statement."""

    values: Mapping[str, int]
    comment: str = ""


class Saving(NamedTuple):
    """A rating to be saved."""

    place: int
    rated: Rated


class RatingStore:
    """The ratings of a folder; any number of threads and processes may use it at once."""

    def __init__(self, folder: RatingFolder, clock: Callable[[], datetime] = now) -> None:
        self.folder, self.clock = folder, clock
        _ = folder.rating
        self.engine = database(folder.path / STORE)
        with writing(self.engine) as connection:
            metadata.create_all(connection)

    def save(self, rater: str, savings: Sequence[Saving]) -> None:
        """Save ratings, all or none. Raises SpecsightError for a place that the rater does not have, and for values
        that are missing or none from 1 to 5."""
        moment = self.clock().isoformat(timespec="milliseconds")
        rows = []
        for place, rated in savings:
            if (rater, place) not in self.folder.statements:
                raise SpecsightError(f"'{rater}' has no statement {place}")
            if len(rated.comment) > LONGEST_COMMENT:
                raise SpecsightError(
                    f"statement {place}: the comment has more than {LONGEST_COMMENT:,} characters"
                )
            values = json.dumps(check_ratings(rated.values, self.folder.scales))
            rows.append(
                {"rater": rater, "place": place, "at": moment, "values": values, "comment": rated.comment}
            )
        if rows:
            with writing(self.engine) as connection:
                connection.execute(sa.insert(ratings), rows)

    def rated(self, rater: str | None = None) -> dict[tuple[str, int], Rated]:
        """(rater, place) → the rating that stands; of all raters, or one."""
        last = sa.select(sa.func.max(ratings.c.id)).group_by(ratings.c.rater, ratings.c.place)
        query = sa.select(ratings).where(ratings.c.id.in_(last)).order_by(ratings.c.rater, ratings.c.place)
        if rater is not None:
            query = query.where(ratings.c.rater == rater)
        with reading(self.engine) as connection:
            return {
                (row["rater"], row["place"]): Rated(json.loads(row["values"]), row["comment"])
                for row in connection.execute(query).mappings()
            }
