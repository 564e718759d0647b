# SPDX-License-Identifier: MIT
"""Every wrong config is one line with file, line, column, cause and next step, and exit status 2."""

import os
import re
import socket

import pytest

from harness import PLUGINS, REPO, Client, dataset, has_ipv6, run, whole_set, without_superpowers

GOOD = """\
server:
  threads: 1
  log: {format: json}
databases:
  words:
    storage: json
    file: in/data.json
    basedir: store
listeners:
  - protocol: memcached
    listen: 127.0.0.1:0
    databases: [words]
"""

LISTENER = """\
listeners:
  - protocol: memcached
    listen: 127.0.0.1:0
    databases: [words]
"""


def but(old, new):
    """The good config with one thing replaced."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def database(rest):
    return f"databases:\n  words:\n    storage: json\n{rest}{LISTENER}"


# A listener without databases serves all: only the name is wrong.
UNNAMED = GOOD.replace("  words:", "  ?:").replace("    databases: [words]\n", "")

STORAGE_PLUGIN = PLUGINS / "storage-json.so"
PROTOCOL_PLUGIN = PLUGINS / "proto-memcached.so"
HERE = "▸"  # stands before the place that the error must name; not part of the config

# name: (config, words that the message must hold)
WRONG = {
    # keys
    "unknown top key": (but("listeners:", "▸listener:"), ["listener", "listeners"]),
    "unknown server key": (but("threads:", "▸thread:"), ["thread", "threads"]),
    "unknown log key": (but("{format:", "{▸formt:"), ["formt", "format"]),
    "unknown database key": (but("storage:", "▸storge:"), ["storge", "storage"]),
    "unknown listener key": (but("- protocol:", "- ▸protocl:"), ["protocl", "protocol"]),
    "unknown key like nothing": (but("threads:", "▸zzzzzzzz:"), ["zzzzzzzz"]),
    "duplicate top key": (GOOD + "▸server: {}\n", ["duplicate", "server"]),
    "duplicate database key": (
        but("    file: in/data.json\n", "    file: in/data.json\n    ▸file: in/other.json\n"),
        ["duplicate", "file"],
    ),
    "duplicate listener key": (
        but("    listen: 127.0.0.1:0\n", "    listen: 127.0.0.1:0\n    ▸listen: '[::1]:0'\n"),
        ["duplicate", "listen"],
    ),
    "duplicate database": (
        but("listeners:", "  ▸words: {storage: json, file: x/y, basedir: z}\nlisteners:"),
        ["duplicate", "words"],
    ),
    # what is missing
    "nothing at all": ("▸", []),
    "only a comment": ("# soon\n", []),
    "no databases": (LISTENER, ["databases"]),
    "empty databases": ("databases: {}\n" + LISTENER, ["databases"]),
    "null databases": ("databases:\n" + LISTENER, ["databases"]),
    "no listeners": (GOOD.split("listeners:")[0], ["listeners"]),
    "empty listeners": (GOOD.split("listeners:")[0] + "listeners: []\n", ["listeners"]),
    "null listeners": (GOOD.split("listeners:")[0] + "listeners:\n", ["listeners"]),
    "database without a storage": (but("    storage: json\n", ""), ["words", "storage"]),
    "database without a file": (but("    file: in/data.json\n", ""), ["words", "file"]),
    "null database called options": (
        f"databases:\n  ▸options:\n{LISTENER}",
        ["options", "no value"],
    ),
    "null option called options": (
        database("    file: in/data.json\n    options: {▸options: }\n"),
        ["options", "no value"],
    ),
    "null database": (f"databases:\n  words:\n{LISTENER}", ["words"]),
    "listener without a protocol": (but("protocol: memcached\n    ", ""), ["protocol"]),
    "listener without an address": (but("    listen: 127.0.0.1:0\n", ""), ["listen"]),
    "listener with an empty list of databases": (but("[words]", "▸[]"), ["databases"]),
    # names and paths that cannot be meant
    "database with a quote in its name": (UNNAMED.replace("?", "▸'wo\"rds'"), []),
    "database with a line end in its name": (UNNAMED.replace("?", '▸"wo\\nrds"'), []),
    "database with an empty name": (UNNAMED.replace("?", "▸''"), []),
    "file without a name": (but("in/data.json", "▸in/"), ["file"]),
    "file is the basedir": (but("basedir: store", "basedir: in/data.json"), ["file"]),
    "file is the basedir in other words": (
        but("basedir: store", "basedir: ./in/../in//data.json/"),
        ["file"],
    ),
    "file in a slot": (but("in/data.json", "▸store/data01/x"), ["store", "words"]),
    "file in the guard's folder": (
        but("in/data.json", "▸store/guard.scratch/x"),
        ["store", "words"],
    ),
    "file in the other slot, not yet there": (
        but("in/data.json", "▸in/../store//data00/data.db"),
        ["store", "words"],
    ),
    "file is the pointer": (but("in/data.json", "▸store/current"), ["store", "words"]),
    "file is the status": (but("in/data.json", "▸store/status"), ["store", "words"]),
    "file is the pointer in the default basedir": (
        database("    file: ▸in/current\n"),
        ["store", "words"],
    ),
    "sum file is the basedir": (
        database("    file: ▸in/data.json\n    basedir: in/data.json.md5\n"),
        ["in/data.json.md5", "store"],
    ),
    "file in another database's slot": (
        but(
            "listeners:",
            "  names: {storage: json, file: ▸store/data00/n, basedir: other}\nlisteners:",
        ),
        ["store", "words"],
    ),
    "file is another database's sum file": (
        but(
            "listeners:",
            "  names: {storage: json, file: ▸in/data.json.md5, basedir: other}\nlisteners:",
        ),
        ["sum file", "words"],
    ),
    "file with a NUL": (but("in/data.json", '▸"in/data\\0.json"'), ["file", "NUL"]),
    "basedir with a NUL": (but("basedir: store", 'basedir: ▸"st\\0re"'), ["basedir", "NUL"]),
    "unix socket with a NUL": (but("127.0.0.1:0", '▸"unix:a\\0b"'), ["listen", "NUL"]),
    "address with a NUL": (but("127.0.0.1:0", '▸"127.0.0.1\\0:0"'), ["listen", "NUL"]),
    # control bytes are shown, not sent to the terminal
    "key with an escape": (but("threads:", '▸"\\e[31mthreads":'), [r"\x1b[31mthreads"]),
    "key with a line end": (but("threads:", '▸"thr\\neads":'), [r"thr\x0aeads"]),
    "storage with a line end": (but("storage: json", 'storage: ▸"j\\nson"'), [r"j\x0ason"]),
    "file in a folder with a line end": (
        but("in/data.json", '▸"n\\no/data.json"'),
        [r"n\x0ao"],
    ),
    "option's name with a line end": (
        database('    file: in/data.json\n    options: {▸"a\\nb": 1}\n'),
        [r"a\x0ab"],
    ),
    "option's value with a line end": (
        database('    file: in/data.json\n    options: {nested: ▸"a\\nb"}\n'),
        [r"a\x0ab"],
    ),
    "address with a line end": (but("127.0.0.1:0", '▸"127.0.0.1\\n:0"'), [r"\x0a"]),
    "two documents": (GOOD + "---\n" + GOOD, []),
    # types
    "root is a list": ("▸- databases\n- listeners\n", ["map"]),
    "root is text": ("▸databases\n", ["map"]),
    "server is a list": (
        but("server:\n  threads: 1\n  log: {format: json}\n", "server: ▸[1]\n"),
        [],
    ),
    "threads is a word": (but("threads: 1", "threads: ▸many"), ["threads", "auto"]),
    "threads is a list": (but("threads: 1", "threads: ▸[1]"), ["threads"]),
    "threads is zero": (but("threads: 1", "threads: ▸0"), ["threads"]),
    "threads is negative": (but("threads: 1", "threads: ▸-2"), ["threads"]),
    "threads is a fraction": (but("threads: 1", "threads: ▸1.5"), ["threads"]),
    "threads is beyond every number": (
        but("threads: 1", "threads: ▸99999999999999999999999"),
        ["threads"],
    ),
    "max_connections is a word": (
        but("threads: 1", "max_connections: ▸lots"),
        ["max_connections"],
    ),
    "idle_timeout is a word": (but("threads: 1", "idle_timeout: ▸soon"), ["idle_timeout", "5s"]),
    "idle_timeout has no unit": (but("threads: 1", "idle_timeout: ▸5"), ["idle_timeout", "5s"]),
    "idle_timeout is negative": (but("threads: 1", "idle_timeout: ▸-5s"), ["idle_timeout"]),
    "idle_timeout has an odd unit": (
        but("threads: 1", "idle_timeout: ▸5 parsecs"),
        ["idle_timeout"],
    ),
    "idle_timeout overflows": (
        but("threads: 1", "idle_timeout: ▸9999999999999999999h"),
        ["idle_timeout"],
    ),
    "drain_timeout is a word": (
        but("threads: 1", "drain_timeout: ▸soon"),
        ["drain_timeout", "5s"],
    ),
    "stop_timeout is a list": (
        but("threads: 1", "stop_timeout: ▸[1s]"),
        ["stop_timeout", "5s"],
    ),
    "load_priority is a number": (
        but("threads: 1", "load_priority: ▸10"),
        ["load_priority", "low, idle, normal"],
    ),
    "load_threads is a word": (but("threads: 1", "load_threads: ▸auto"), ["load_threads", "64"]),
    "settle has no unit": (
        database("    file: in/data.json\n    settle: ▸1\n"),
        ["settle", "5s"],
    ),
    "guard_timeout is a map": (
        database("    file: in/data.json\n    guard_timeout: ▸{}\n"),
        ["guard_timeout", "5s"],
    ),
    "guard_total has no unit": (
        database("    file: in/data.json\n    guard_total: ▸60\n"),
        ["guard_total", "auto", "5s"],
    ),
    "guard_cpu is a part of a second": (
        database("    file: in/data.json\n    guard_cpu: ▸500ms\n"),
        ["guard_cpu", "auto", "1s"],
    ),
    "guard_memory is less than the program": (
        database("    file: in/data.json\n    guard_memory: ▸1MiB\n"),
        ["guard_memory", "auto", "32.0 MiB"],
    ),
    "plugin_path has a folder that is not there": (
        but("threads: 1", "plugin_path: [in, ▸no/plugins]"),
        ["no/plugins", "No such file"],
    ),
    "plugin_path has a file": (
        but("threads: 1", "plugin_path: [▸a_file]"),
        ["a_file", "Not a directory"],
    ),
    "plugin_path is text": (but("threads: 1", "plugin_path: ▸/tmp"), ["plugin_path", "list"]),
    "log is text": (but("{format: json}", "▸json"), ["log"]),
    "log level": (but("{format: json}", "{level: ▸loud}"), ["debug", "info", "warn", "error"]),
    "log format": (but("{format: json}", "{format: ▸xml}"), ["text", "json"]),
    "databases is a list": ("databases: ▸[words]\n" + LISTENER, ["databases"]),
    "database is text": (f"databases:\n  words: ▸json\n{LISTENER}", ["words"]),
    "database's key is a list": (f"databases:\n  ▸[a, b]: {{storage: json}}\n{LISTENER}", []),
    "storage is a list": (but("storage: json", "storage: ▸[json]"), ["storage"]),
    "storage is empty": (but("storage: json", "storage: ▸''"), ["storage"]),
    "file is a map": (but("file: in/data.json", "file: ▸{name: x}"), ["file"]),
    "verify": (
        database("    file: in/data.json\n    verify: ▸crc32\n"),
        ["md5", "sha256", "none"],
    ),
    "poll_interval is zero": (
        database("    file: in/data.json\n    poll_interval: ▸0s\n"),
        ["poll_interval"],
    ),
    "max_shrink without a sign": (
        database("    file: in/data.json\n    max_shrink: ▸20\n"),
        ["max_shrink", "20%"],
    ),
    "max_shrink of more than all": (
        database("    file: in/data.json\n    max_shrink: ▸101%\n"),
        ["max_shrink", "100%"],
    ),
    "max_shrink is negative": (
        database("    file: in/data.json\n    max_shrink: ▸-1%\n"),
        ["max_shrink", "0%"],
    ),
    "must_have is text": (
        database("    file: in/data.json\n    must_have: ▸marker\n"),
        ["must_have", "list"],
    ),
    "must_have of an empty key": (
        database("    file: in/data.json\n    must_have: [▸'']\n"),
        ["must_have"],
    ),
    "must_have of a namespace alone": (
        database("    file: in/data.json\n    must_have: [▸{namespace: geo}]\n"),
        ["must_have", "key"],
    ),
    "must_have with a misspelt key": (
        database("    file: in/data.json\n    must_have: [{▸kee: a}]\n"),
        ["kee", '"key"'],
    ),
    "only_newer is no yes or no": (
        database("    file: in/data.json\n    only_newer: ▸maybe\n"),
        ["only_newer", "true", "false"],
    ),
    "keep is a word": (database("    file: in/data.json\n    keep: ▸all\n"), ["keep"]),
    "keep is negative": (database("    file: in/data.json\n    keep: ▸-1\n"), ["keep"]),
    "file among the kept ones": (but("in/data.json", "▸store/kept/4.db"), ["store", "words"]),
    "file is the list of what is refused": (
        but("in/data.json", "▸store/refused"),
        ["store", "words"],
    ),
    "must_open_within": (
        database("    file: in/data.json\n    must_open_within: ▸30\n"),
        ["must_open_within", "5s"],
    ),
    "min_entries": (
        database("    file: in/data.json\n    min_entries: ▸few\n"),
        ["min_entries"],
    ),
    "guard": (
        database("    file: in/data.json\n    guard: ▸yes\n"),
        ["guard", "auto", "always", "never"],
    ),
    "warm": (
        database("    file: in/data.json\n    warm: ▸hot\n"),
        ["warm", "off, touch, populate, lock"],
    ),
    "warm_rate has no number": (
        database("    file: in/data.json\n    warm_rate: ▸fast\n"),
        ["warm_rate", "64MiB"],
    ),
    "warm_rate is too small": (
        database("    file: in/data.json\n    warm_rate: ▸1000\n"),
        ["warm_rate", "64.0 KiB"],
    ),
    "warm_rate is negative": (
        database("    file: in/data.json\n    warm_rate: ▸-1\n"),
        ["warm_rate"],
    ),
    "options is a list": (
        database("    file: in/data.json\n    options: ▸[nested]\n"),
        ["options"],
    ),
    "listeners is a map": (
        GOOD.split("listeners:")[0] + "listeners: ▸{protocol: memcached}\n",
        ["listeners", "list"],
    ),
    "listener is text": (GOOD.split("listeners:")[0] + "listeners:\n  - ▸memcached\n", []),
    "listener's databases is text": (but("[words]", "▸words"), ["databases", "list"]),
    # what the names mean
    "two databases share a file": (
        but(
            "listeners:",
            "  names: {storage: json, file: ▸in/../in/data.json, basedir: other}\nlisteners:",
        ),
        ["words", "names", "file"],
    ),
    "two databases share a basedir": (
        but(
            "listeners:", "  names: {storage: json, file: in/n.json, basedir: ▸./store}\nlisteners:"
        ),
        ["words", "names", "basedir"],
    ),
    "two databases share the default basedir": (
        "databases:\n  words: {storage: json, file: in/w.json}\n"
        f"  names: {{storage: json, file: ▸in/n.json}}\n{LISTENER}",
        ["words", "names", "basedir"],
    ),
    "missing storage": (but("storage: json", "storage: ▸jsno"), ["jsno", "json"]),
    "missing protocol": (but("protocol: memcached", "protocol: ▸memcache"), ["memcached"]),
    "missing storage file": (but("storage: json", "storage: ▸./mine.so"), ["mine.so"]),
    "storage of the other kind": (but("storage: json", "storage: ▸memcached"), ["memcached"]),
    "protocol of the other kind": (but("protocol: memcached", "protocol: ▸json"), ["json"]),
    "storage file of the other kind": (
        but("storage: json", f"storage: ▸{PROTOCOL_PLUGIN}"),
        ["protocol", "storage"],
    ),
    "protocol file of the other kind": (
        but("protocol: memcached", f"protocol: ▸{STORAGE_PLUGIN}"),
        ["protocol", "storage"],
    ),
    "listener with an unknown database": (but("[words]", "[▸wrods]"), ["wrods", "words"]),
    "listener with a database twice": (but("[words]", "[words, ▸words]"), ["duplicate", "words"]),
    "unknown storage option": (
        database("    file: in/data.json\n    options: {▸nestde: text}\n"),
        ["nestde", "nested"],
    ),
    "storage option of the wrong type": (
        database("    file: in/data.json\n    options: {nested: ▸[text]}\n"),
        ["nested"],
    ),
    "storage option of no choice": (
        database("    file: in/data.json\n    options: {nested: ▸sideways}\n"),
        ["nested", "text"],
    ),
    "unknown protocol option": (
        but("[words]", "[words]\n    options: {▸toch: refuse}"),
        ["toch", "touch"],
    ),
    "protocol option of no choice": (
        but("[words]", "[words]\n    options: {touch: ▸sometimes}"),
        ["touch", "refuse"],
    ),
    # addresses and folders
    "address without a port": (but("127.0.0.1:0", "▸127.0.0.1"), ["127.0.0.1"]),
    "address with a large port": (but("127.0.0.1:0", "▸127.0.0.1:65536"), ["65536"]),
    "address with a negative port": (but("127.0.0.1:0", "▸127.0.0.1:-1"), ["-1"]),
    "address with a named port": (but("127.0.0.1:0", "▸127.0.0.1:memcache"), ["memcache"]),
    "address that is half open": (but("127.0.0.1:0", "▸'[::1:0'"), ["::1"]),
    "address that is no address": (but("127.0.0.1:0", "▸300.0.0.1:0"), ["300.0.0.1"]),
    "address of another host": (but("127.0.0.1:0", "▸192.0.2.1:0"), ["192.0.2.1"]),
    "unix socket without a path": (but("127.0.0.1:0", "▸'unix:'"), []),
    "unix socket with a long path": (but("127.0.0.1:0", f"▸unix:{'x' * 200}"), []),
    "unix socket in no folder": (but("127.0.0.1:0", "▸unix:no/such/folder/sock"), ["folder"]),
    "the same address twice": (
        but("127.0.0.1:0", "127.0.0.1:1")
        + "  - {protocol: memcached, listen: ▸127.0.0.1:1, databases: [words]}\n",
        ["127.0.0.1:1"],
    ),
    "the folder of file is not there": (but("in/data.json", "▸no/data.json"), ["/no"]),
    "the folder of file is a file": (but("in/data.json", "▸a_file/data.json"), ["a_file"]),
    "basedir is a file": (but("basedir: store", "basedir: ▸a_file"), ["a_file"]),
    "basedir is inside a file": (but("basedir: store", "basedir: ▸a_file/store"), ["a_file"]),
    # YAML
    "a tab": (GOOD.replace("  words:", "\twords:"), []),
    "an open bracket": (but("[words]", "[words"), []),
    "an open quote": (but("127.0.0.1:0", '"127.0.0.1:0'), []),
    "bad indentation": (but("    file:", "   file:"), []),
    "an unknown alias": (but("storage: json", "storage: *nothing"), []),
    "control characters": (but("storage: json", "storage: \x01\x02"), []),
    "deep nesting": ("databases: " + "[" * 100_000, ["nested too deeply"]),
    "a binary file": ("\x7fELF\x02\x01\x01\0\0\0\0\0\0", []),
}


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_config_is_one_line_that_names_the_place(tmp_path, name, words):
    text, needles = WRONG[name]
    config = tmp_path / "goromdb.yaml"
    (tmp_path / "a_file").touch()
    (tmp_path / "in").mkdir()
    config.write_text(text.replace(HERE, ""), encoding="utf-8")
    result = run(*words, "--config", config, cwd=tmp_path)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    line = result.stderr.rstrip("\n")
    place = re.match(re.escape(str(config)) + r":(\d+):(\d+): (.+)", line)
    assert place, line
    assert int(place[1]) >= 1 and int(place[2]) >= 1, line
    if HERE in text:
        before = text[: text.index(HERE)]
        expected = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert (int(place[1]), int(place[2])) == expected, line
    for needle in needles:
        assert needle in place[3], line
    assert re.fullmatch(r"[^\x00-\x1f\x7f]*", line), "control bytes reach the terminal"
    assert not (tmp_path / "store").exists(), "a refused config left a store behind"


def resolved(host):
    return socket.getaddrinfo(host, 1, type=socket.SOCK_STREAM)[0][4][0]


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
@pytest.mark.parametrize("host", ["localhost", "127.1"])
def test_two_names_of_one_address_are_the_same_address(tmp_path, host, words):
    if resolved(host) != "127.0.0.1":
        pytest.skip(f"{host} is {resolved(host)} on this machine")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    (tmp_path / "in").mkdir()
    config = tmp_path / "goromdb.yaml"
    config.write_text(
        but("127.0.0.1:0", f"127.0.0.1:{port}")
        + f"  - {{protocol: memcached, listen: '{host}:{port}', databases: [words]}}\n"
    )
    result = run(*words, "--config", config)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.startswith(f"{config}:13:35: "), result.stderr
    assert result.stderr.count("\n") == 1 and f"{port}" in result.stderr, result.stderr


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
def test_a_basedir_that_may_not_be_made_is_named(tmp_path, words):
    (tmp_path / "in").mkdir()
    (tmp_path / "closed").mkdir(mode=0o555)
    config = tmp_path / "goromdb.yaml"
    config.write_text(but("basedir: store", "basedir: closed/store"))
    result = run(*words, "--config", config, wrap=without_superpowers())
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.startswith(f"{config}:8:14: ") and result.stderr.count("\n") == 1
    assert "closed" in result.stderr and "ermission denied" in result.stderr


def test_a_basedir_that_only_the_attempt_shows_to_be_impossible_is_named(tmp_path):
    (tmp_path / "in").mkdir()
    config = tmp_path / "goromdb.yaml"
    config.write_text(but("basedir: store", "basedir: /proc/nothing"))
    result = run("--config", config)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.startswith(f"{config}:8:14: ") and result.stderr.count("\n") == 1
    assert "/proc/nothing" in result.stderr


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
def test_a_config_that_is_not_there_is_named(tmp_path, words):
    result = run(*words, "--config", tmp_path / "nothing.yaml")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "nothing.yaml" in result.stderr and "No such file" in result.stderr


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_a_config_that_is_no_file_is_refused(tmp_path, kind):
    config = tmp_path / "goromdb.yaml"
    if kind == "folder":
        config.mkdir()
    else:
        os.mkfifo(config)
    result = run("--config", config)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "goromdb.yaml" in result.stderr


def test_a_right_config_is_checked_and_nothing_is_started(tmp_path):
    config = tmp_path / "goromdb.yaml"
    config.write_text(GOOD)
    (tmp_path / "in").mkdir()
    result = run("check", "--config", config)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for word in ("words", "json", "memcached", "127.0.0.1:0", "in/data.json"):
        assert word in result.stdout
    assert not (tmp_path / "store" / "data00").exists()


def test_the_config_of_the_repository_is_right(tmp_path):
    config = tmp_path / "goromdb.yaml"
    config.write_bytes((REPO / "config" / "goromdb.yaml").read_bytes())
    (tmp_path / "run" / "in").mkdir(parents=True)  # script/server makes it
    result = run("check", "--config", config)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_a_config_can_be_checked_while_its_server_runs(serve):
    server = serve()
    server.load(dataset("one"))
    address = server.address()
    # The port that the server has, as an operator writes it.
    config = server.folder / "fixed.yaml"
    config.write_text(
        server.config_file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{address[1]}")
    )
    result = run("check", "--config", config)
    assert result.returncode == 0, result.stderr
    assert server.serving() == "one"


def test_paths_are_relative_to_the_config_and_not_to_where_one_stands(serve):
    server = serve(start=False, popen={"preexec_fn": lambda: os.chdir("/")})
    server.args = ["--config", os.path.relpath(server.config_file, "/")]
    server.start()
    server.load(dataset("one"))
    assert (server.store() / "current").exists()


def test_yaml_may_be_written_as_people_write_it(serve, tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "in").mkdir()
    (folder / "goromdb.yaml").write_text(
        "# a comment\n---\nserver: {threads: auto, log: {format: json}}\n"
        "databases:\n  'words': &w\n    storage: \"json\"  # quoted\n    file: ./in//data.json\n"
        "    basedir: store/\n    poll_interval: 1m\n    min_entries: 1\n    options: {}\n"
        "listeners:\n- {protocol: memcached, listen: '127.0.0.1:0', databases: [ words ], options: }\n"
    )
    server = serve(folder=folder, args=["--config", str(folder / "goromdb.yaml")])
    with Client(server.address()) as client:
        assert client.ask(b"get a") == b"SERVER_ERROR not ready"


def test_a_listener_without_databases_serves_all(serve):
    server = serve(listeners=[{"protocol": "memcached", "listen": "127.0.0.1:0"}])
    server.load(dataset("one"))
    assert server.serving() == "one"


def test_a_port_alone_means_every_address(serve):
    server = serve(listeners=[{"protocol": "memcached", "listen": ":0", "databases": ["words"]}])
    server.load(dataset("one"))
    _, port = server.address()
    for host in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
        with Client((host, port)) as client:
            assert whole_set(client) == "one"
