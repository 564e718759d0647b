# SPDX-License-Identifier: MIT
"""goromdb beside redis-server with the same data: the same bytes to both, replies byte for byte.

Reads go to a redis master, what is refused to a replica of it. Every difference that is meant is in
redis_allowed.py with its reason; one that is not there any more fails, too.
"""

import os
import random

import pytest

import redis_cases as cases
from harness import Server, encode
from redis_servers import RealPair, listener, lmdb_file
from redis_allowed import ALLOWED
from redis_judges import differences
from redis_transcript import last_words, name, transcripts
from redis_wire import Wire

SEED = int(os.environ.get("GOROMDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
BOTH = pytest.mark.parametrize("resp", [2, 3], ids=["RESP2", "RESP3"])
SCRIPTING = {"eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "function", "script"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    pair = RealPair(tmp_path_factory.mktemp("redis"), cases.DATABASES)
    yield pair
    pair.stop()


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The path of the server's socket. The first database is LMDB, the second JSON."""
    server = Server(
        tmp_path_factory.mktemp("goromdb"),
        databases={
            "first": {"storage": "lmdb", "file": "in/first.mdb", "basedir": "first"},
            "second": {"storage": "json", "file": "in/second.json", "basedir": "second"},
        },
        listeners=[listener("first", "second", listen="unix:goromdb.sock")],
    )
    server.start()
    server.load(lmdb_file(cases.DATABASES[0]), "first")
    server.load(encode(texts(cases.DATABASES[1])), "second")
    yield server.address()
    server.stop()


def texts(words):
    """{bytes: bytes or {bytes: bytes}} as what JSON takes."""
    return {
        key.decode(): texts(value) if isinstance(value, dict) else value.decode()
        for key, value in words.items()
    }


@pytest.fixture(scope="module")
def table(real):
    """redis' own table: name to (arity, flags, subcommands as such a table)."""

    def rows(commands):
        return {
            row[0].decode().rpartition("|")[2]: (row[1], {f.decode() for f in row[2]}, rows(row[9]))
            for row in commands
        }

    with Wire(real.master.path) as conn:
        return rows(conn.ask("COMMAND"))


# ---- cases that are made from redis' table -------------------------------------------------------


def wrong_arities(prefix, arity):
    """The request with one word less and, where their number is fixed, with one more."""
    if abs(arity) > len(prefix):
        yield (*prefix, *["x"] * (abs(arity) - 1 - len(prefix)))
    if arity > 0:
        yield (*prefix, *["x"] * (arity + 1 - len(prefix)))


def arity_cases(table):
    made = []
    for command, (arity, _, subcommands) in sorted(table.items()):
        if command in SCRIPTING:
            continue
        made += wrong_arities((command,), arity)
        if subcommands:
            made += [(command, "nosuch"), (command.upper(), "NoSuch", "x")]
        for subcommand, (sub_arity, _, _) in sorted(subcommands.items()):
            made += wrong_arities((command, subcommand), sub_arity)
    return made


def write_cases(table):
    """Each command that writes: with as few words as it may have, with more, with a large value."""
    made = []
    for command, (arity, flags, subcommands) in sorted(table.items()):
        writes = [((command,), arity)] if "write" in flags else []
        writes += [
            ((command, s), a) for s, (a, f, _) in sorted(subcommands.items()) if "write" in f
        ]
        if command in SCRIPTING:
            continue
        for prefix, least in writes:
            fill = ["1"] * (abs(least) - len(prefix))
            made.append((*prefix, *fill))
            if least < 0:
                made += [(*prefix, *fill, "x"), (*prefix, *fill, *["y"] * 100)]
            if len(fill) > 0:
                made.append((*prefix, *fill[:-1], b"z" * 100_000))
    return made + cases.WRITE_IN_TRANSACTION


# ---- the comparison ------------------------------------------------------------------------------


def compare(path, reference, requests, resp):
    """One by one, then all in one packet, then in pieces: each time the reference's replies."""
    titles = [name(case) for case in requests]
    assert len(set(titles)) == len(titles), sorted(t for t in titles if titles.count(t) > 1)
    theirs = transcripts(reference, requests, resp)
    for way in ("each", "pipelined", "pieces"):
        our = transcripts(path, requests, resp, way, SEED)
        found = differences(requests, our, theirs, ALLOWED)
        assert not found, (
            f"{len(found)} of {len(requests)} replies ({way}, RESP{resp}, seed {SEED}):\n"
            + "\n".join(found)
        )


GROUPS = {
    "strings": cases.STRING,
    "keys": cases.GENERIC,
    "hashes": cases.HASH,
    "scans": cases.SCAN,
    "connection": cases.CONNECTION,
    "tracking": cases.TRACKING,
    "pubsub": cases.PUBSUB,
    "transactions": cases.TRANSACTION,
    "server": cases.SERVER,
    "unknown": cases.UNKNOWN,
    "other types": cases.TYPES,
    "inline": cases.INLINE,
}


@BOTH
@pytest.mark.parametrize("group", GROUPS)
def test_a_request_gets_redis_reply(ours, real, group, resp):
    compare(ours, real.master.path, GROUPS[group], resp)


@BOTH
def test_a_wrong_number_of_arguments_is_told_as_redis_tells_it(ours, real, table, resp):
    made = arity_cases(table)
    assert len(made) > 300
    compare(ours, real.master.path, made, resp)


@BOTH
def test_a_write_is_refused_as_a_replica_refuses_it(ours, real, table, resp):
    made = write_cases(table)
    assert len(made) > 200
    compare(ours, real.replica.path, made, resp)


@BOTH
def test_a_request_that_ends_the_connection_is_answered_as_by_redis(ours, real, resp):
    requests = cases.CLOSING
    theirs = [last_words(real.master.path, case, resp) for case in requests]
    for way in ("each", "pieces"):
        our = [last_words(ours, case, resp, way, SEED) for case in requests]
        found = differences(requests, our, theirs, ALLOWED)
        assert not found, f"{len(found)} replies ({way}, seed {SEED}):\n" + "\n".join(found)


@BOTH
def test_requests_by_chance_get_redis_reply(ours, real, table, resp):
    """The same ones each time, so that the test says the same each time; the seed finds others."""
    dice = random.Random(os.environ.get("GOROMDB_TEST_SEED", "by chance"))
    made = cases.cases_by_chance(dice, table, 1500)
    theirs = transcripts(real.replica.path, made, resp)
    our = transcripts(ours, made, resp, "pieces", SEED)
    found = differences(made, our, theirs, {})
    assert not found, f"{len(found)} of {len(made)} (seed {SEED}):\n" + "\n".join(found)


def test_redis_restores_what_is_dumped(ours, real):
    with Wire(ours) as conn, Wire(real.master.path) as redis:
        for key, value in cases.STRINGS.items():
            assert redis.ask("RESTORE", "restored", 0, conn.ask("DUMP", key), "REPLACE") == b"OK"
            assert redis.ask("GET", "restored") == value
        redis.ask("DEL", "restored")


def test_scripts_are_unknown_commands(ours, table):
    """A client that is told NOSCRIPT would send the script."""
    with Wire(ours) as conn:
        for command in sorted(SCRIPTING & set(table)):
            error = conn.error(command, "x", "0")
            assert error == f"ERR unknown command '{command}', with args beginning with: 'x' '0' "


def test_every_exception_belongs_to_a_case(table):
    requests = [case for group in GROUPS.values() for case in group]
    requests += arity_cases(table) + write_cases(table) + cases.CLOSING
    assert set(ALLOWED) <= {name(case) for case in requests}
