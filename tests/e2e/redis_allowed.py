# SPDX-License-Identifier: MIT
"""Every difference to redis that is meant, by the name of its case, with the reason."""

from redis_cases import SCRIPTING
from redis_judges import (
    Allowed,
    as_map,
    in_any_order,
    is_exactly,
    matches,
    pairs_in_any_order,
    plain,
    same_but,
    same_commands,
    same_fields,
    same_kind,
    same_names,
    same_shape,
    says_help,
)

ALLOWED = {}


def allow(reason, judge, *cases, always=True):
    for case in cases:
        assert case not in ALLOWED, case
        ALLOWED[case] = Allowed(reason, judge, always)


# Reasons that come with several cases.
ORDER = "the order of a hash table is chance in redis, the file's here"
CHANCE = "a chance element"
NUMBERS = "numbers of this process"
WORDING = "our own words"
NEWER = "a command of redis 7.2, which clients send: the version that is told is 7.2.4"
NO_SCRIPTS = "there are no scripts"
OTHERS = "a client has no power over others"

NEW_COMMANDS = {b"client|setinfo", b"client|no-touch"}

allow(ORDER, in_any_order, "KEYS *", "KEYS many:0?", "KEYS many:*", "HKEYS wide", "HVALS wide")
allow(ORDER, in_any_order, "KEYS *e*o*", 'HKEYS "binary hash"', 'HVALS "binary hash"', always=False)
allow(ORDER, pairs_in_any_order, "HGETALL wide", "HSCAN wide 0 COUNT 100000")
allow(ORDER, pairs_in_any_order, 'HGETALL "binary hash"', 'HSCAN "binary hash" 0', always=False)
allow(
    ORDER,
    in_any_order,
    *("SCAN 0 COUNT 100000", "SCAN 0 COUNT 100000 MATCH many:*", "SCAN 0 COUNT 100000 TYPE string"),
)
allow(
    ORDER,
    in_any_order,
    *("SCAN 0 TYPE hash COUNT 100000", "SCAN 0 COUNT 100000 TYPE HASH"),
    always=False,
)
allow(ORDER, matches(rb"\*2\r\n\$\d+\r\n\d+\r\n\*10\r\n.*"), 'SCAN ""')
allow(ORDER, pairs_in_any_order, "CONFIG GET databases appendonly", always=False)
allow(CHANCE, same_shape, "RANDOMKEY", "HRANDFIELD user:1", "HRANDFIELD user:1 2", always=False)
allow(CHANCE, same_shape, "HRANDFIELD wide 5")
allow("redis takes a sign", is_exactly(b"-ERR invalid cursor\r\n"), "SCAN -1", "HSCAN user:1 -1")

allow(NUMBERS, same_kind, "MEMORY USAGE hoge", "MEMORY USAGE user:1", "MEMORY USAGE hoge SAMPLES 5")
allow(NUMBERS, same_kind, "CLIENT ID", "LASTSAVE", always=False)
allow(
    "redis' clock ticks each second",
    lambda ours, theirs: ours == b":0\r\n" and same_kind(ours, theirs),
    *("OBJECT IDLETIME hoge", "OBJECT IDLETIME user:1"),
    always=False,
)
allow(NUMBERS, same_shape, "TIME")
HELLO = same_but((rb"\$6\r\n7\.0\.15", rb"$5\r\n7.2.4"), (rb"\$2\r\nid\r\n:\d+", b""))
allow(
    NUMBERS,
    HELLO,
    *("HELLO", "HELLO 2", "HELLO 3", "HELLO 2 SETNAME me | CLIENT GETNAME"),
    "HELLO 3 | RESET | GET missing",
    *("HELLO 3 SETNAME me | CLIENT GETNAME", "HELLO 3 AUTH default anything | GET missing"),
    *("HELLO 3 | GET missing | HELLO 2 | GET missing", "MULTI | HELLO 3 | GET missing | EXEC"),
)
# In RESP2 it is refused.
allow(NUMBERS, HELLO, "SUBSCRIBE a | HELLO 2", always=False)


