"""What a service promises."""

from dataclasses import asdict
from pathlib import Path

import pytest

from praxino.generation import price
from praxino.generation.speed import Run
from praxino.jobs import making, settings, turns
from praxino.jobs.settings import Settings
from praxino.request import Request, Shot
from praxino.server.quotes import Quotes

BALL = Request(shots=(Shot(seconds=2, prompt="a ball"),), width=128, height=96, seed=0)


def quoted(folder: Path, together: int) -> price.Quote:
    """Of a service of its own, where one film was made."""
    model = price.opened("pocket")
    db = turns.opened(Settings(data=folder, together=together))
    units = price.units_of(BALL, model)
    how = {"model": model.digest, "machine": "m", "units": units, "seconds": dict.fromkeys(units, 2.0), "total": 10.0}
    run = Run(**how, pixels=128 * 96, frames=60, peak_rss_bytes=10**9, file_bytes=10**5)
    making.remember(db, model.digest, asdict(run))
    made = Quotes(db=db).quote(BALL)
    assert made is not None
    return made


def test_where_a_device_makes_several_films_at_once_each_is_promised_as_if_it_came_last(tmp_path: Path):
    alone, beside = (quoted(tmp_path / f"{count}", count) for count in (1, 3))
    assert beside.seconds_p90 == pytest.approx(3 * alone.seconds_p90)
    assert beside.seconds_p50 == pytest.approx(3 * alone.seconds_p50)
    assert beside.peak_rss_bytes == 3 * alone.peak_rss_bytes
    assert (beside.tokens, beside.disk_bytes) == (alone.tokens, alone.disk_bytes)


@pytest.mark.parametrize("said", ["0", "1.5", "17", "two"])
def test_films_at_once_that_make_no_sense_are_refused_by_name(said: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PRAXINO_TOGETHER", said)
    with pytest.raises(ValueError, match="PRAXINO_TOGETHER"):
        settings.settings()
