"""People on real databases, SQLite and PostgreSQL, each looked at by two servers: who comes in, and who does not."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.postgres import settled

from praxino.jobs import (
    control,
    keys,
    ledger,
    making,
    moderation,
    people,
    people_apply,
    people_gate,
    people_invitations,
    people_keys,
    people_leave,
    people_sessions,
    people_throttle,
    queue,
    turns,
)
from praxino.jobs.database import tables, writing
from praxino.jobs.deny import Denial
from praxino.jobs.ledger import entries
from praxino.jobs.people import Person, Who
from praxino.jobs.people_apply import Application, TakenError
from praxino.jobs.people_gate import DAY, Rule
from praxino.jobs.people_invitations import InvitationError, Terms
from praxino.jobs.people_throttle import Limit
from praxino.jobs.queue import Ask
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database

OPERATOR = Who(tenant="studio", name="studio", role="operator", state="admitted", person=False)
TABLES = ("people", "sessions", "invitations", "gate", "tries", "keys", "jobs")
ABOUT = {"model": "pocket", "seconds": 1, "width": 64, "height": 48}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Database]]:
    """One database, opened by two."""
    with settled(request.param, Settings(data=tmp_path_factory.mktemp("people"), accounts=True)) as settings:
        opened = [turns.opened(settings) for _ in range(2)]
        yield opened
        for db in opened:
            db.engine.dispose()


@pytest.fixture
def db(servers: list[Database]) -> Database:
    """The first of them, with nobody in it."""
    with servers[0].engine.begin() as connection:
        for name in TABLES:
            connection.execute(tables.tables[f"praxino_{name}"].delete())
    return servers[0]


def came(db: Database, name: str, code: str | None = None) -> Person:
    return people_apply.apply(db, Application(name=name, password="$argon2id$...", code=code))


def state(db: Database, person: Person) -> str:
    found = people.find(db, person.id)
    assert found is not None
    return found.state


def due(db: Database, seconds: float) -> None:
    """The next was to be let in so many seconds ago."""
    with db.engine.begin() as connection:
        connection.execute(people.gate.update().values(next_at=time.time() - seconds, since=time.time() - 10 * DAY))


def at_once(servers: list[Database], count: int, action: Callable[[Database, int], object]) -> list[object]:
    """What so many threads, of two servers, get who do the same at the same moment; an error is what it says."""
    barrier = threading.Barrier(count)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return action(servers[number % 2], number)
        except (InvitationError, TakenError) as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_name_is_one_persons_in_any_case_and_what_a_key_could_have(db: Database):
    came(db, "Ann Müller")
    for same in ("ann müller", "ANN  MÜLLER", "Ａnn Müller"):
        with pytest.raises(TakenError, match="taken"):
            came(db, same)
    for name in ("", " ann", "a/b", "a" * 65, "a\n", "安娜", "a.b@c-d +e", "_"):
        made = []
        for attempt in (lambda n=name: came(db, n), lambda n=name: keys.create(db, n)):
            try:
                attempt()
                made.append(True)
            except ValueError:
                made.append(False)
        assert made[0] == made[1], name


def test_nobody_is_called_as_an_operators_key_is_or_as_ids_are(db: Database):
    keys.create(db, "Studio")
    for name in ("studio", "p_0123456789abcdef"):
        with pytest.raises(TakenError):
            came(db, name)


def test_of_many_who_want_a_name_at_once_one_has_it(servers: list[Database], db: Database):
    got = at_once(servers, 8, lambda at, number: came(at, "ann" if number % 2 else "Ann"))
    assert sum(isinstance(one, Person) for one in got) == 1


def test_who_applies_waits_in_line_and_nobody_promises_what_does_not_happen(db: Database):
    waiting = [came(db, name) for name in ("ann", "bob", "eve")]
    places = [people_gate.place(db, person) for person in waiting]
    assert [(place.state, place.position, place.estimate_at) for place in places] == [
        ("waiting", position, None) for position in (1, 2, 3)
    ]
    assert [person.id for person in people_gate.admit(db, 1)] == [waiting[0].id]
    place = people_gate.place(db, waiting[2])
    assert place.position == 2
    assert place.estimate_at == pytest.approx(time.time() + 2 * 7 * DAY, abs=5)  # one in the last seven days
    assert people_gate.place(db, people.looked_up(db, "ANN")).position is None


def test_a_rate_says_when_each_comes_in(db: Database):
    people_gate.turn(db, Rule(per_day=24))
    waiting = [came(db, f"p{number}") for number in range(5)]
    estimates = [people_gate.place(db, person).estimate_at for person in waiting]
    assert estimates == pytest.approx([time.time() + 3600 * (k + 1) for k in range(5)], abs=5)
    assert people_gate.sweep(db) == []
    due(db, 2 * 3600 + 10)  # three are: then, an hour later, two hours later
    assert [person.id for person in people_gate.sweep(db)] == [person.id for person in waiting[:3]]
    assert people_gate.gate(db).next_at == pytest.approx(time.time() + 3590, abs=5)
    assert people_gate.sweep(db) == []


def test_where_fewer_come_in_than_the_rate_says_the_estimate_is_later(db: Database):
    people_gate.turn(db, Rule(per_day=10))
    waiting = [came(db, f"p{number}") for number in range(3)]
    due(db, 0)
    with db.engine.begin() as connection:  # two days in which somebody waited, and nobody came in
        connection.execute(people.gate.update().values(since=time.time() - 2 * DAY))
    second = people_gate.place(db, waiting[1]).estimate_at
    assert second == pytest.approx(time.time() + 2 * DAY, abs=60)


def test_where_nobody_waits_no_turns_are_saved_up(db: Database):
    people_gate.turn(db, Rule(per_day=24))
    due(db, 10 * 3600)
    assert people_gate.sweep(db) == []
    waiting = [came(db, f"p{number}") for number in range(4)]
    assert [person.id for person in people_gate.sweep(db)] == [waiting[0].id]
    assert people_gate.sweep(db) == []


def test_many_servers_let_in_no_more_than_are_due(servers: list[Database], db: Database):
    people_gate.turn(db, Rule(per_day=24))
    waiting = [came(db, f"p{number:02}") for number in range(20)]
    due(db, 6.5 * 3600)
    let_in = [person.id for some in at_once(servers, 8, lambda at, _: people_gate.sweep(at)) for person in some]
    assert sorted(let_in) == sorted(person.id for person in waiting[:7])
    assert [state(db, person) for person in waiting].count("admitted") == 7


def test_operators_who_let_in_at_once_let_in_each_once(servers: list[Database], db: Database):
    waiting = [came(db, f"p{number:02}") for number in range(20)]
    let_in = [person.id for some in at_once(servers, 6, lambda at, _: people_gate.admit(at, 2)) for person in some]
    assert sorted(let_in) == sorted(person.id for person in waiting[:12])


def test_an_open_gate_lets_in_everybody_also_who_waits(db: Database):
    ann = came(db, "ann")
    people_gate.turn(db, Rule(open=True))
    assert (state(db, ann), came(db, "bob").state) == ("admitted", "admitted")
    people_gate.turn(db, Rule(open=False))
    assert came(db, "eve").state == "waiting"


def test_who_is_suspended_comes_back_to_where_they_were(db: Database):
    ann = came(db, "ann")
    people_gate.admit_one(db, ann.id)
    people.suspend(db, ann.id)
    assert not people.who(db, ann.id).may("maker")
    assert people_gate.admit_one(db, ann.id).admitted_by == "operator"
    with db.engine.connect() as connection:
        count = sa.select(sa.func.count()).select_from(entries).where(entries.c.tenant == ann.id)
        assert connection.execute(count).scalar_one() == 1  # welcomed once
    assert people_gate.put_back(db, ann.id).state == "waiting"
    with pytest.raises(ValueError, match="nobody"):
        people_gate.admit_one(db, "p_0000000000000000")


def test_roles_and_who_has_none_is_an_operator(db: Database):
    ann = people_gate.admit_one(db, came(db, "ann").id)
    assert [people.who(db, ann.id).may(role) for role in people.ROLES] == [True, False, False]
    people.give(db, ann.id, "moderator")
    assert [people.who(db, ann.id).may(role) for role in people.ROLES] == [True, True, False]
    assert people.who(db, "studio").may("operator")


def test_of_two_who_use_a_code_for_one_at_once_one_comes_in(servers: list[Database], db: Database):
    for round_ in range(5):
        _, code = people_invitations.invite(db, OPERATOR, Terms())
        got = at_once(servers, 4, lambda at, number, code=code, n=round_: came(at, f"p{n}-{number}", code))
        assert sum(isinstance(one, Person) for one in got) == 1
        assert {str(one) for one in got if isinstance(one, InvitationError)} == {
            "the invitation code is used up; ask for another, or apply without one"
        }
    assert len(people.every(db)) == 5


def test_a_code_for_three_lets_in_three_and_says_who_they_are(servers: list[Database], db: Database):
    made, code = people_invitations.invite(db, OPERATOR, Terms(uses=3, bonus=70))
    got = at_once(servers, 8, lambda at, number: came(at, f"p{number}", code))
    let_in = [one for one in got if isinstance(one, Person)]
    assert len(let_in) == 3
    assert all(one.state == "admitted" and one.invitation == made.id for one in let_in)
    assert sorted(people_invitations.came(db, "studio")[made.id]) == sorted(str(one.name) for one in let_in)
    assert people_invitations.inviters(db) == {made.id: "studio"}
    with db.engine.connect() as connection:
        assert {ledger.purse(connection, one.id).balance for one in let_in} == {300 + 70}  # welcome and bonus


def test_codes_expire_and_are_taken_back(db: Database):
    made, code = people_invitations.invite(db, OPERATOR, Terms(uses=5))
    assert people_invitations.revoke(db, made.id, inviter="studio")
    _, old = people_invitations.invite(db, OPERATOR, Terms(days=1e-9))
    for wrong, why in ((code, "was taken back"), (old, "has expired"), ("pi_nothing", "is not known")):
        with pytest.raises(InvitationError, match=why):
            came(db, "ann", wrong)
    assert people.every(db) == []  # and nobody has come to be by it


def test_makers_invite_as_many_as_the_gate_says_and_are_thanked(servers: list[Database], db: Database):
    ann = people_gate.admit_one(db, came(db, "ann").id)
    who = people.who(db, ann.id)
    with pytest.raises(InvitationError, match="0 people"):
        people_invitations.invite(db, who, Terms())
    people_gate.turn(db, Rule(invitations=3, inviter_bonus=40))
    got = at_once(servers, 6, lambda at, _: people_invitations.invite(at, who, Terms()))
    codes = [one[1] for one in got if isinstance(one, tuple)]
    assert len(codes) == 3
    came(db, "bob", codes[0])
    with db.engine.connect() as connection:
        assert ledger.purse(connection, ann.id).balance == 300 + 40
    unused = next(one.id for one in people_invitations.of(db, ann.id) if not one.used)
    assert not people_invitations.revoke(db, unused, inviter="another")
    assert people_invitations.revoke(db, unused, inviter=ann.id)
    people_invitations.invite(db, who, Terms())  # in its place


def test_the_database_holds_no_code(tmp_path: Path):
    db = turns.opened(Settings(data=tmp_path))
    _, code = people_invitations.invite(db, OPERATOR, Terms())
    with writing(db.engine) as connection:
        assert people_invitations.use(connection, code).used == 1
    db.engine.dispose()
    assert code.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("praxino.sqlite*"))


def test_tries_are_counted_by_all_servers_together(servers: list[Database], db: Database):
    limits = {"ann": Limit(most=5, every=60), "here": Limit(most=100, every=1)}
    waits = at_once(servers, 12, lambda at, _: people_throttle.take(at, limits))
    assert waits.count(0.0) == 5
    assert all(50 < wait <= 60 for wait in waits if wait)
    people_throttle.give_back(db, limits)
    assert people_throttle.take(db, limits) == 0.0
    assert people_throttle.take(db, {"bob": limits["ann"]}) == 0.0
    with db.engine.begin() as connection:  # two minutes later
        connection.execute(sa.update(people_throttle.tries).values(at=people_throttle.tries.c.at - 120))
    assert [bool(people_throttle.take(db, limits)) for _ in range(3)] == [False, False, True]


def test_a_session_lasts_from_its_last_use_and_the_database_cannot_open_one(db: Database):
    ann = came(db, "ann")
    token, other = people_sessions.begin(db, ann.id), people_sessions.begin(db, ann.id)
    who = people_sessions.owner(db, token)
    assert who is not None
    assert (who.tenant, who.name, who.state) == (ann.id, "ann", "waiting")
    assert people_sessions.owner(db, keys.digest(token)) is None
    with db.engine.begin() as connection:
        old = time.time() - 29 * DAY
        connection.execute(people.sessions.update().values(seen_at=old, expires_at=old + people_sessions.LASTS))
    assert people_sessions.owner(db, token) is not None  # and so it lasts thirty days more
    people_sessions.renew(db, ann.id, "another digest", who.session)
    assert (people_sessions.owner(db, other), people_apply.password_of(db, ann.id)) == (None, "another digest")
    with db.engine.begin() as connection:
        assert connection.execute(sa.select(people.sessions.c.expires_at)).scalar_one() > time.time() + 29 * DAY
        connection.execute(people.sessions.update().values(expires_at=time.time() - 1))
    assert people_sessions.owner(db, token) is None
    people_sessions.expire(db)


def test_keys_are_ones_own(db: Database):
    _, key = people_keys.create(db, "p_1")
    assert keys.tenant_of(db, key) == "p_1"
    name = people_keys.of(db, "p_1")[0].id
    assert not people_keys.revoke(db, "p_2", name)
    assert people_keys.revoke(db, "p_1", name)
    assert (people_keys.of(db, "p_1"), keys.tenant_of(db, key)) == ([], None)
    for _ in range(people_keys.MOST):
        people_keys.create(db, "p_1")
    with pytest.raises(people_keys.ManyError, match="20 keys"):
        people_keys.create(db, "p_1")


def test_who_leaves_leaves_a_row_without_a_name(db: Database, tmp_path: Path):
    ann = people_gate.admit_one(db, came(db, "ann").id)
    storage, token, (_, key) = Storage(Settings(data=tmp_path)), people_sessions.begin(db, ann.id), _key(db, ann)
    waits, runs = (queue.submit(db, Ask(tenant=ann.id, work={"verb": "generate"}, about=ABOUT)) for _ in range(2))
    bobs = queue.submit(db, Ask(tenant="bob", work={"verb": "generate"}, about=ABOUT))
    control.move(db, runs, before=waits.id)
    assert making.claim(db, "turn-1") == runs.id
    film = tmp_path / "media" / waits.id / "film.mp4"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"film")

    people_leave.leave(db, storage, ann.id)
    assert (people_sessions.owner(db, token), keys.tenant_of(db, key)) == (None, None)
    assert not film.exists()
    with db.engine.connect() as connection:
        left = connection.execute(sa.select(tables.tables["praxino_jobs"])).all()
        row = connection.execute(sa.select(people.people)).one()
    assert {(job.id, job.wanted) for job in left} == {(runs.id, "delete"), (bobs.id, None)}
    assert (row.name, row.folded, row.password, row.email, row.reason) == (None,) * 5
    assert people.who(db, ann.id).state == "deleted"  # and no operator
    late = queue.submit(db, Ask(tenant=ann.id, work={"verb": "generate"}, about=ABOUT))  # was on its way
    people_leave.clear(db, storage)
    assert queue.get(db, ann.id, late.id) is None
    assert came(db, "ann").id != ann.id
    with pytest.raises(ValueError, match="nobody"):
        people.give(db, ann.id, "operator")


def test_what_is_kept_is_told_without_what_opens_anything(db: Database):
    ann = people_gate.admit_one(db, came(db, "ann").id)
    people_sessions.begin(db, ann.id)
    _key(db, ann)
    queue.submit(db, Ask(tenant=ann.id, work={"request": {"shots": [{"prompt": "a red ball"}]}}, about=ABOUT))
    queue.submit(db, Ask(tenant="bob", work={}, about=ABOUT))
    kept = people_leave.export(db, ann.id)
    assert kept["account"]["name"] == "ann"
    assert [video["work"]["request"]["shots"][0]["prompt"] for video in kept["videos"]] == ["a red ball"]
    assert [len(kept[name]) for name in ("sessions", "keys", "videos", "entries")] == [1, 1, 1, 1]
    columns = {
        column for rows in kept.values() for row in (rows if isinstance(rows, list) else [rows]) for column in row
    }
    assert not columns & people_leave.SECRET


def _key(db: Database, person: Person) -> tuple[str, str]:
    made, key = people_keys.create(db, person.id)
    return made.id, key


def test_what_somebody_wrote_to_moderators_leaves_with_them(db: Database, tmp_path: Path):
    ann = people_gate.admit_one(db, came(db, "ann").id)
    denial = Denial(rule="r", en="why", zh="为什么")
    one, two = (moderation.appeal(db, ann.id, f"prompt {number}", denial, "please") for number in range(2))
    moderation.decide(db, one, "allow", by="studio", note="fine")
    people_leave.leave(db, Storage(Settings(data=tmp_path)), ann.id)
    kept = moderation.get(db, one.id)
    assert kept is not None
    assert (kept.prompt, kept.note, kept.state) == (None, None, "allow")
    assert moderation.get(db, two.id) is None