def same_clients(ours, theirs):
    """The names of a line's fields; those of redis 7.2 come at the end."""

    def names(data):
        line = plain(data).decode().removeprefix("txt:").strip().splitlines()[-1]
        return [field.partition("=")[0] for field in line.split(" ")]

    assert names(ours) == [*names(theirs), "lib-name", "lib-ver"], names(ours)
    return True


allow(NUMBERS, same_clients, "CLIENT INFO", "CLIENT LIST", "CLIENT LIST TYPE normal")
allow("there is no replica", matches(rb"(\$0\r\n|=4\r\ntxt:)\r\n"), "CLIENT LIST TYPE replica")
allow("there is no replica", is_exactly(b":0\r\n"), "WAIT 0 0")
allow("there is no replica", is_exactly(b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"), "ROLE")
allow(
    "what clients of a cluster send is accepted", is_exactly(b"+OK\r\n"), *("READONLY", "READWRITE")
)

allow(NEWER, is_exactly(b"+OK\r\n"), "CLIENT SETINFO LIB-NAME mine", "CLIENT SETINFO LIB-VER 1.0")
allow(NEWER, is_exactly(b"+OK\r\n"), "CLIENT NO-TOUCH on", "CLIENT NO-TOUCH off")
allow(NEWER, is_exactly(b"-ERR Unrecognized option 'NOSUCH'\r\n"), "CLIENT SETINFO NOSUCH x")

allow(
    OTHERS,
    is_exactly(b"-NOPERM this server's clients cannot end others\r\n"),
    *("CLIENT KILL 1.2.3.4:5", "CLIENT KILL ID x", "CLIENT KILL ID 0", "CLIENT KILL NOSUCH x"),
    "CLIENT KILL ID 999999999",
)
allow(
    OTHERS,
    is_exactly(b"-NOPERM this server's clients cannot hold up others\r\n"),
    *("CLIENT PAUSE x", "CLIENT UNPAUSE"),
)

allow(
    WORDING,
    says_help,
    *(f"{command} HELP" for command in ("OBJECT", "CLIENT", "PUBSUB", "CONFIG", "SLOWLOG")),
    *(f"{command} HELP" for command in ("LATENCY", "MEMORY", "MODULE", "ACL", "COMMAND")),
)
allow(
    WORDING,
    same_kind,
    "LATENCY DOCTOR",
    "MEMORY DOCTOR",
    "MEMORY MALLOC-STATS",
    "LOLWUT",
    "LOLWUT VERSION 5",
)
allow(NUMBERS, same_names, "MEMORY STATS")
allow(ORDER, lambda o, t: set(as_map(plain(o))) == set(as_map(plain(t))), "CONFIG GET *")

MISSING_FIELDS = (r"slave\d+", r"errorstat_\w+", r"cmdstat_.*", r"latency_percentiles_.*")
NEW_FIELDS = (r"# Goromdb", r"goromdb_.*")
allow(
    NUMBERS,
    same_fields(MISSING_FIELDS, NEW_FIELDS),
    *("INFO", "INFO server", "INFO replication keyspace", "INFO everything", "INFO all"),
    "INFO default",
    "INFO errorstats",
)
allow(
    NUMBERS,
    same_fields(MISSING_FIELDS, NEW_FIELDS),
    *("INFO clients", "INFO CLIENTS"),
    always=False,
)

allow(
    ORDER, same_commands(), *("ACL CAT hash", "ACL CAT read", "COMMAND LIST FILTERBY ACLCAT hash")
)
allow(ORDER, same_commands(), "COMMAND LIST FILTERBY PATTERN hget*", always=False)
allow(NO_SCRIPTS, same_commands(SCRIPTING), "ACL CAT write")
allow(NO_SCRIPTS, same_commands(SCRIPTING, NEW_COMMANDS), "COMMAND LIST")
allow(NEWER, same_commands((), NEW_COMMANDS), "COMMAND LIST FILTERBY PATTERN *client*")
allow(NO_SCRIPTS, is_exactly(b":232\r\n"), "COMMAND COUNT")


def row_of_command(row):
    """What a row of COMMAND says, without an order where it has none and without notes."""
    if row is None:
        return None
    name, arity, flags, first, last, step, categories, tips, specs, subcommands = row
    specs = [as_map(spec) for spec in specs]
    for spec in specs:
        spec.pop(b"notes", None)
        spec[b"flags"] = sorted(spec[b"flags"])
    subcommands = {r[0]: row_of_command(r) for r in subcommands if r[0] not in NEW_COMMANDS}
    keys = (first, last, step)
    return (name, arity, sorted(flags), keys, sorted(categories), sorted(tips), specs, subcommands)


allow(NO_SCRIPTS, same_commands(SCRIPTING, NEW_COMMANDS, row_of_command), "COMMAND", "COMMAND INFO")
allow(NEWER, same_commands((), (), row_of_command), "COMMAND INFO client")
allow(WORDING, same_commands((), (), row_of_command), "COMMAND INFO set")


def same_docs(ours, theirs):
    """What COMMAND DOCS tells, but for texts; arguments where ours has them."""

    def facts(docs, with_arguments):
        found = {}
        for name, text in as_map(docs).items():
            if name in SCRIPTING or name in NEW_COMMANDS:
                continue
            text = as_map(text)
            for word in (b"summary", b"complexity", b"replaced_by", b"history"):
                text.pop(word, None)
            if not with_arguments(name):
                text.pop(b"arguments", None)
            text.pop(b"subcommands", None)
            found[name] = text
        return found

    ours, theirs = plain(ours), plain(theirs)
    told = {name for name, text in as_map(ours).items() if b"arguments" in as_map(text)}
    ours, theirs = facts(ours, told.__contains__), facts(theirs, told.__contains__)
    assert set(ours) == set(theirs), f"{set(ours) ^ set(theirs)}"
    wrong = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
    assert not wrong, "; ".join(f"{n}: {o} instead of {t}" for n, (o, t) in wrong.items())
    return True


allow(
    WORDING,
    same_docs,
    "COMMAND DOCS",
    "COMMAND DOCS get",
    "COMMAND DOCS client|id",
    "COMMAND DOCS scan hgetall",
)

allow(
    "DUMP packs no numbers and no texts; RESTORE takes both", same_kind, "DUMP number", "DUMP mib"
)
allow(
    "a hash is not dumped",
    is_exactly(b"-ERR DUMP gives strings only here, use HGETALL\r\n"),
    "DUMP one",
)

allow(
    "how redis would keep a hash is not looked for",
    is_exactly(b"$9\r\nhashtable\r\n"),
    "OBJECT ENCODING user:1",
)
allow(
    "connections of other loops are not looked for",
    is_exactly(b"+OK\r\n"),
    "CLIENT TRACKING on REDIRECT 999999999",
)
allow(
    "what follows the key is not looked at where the type is one that no data set has",
    matches(rb"\*0\r\n|-WRONGTYPE .*"),
    *("SORT_RO missing NOSUCH", "SORT_RO hoge NOSUCH", "GEOSEARCH missing a b c d e f"),
    "GEORADIUS_RO missing 1 x 3 km",
)
allow(
    "the ID is read before the key is looked up",
    is_exactly(b"-ERR Invalid stream ID specified as stream command argument\r\n"),
    *("XREAD STREAMS hoge hoge", "XREAD STREAMS user:1 user:1"),
)
allow(
    CHANCE,
    in_any_order,
    *("HRANDFIELD user:1 3", "HRANDFIELD user:1 10", "HRANDFIELD user:1 10 WITHVALUES"),
    always=False,
)

# Refused by a replica of redis as a write, whatever its options are.
allow(
    "GETEX without options reads",
    matches(rb"(\$-1|_)\r\n"),
    "getex 1",
    f"getex {'z' * 94}... (100006)",
)
