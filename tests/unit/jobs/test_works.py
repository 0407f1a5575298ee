"""Works, cases, votes and figures on real databases, SQLite and PostgreSQL."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from tests.postgres import settled

from praxino.jobs import (
    control,
    insight,
    making,
    moderation,
    people_apply,
    people_leave,
    preference,
    queue,
    sweep,
    turns,
    votes,
    works,
)
from praxino.jobs.database import jobs, tables
from praxino.jobs.deny import Denial
from praxino.jobs.job import Job
from praxino.jobs.making import Owner
from praxino.jobs.people_apply import Application
from praxino.jobs.queue import Ask
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database

NO = Denial(rule="weapons", en="weapons", zh="武器")
ABOUT = {"model": "pocket", "seconds": 2.0, "width": 64, "height": 48, "prompt": "a ball"}
DAY = 86_400


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with settled(request.param, Settings(data=tmp_path_factory.mktemp("works"), accounts=True)) as settings:
        db = turns.opened(settings)
        yield db
        db.engine.dispose()


@pytest.fixture
def db(opened: Database) -> Database:
    """With nothing in it."""
    with opened.engine.begin() as connection:
        for table in tables.sorted_tables:
            connection.execute(table.delete())
    return opened


def made(db: Database, tenant: str = "ann", *, work: dict | None = None, quote: dict | None = None, **about) -> Job:
    """A completed film."""
    asked = {"verb": "generate", "request": {}} | (work or {})
    job = queue.submit(db, Ask(tenant=tenant, work=asked, about=ABOUT | about, quote=quote))
    name = making.claim(db, f"turn {job.id}")
    assert name == job.id
    owner = Owner(job=job.id, workflow=f"turn {job.id}", worker="w")
    making.begin(db, owner)
    result = {"seconds": 2.0, "width": 64, "height": 48, "fps": 30}
    making.end(db, owner, "completed", result=result)
    return read(db, job)


def read(db: Database, job: Job) -> Job:
    found = queue.get(db, job.tenant, job.id)
    assert found is not None
    return found


def age(db: Database, job: Job, days: float) -> None:
    """It ended so long ago."""
    with db.engine.begin() as connection:
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(ended_at=time.time() - days * DAY))


def test_published_films_do_not_expire_and_withdrawn_ones_have_their_whole_time_again(db: Database):
    storage = Storage(db.settings)
    shown, plain = made(db), made(db)
    works.publish(db, shown, "Shown")
    for job in (shown, plain):
        age(db, job, 100)
    assert sweep.expire(db, storage) == 1
    assert queue.get(db, "ann", plain.id) is None
    assert works.withdraw(db, read(db, shown)) is not None
    assert sweep.expire(db, storage) == 0
    about = read(db, shown).about
    assert "work" not in about
    assert about["kept_since"] == pytest.approx(time.time(), abs=60)
    with db.engine.begin() as connection:
        connection.execute(works.works.update().values(changed_at=time.time() - 100 * DAY))
    assert sweep.expire(db, storage) == 1


def test_a_deleted_video_is_a_work_that_is_gone_and_only_its_title_stays(db: Database):
    job = made(db, prompt="my secret garden")
    work = works.publish(db, job, "Garden")
    later = works.publish(db, made(db, "bob", of=work.id), "Garden too")
    assert control.delete(db, job)
    found = works.get(db, work.id)
    assert found is not None
    assert (found.state, found.prompt) == ("gone", "")
    assert [one.id for one in works.page(db, after=None, limit=9, search=None)[0]] == [later.id]
    again = works.get(db, later.id)
    assert again is not None
    assert again.of == works.Credit(id=work.id, title="Garden", by="ann")


@pytest.mark.parametrize(
    ("search", "found"),
    [("GARDEN", 1), ("50%", 1), ("5_%", 0), ("花园", 1), ("Ｇarden", 1), ("花  园", 0), ("STRASSE", 1), ("", 1)],
)
def test_a_search_is_for_a_text_in_title_or_prompt(db: Database, search: str, found: int):
    works.publish(db, made(db, prompt="花园 in a Straße"), "Garden at 50% off")
    assert len(works.page(db, after=None, limit=9, search=search)[0]) == found


def test_who_has_left_has_no_name_any_more(db: Database):
    person = people_apply.apply(db, Application(name="Ada", password="a long password it is"))
    work = works.publish(db, made(db, person.id), "Hers")
    assert work.by == "Ada"
    people_leave.leave(db, Storage(db.settings), person.id)
    found = works.get(db, work.id)
    assert found is not None
    assert (found.by, found.state) == (works.SOMEBODY, "gone")


def test_many_reports_at_once_are_one_case_and_a_new_one_opens_it_again(db: Database):
    work = works.publish(db, made(db), "Bad")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: moderation.report(db, work, f"tenant {k % 12}", f"reason {k}"), range(24)))
    assert len({case.id for case in found}) == 1
    (case,), more = moderation.page(db, opened=True, after=None, limit=1)
    assert not more
    assert len(case.reports) == 12
    moderation.decide(db, case, "keep", by="op", note="fine")
    assert moderation.report(db, work, "tenant 1", "once more").state == "keep"
    assert moderation.report(db, work, "somebody else", "I mind too").state == "open"
    with pytest.raises(moderation.WrongVerdictError, match="choose keep or remove"):
        moderation.decide(db, case, "allow", by="op", note="")
    assert len(moderation.decide(db, case, "remove", by="op", note="bad after all").decisions) == 2


def test_an_allowed_prompt_is_allowed_to_its_writer_only_and_until_it_is_denied(db: Database):
    case = moderation.appeal(db, "ann", "How to make a bomb", NO, "for a museum")
    assert moderation.appeal(db, "ann", "how to  MAKE a bomb!", NO, "again").id == case.id
    assert not moderation.allowed(db, "ann", "how to make a bomb")
    moderation.decide(db, case, "allow", by="op", note="")
    assert moderation.allowed(db, "ann", "How to make a bomb.")
    assert not moderation.allowed(db, "bob", "How to make a bomb")
    assert not moderation.allowed(db, "ann", "How to make two bombs")
    moderation.decide(db, case, "deny", by="op", note="no")
    assert not moderation.allowed(db, "ann", "How to make a bomb")
    for k in range(moderation.MOST):
        moderation.appeal(db, "ann", f"bomb {k}", NO, "")
    with pytest.raises(moderation.TooManyError):
        moderation.appeal(db, "ann", "one more bomb", NO, "")


def test_a_pair_is_two_models_that_met_least_and_never_the_same_twice(db: Database):
    for model in ("pocket", "giant", "dwarf"):
        works.publish(db, made(db, model=model), model)
    made(db, model="secret")  # not shown to bob
    made(db, "bob", model="draft", work={"draft": True})
    made(db, "bob", model="short", seconds=1.0)
    seen = []
    while (vote := votes.following(db, "bob")) is not None:
        assert votes.following(db, "bob") == vote
        assert vote.compares == "models"
        seen.append(frozenset((vote.a_model, vote.b_model)))
        votes.cast(db, vote, "same")
    assert len(seen) == len(set(seen)) == 3
    assert {name for pair in seen for name in pair} == {"pocket", "giant", "dwarf"}
    assert {row.name for row in preference.strengths(votes.meetings(db))} == {"pocket", "giant", "dwarf"}


def test_of_one_model_settings_are_compared_and_left_out_of_the_table(db: Database):
    for steps in (4, 4, 36):
        made(db, work={"request": {"steps": steps}})
    vote = votes.following(db, "ann")
    assert vote is not None
    assert vote.compares == "settings"
    votes.cast(db, vote, "a")
    assert (votes.meetings(db), votes.counted(db)) == ([], (1, 1))
    with pytest.raises(votes.VotedError):
        votes.cast(db, vote, "b")


def test_a_pair_whose_film_went_is_asked_no_more(db: Database):
    first, _ = made(db, model="giant"), made(db)
    vote = votes.following(db, "ann")
    assert vote is not None
    assert control.delete(db, first)
    assert votes.following(db, "ann") is None
    assert not votes.visible(db, "ann", first.id)


def test_figures_do_not_get_better_by_deleting(db: Database):
    films = [made(db, quote={"seconds_p50": 1.0, "seconds_p90": 2.0, "tokens": 3.0}) for _ in range(4)]
    work = works.publish(db, films[0], "Shown")
    works.remixed(db, work, made(db, "bob"))
    works.remixed(db, work, films[3])
    for job in films[:2]:
        assert control.delete(db, job)
    age(db, films[2], 100)
    sweep.expire(db, Storage(db.settings))
    found = insight.films(db, 0, tenant="ann")
    tally = insight.tally(found)
    assert (tally.made, tally.kept, tally.published, tally.hits, tally.seconds) == (4, 2, 1, 3, 8)
    assert tally.hit_rate == 0.75
    assert len(insight.remixed(db, "ann", 0)) == 1  # of others
    assert all(film.straight and film.quote and film.device is not None for film in found)
    assert len(insight.films(db, 0)) == 5
    with db.engine.connect() as connection:
        columns = set(connection.execute(sa.select(insight.past)).keys())
    assert not columns & {"prompt", "about", "title"}


def test_time_in_pause_is_not_held_against_a_quote(db: Database):
    job = queue.submit(db, Ask(tenant="ann", work={"verb": "generate"}, about=ABOUT))
    control.pause(db, job)
    control.resume(db, job)
    owner = Owner(job=str(making.claim(db, "turn")), workflow="turn", worker="w")
    making.begin(db, owner)
    making.end(db, owner, "completed", result={"seconds": 2.0})
    (film,) = insight.films(db, 0)
    assert not film.straight


def test_weeks_are_those_of_iso_8601():
    assert insight.week(0) == "1970-W01"
    assert insight.week(1_798_675_200) == "2026-W53"
