# SPDX-License-Identifier: MIT
"""build, dump, verify, stat, diff, get: every format made, read by its own tools, and back."""

import base64
import csv
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import writers
from harness import PROGRAM, SANITIZER, compile_c, run, tmpfs, wait_for

ODD = Path(__file__).with_name("odd_plugin.c")
ENTRIES = 20_000 if SANITIZER is None else 2_000
MANY = 1_000_000 if SANITIZER is None else 10_000
MIXED = {b"hoge": b"fuga", b"empty": b"", b"\x00\xff": b"\xfe\x00\n", "z\u00e9".encode(): b"a\tb\\n"}
STORAGES = ["lmdb", "bolt", "cdb", "bdb", "memcachedb-bdb", "json"]


def tool(*args, stdin=None, cwd=None):
    """Runs the program; output and errors are bytes."""
    return subprocess.run(
        [str(PROGRAM), *map(str, args)], input=stdin, capture_output=True, check=False, cwd=cwd,
        timeout=300,
    )


def good(*args, **kwargs):
    done = tool(*args, **kwargs)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def bad(*args, status=1, **kwargs):
    """The one line that it says."""
    done = tool(*args, **kwargs)
    text = done.stderr.decode(errors="replace")
    assert done.returncode == status, text
    assert text.endswith("\n") and text.count("\n") == 1, text
    return text[:-1]


def member(name, data):
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name + "_b64": base64.b64encode(data).decode()}


def ndjson(words, ns=b"", flags=0):
    rows = []
    for key, value in words.items():
        row = {**member("key", key), **member("value", value)}
        if ns:
            row |= member("namespace", ns)
        if flags:
            row["flags"] = flags
        rows.append(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return b"".join(rows)


def parsed(text):
    """{(namespace, key): (value, flags)} of a dump."""

    def of(row, name):
        if name in row:
            return row[name].encode()
        return base64.b64decode(row[name + "_b64"], validate=True) if name + "_b64" in row else b""

    rows = [json.loads(line) for line in text.splitlines()]
    found = {(of(r, "namespace"), of(r, "key")): (of(r, "value"), r.get("flags", 0)) for r in rows}
    assert len(found) == len(rows)
    return found


def same_file(one, two):
    """libdb gives each file an id of its own."""
    if one.read_bytes()[12:16] == b"\x62\x31\x05\x00":
        one, two = good("dump", one), good("dump", two)
    else:
        one, two = one.read_bytes(), two.read_bytes()
    return one == two


def plain(words):
    return {(b"", key): (value, 0) for key, value in words.items()}


@pytest.fixture(scope="module")
def words(real):
    return {k.encode(): v.encode() for k, v in list(real.items())[:ENTRIES]}


# ---- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", STORAGES)
def test_real_entries_go_through_every_format_and_back_byte_for_byte(storage, words, tmp_path):
    (tmp_path / "in.ndjson").write_bytes(ndjson(words))
    out, again = tmp_path / "one.db", tmp_path / "two.db"
    good("build", "--storage", storage, "--input", tmp_path / "in.ndjson", "--output", out)
    named = ["--storage", storage] if storage == "memcachedb-bdb" else []
    text = good("dump", *named, out)
    assert parsed(text) == plain(words)
    good("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output", again,
         stdin=text)
    assert same_file(again, out)
    line = good("verify", *named, out).decode()
    assert f": {storage}, {len(words)} entries, 0 namespaces, " in line
    key = next(iter(words))
    assert good("get", *named, out, key.decode()) == words[key]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("form", ["ndjson", "tsv"])
def test_any_bytes_survive_a_dump_and_a_build(storage, form, tmp_path):
    mixed = {**MIXED, b"base64:": b"base64:x", b"many": b"x" * 100_000}
    (tmp_path / "in.ndjson").write_bytes(ndjson(mixed))
    one, two = tmp_path / "one", tmp_path / "two"
    good("build", "--storage", storage, "--input", tmp_path / "in.ndjson", "--output", one)
    named = ["--storage", storage] if storage == "memcachedb-bdb" else []
    text = good("dump", *named, "--format", form, one)
    good("build", "--storage", storage, "--from", form, "--input", "-", "--output", two, stdin=text)
    assert same_file(two, one)
    assert parsed(good("dump", *named, two)) == plain(mixed)


@pytest.mark.parametrize("source", STORAGES)
@pytest.mark.parametrize("target", STORAGES)
def test_a_file_of_one_format_becomes_one_of_another(source, target, tmp_path):
    words = {b"hoge": b"fuga", b"anna": b"1", "z\u00e9".encode(): b"2"}
    (tmp_path / "in.ndjson").write_bytes(ndjson(words))
    good("build", "--storage", source, "--input", tmp_path / "in.ndjson", "--output", tmp_path / "a")
    good("build", "--storage", target, "--from", source, "--input", tmp_path / "a", "--output",
         tmp_path / "b")
    a = ["--storage-a", source] if source == "memcachedb-bdb" else []
    b = ["--storage-b", target] if target == "memcachedb-bdb" else []
    assert good("diff", *a, *b, tmp_path / "a", tmp_path / "b") == (
        b"0 added, 0 removed, 0 changed, 3 the same\n"
    )


@pytest.mark.parametrize("storage", ["lmdb", "bolt", "bdb", "json"])
def test_namespaces_survive(storage, tmp_path):
    text = ndjson({b"k": b"1"}, b"users") + ndjson({b"k": b"2", b"l": b"3"}, b"prices")
    if storage != "bdb":
        text += ndjson({b"k": b"0"})
    one, two = tmp_path / "one", tmp_path / "two"
    good("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output", one,
         stdin=text)
    assert parsed(good("dump", one)) == parsed(text)
    assert parsed(good("dump", "--namespace", "prices", one)) == parsed(
        ndjson({b"k": b"2", b"l": b"3"}, b"prices")
    )
    assert good("get", one, "k", "--namespace", "users") == b"1"
    assert 'there is no namespace "none"' in bad("dump", "--namespace", "none", one)
    as_json = good("dump", "--format", "json", one)
    good("build", "--storage", storage, "--from", "json", "--input", "-", "--output", two,
         stdin=as_json)
    assert same_file(two, one)
    facts = json.loads(good("stat", "--json", one))
    assert {n["name"]: n["entries"] for n in facts["namespaces"] if n["name"]} == {
        "users": 1, "prices": 2,
    }


def test_flags_survive_where_the_format_has_them(tmp_path):
    text = ndjson({b"k": b"v", b"l": b"w"}, flags=4294967295)
    for storage in ("memcachedb-bdb", "json"):
        out = tmp_path / storage
        good("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output", out,
             stdin=text)
        named = ["--storage", storage]
        assert parsed(good("dump", *named, out)) == parsed(text)
    for storage in ("lmdb", "bolt", "cdb", "bdb"):
        line = bad("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output",
                   tmp_path / storage, stdin=text)
        assert "standard input:1: " in line and "flags" in line
        assert not (tmp_path / storage).exists()
        good("build", "--drop-flags", "--storage", storage, "--from", "ndjson", "--input", "-",
             "--output", tmp_path / storage, stdin=text)


# ---- read by the formats' own tools --------------------------------------------------------------


def hex_pairs(text):
    """The entries of db_dump and mdb_dump -p-less output."""
    lines = [line[1:] for line in text.splitlines() if line.startswith(b" ")]
    values = [bytes.fromhex(line.decode()) for line in lines]
    return dict(zip(values[::2], values[1::2]))


def cdb_pairs(text):
    found, at = {}, 0
    while text[at : at + 1] == b"+":
        colon = text.index(b":", at)
        key_size, value_size = map(int, text[at + 1 : colon].split(b","))
        key_at = colon + 1
        value_at = key_at + key_size + 2
        found[text[key_at : key_at + key_size]] = text[value_at : value_at + value_size]
        at = value_at + value_size + 1
    return found


def output_of(command):
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bolt_pairs(path):
    found = {}
    for line in output_of([writers.bolt_program(), "read", str(path)]).splitlines():
        word, *parts = line.split(b" ")
        if word == b"put":
            key, value = (bytes.fromhex(part[1:].decode()) for part in parts[1:])
            found[key] = value
    return found


OWN_TOOLS = {
    "bdb": lambda path: hex_pairs(output_of(["db_dump", str(path)])),
    "lmdb": lambda path: hex_pairs(output_of(["mdb_dump", "-n", str(path)])),
    "cdb": lambda path: cdb_pairs(output_of(["cdb", "-d", str(path)])),
    "bolt": bolt_pairs,
    "json": lambda path: {
        key: value for (_, key), (value, _) in parsed(path.read_bytes()).items()
    },
}


@pytest.mark.parametrize("storage", OWN_TOOLS)
def test_what_is_built_is_whole_for_the_formats_own_tools(storage, words, tmp_path):
    out = tmp_path / "out"
    good("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output", out,
         stdin=ndjson(words))
    assert OWN_TOOLS[storage](out) == words


def peak_memory(pid):
    """Bytes, of the process that works for this one."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            child = children.read().split()[0]
        with open(f"/proc/{child}/status", encoding="ascii") as status:
            return next(int(s.split()[1]) << 10 for s in status if s.startswith("VmHWM"))
    except (OSError, IndexError, StopIteration):
        return 0


# ---- rows ----------------------------------------------------------------------------------------


def test_a_million_rows_of_csv_with_quotes_newlines_and_utf8(tmp_path):
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "other"])
        for i in range(MANY):
            rows.writerow([f"key{i:07}", f'"{i}",\n\u00e9\u4e16 {i * i}', "x"])
    out = tmp_path / "out.db"
    command = [str(PROGRAM), "build", "--storage", "lmdb", "--input", str(path), "--output", str(out),
               "--key-field", "id", "--value-field", "text", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as building:
        most = 0
        while building.poll() is None:
            most = max(most, peak_memory(building.pid))
            time.sleep(0.01)
        facts = json.loads(building.stdout.read())
    assert facts["entries"] == MANY
    if SANITIZER is None:
        assert 10 << 20 < most < 200 << 20
    assert good("get", out, "key0000012") == '"12",\n\u00e9\u4e16 144'.encode()
    count = 0
    with subprocess.Popen([str(PROGRAM), "dump", str(out)], stdout=subprocess.PIPE) as dumping:
        for line in dumping.stdout:
            row = json.loads(line)
            i = int(row["key"][3:])
            assert row["value"] == f'"{i}",\n\u00e9\u4e16 {i * i}'
            count += 1
    assert count == MANY


def test_the_sum_is_as_md5sum_writes_it(tmp_path):
    for kind in ("md5", "sha256", "both", "none"):
        out = tmp_path / f"out {kind}"
        good("build", "--storage", "json", "--from", "ndjson", "--input", "-", "--output", out,
             "--checksum", kind, stdin=ndjson({b"k": b"v"}))
        for each in ("md5", "sha256"):
            sum_file = tmp_path / f"out {kind}.{each}"
            assert sum_file.exists() == (kind in (each, "both"))
            if sum_file.exists():
                subprocess.run([f"{each}sum", "-c", str(sum_file)], cwd=tmp_path, check=True,
                               capture_output=True)


def test_columns_may_have_any_name_and_the_whole_row_may_be_the_value(tmp_path):
    text = b"name,city,n\nanna,Tokyo,1\nbert,\"New\nYork\",2\n"
    (tmp_path / "in.csv").write_bytes(text)
    build = ["build", "--storage", "json", "--input", tmp_path / "in.csv", "--output"]
    good(*build, tmp_path / "one", "--key-field", "name", "--value-field", "city",
         "--flags-field", "n")
    assert parsed(good("dump", tmp_path / "one")) == {
        (b"", b"anna"): (b"Tokyo", 1), (b"", b"bert"): (b"New\nYork", 2),
    }
    good(*build, tmp_path / "two", "--key-field", "name", "--whole-row")
    row = json.loads(good("get", tmp_path / "two", "bert"))
    assert row == {"name": "bert", "city": "New\nYork", "n": "2"}
    good(*build, tmp_path / "three", "--no-header")
    assert good("get", tmp_path / "three", "name") == b"city"
    good(*build, tmp_path / "four", "--key-field", "name", "--value-field", "n",
         "--namespace-field", "city")
    assert good("get", tmp_path / "four", "anna", "--namespace", "Tokyo") == b"1"


def test_of_duplicates_the_one_that_is_asked_for_is_taken(tmp_path):
    text = b'{"key":"k","value":"1"}\n{"key":"a","value":"x"}\n{"key":"k","value":"2"}\n'
    build = ["build", "--storage", "cdb", "--from", "ndjson", "--input", "-", "--output"]
    line = bad(*build, tmp_path / "none", stdin=text)
    assert 'standard input:3: the key "k" has come already, in row 1' in line
    assert list(tmp_path.iterdir()) == []
    for which, value in (("first", b"1"), ("last", b"2")):
        said = good(*build, tmp_path / which, "--duplicates", which, stdin=text)
        assert b", 1 left out that came again, " in said
        assert good("get", "--storage", "cdb", tmp_path / which, "k") == value


# ---- what is wrong -------------------------------------------------------------------------------

WRONG_ROWS = [
    ("ndjson", b'{"key":"a","value":"1"}\n{"key":"b"}\n', "input:2: "),
    ("ndjson", b'{"key":"a","value":"1"}\nnonsense\n', "input:2: "),
    ("ndjson", b'{"key":"a","value":"\xff"}\n', "input:1: "),
    ("ndjson", b'{"key":"a","value_b64":"!"}\n', "input:1: "),
    ("ndjson", b'{"key":"a","value":"1","flags":-1}\n', "input:1: "),
    ("csv", b"key,value\na,1\nb\n", "input:3: "),
    ("csv", b'key,value\na,"1\n', "input:2: "),
    ("csv", b"name,value\na,1\n", "--key-field"),
    ("csv", b"", "input"),
    ("tsv", b"key\tvalue\na\t1\\x\n", "input:2: "),
    ("tsv", b"key\tvalue\na\tbase64:%%\n", "input:2: "),
]


@pytest.mark.parametrize("form, text, says", WRONG_ROWS)
def test_a_wrong_row_is_named_and_nothing_is_left_behind(form, text, says, tmp_path):
    (tmp_path / "input").write_bytes(text)
    line = bad("build", "--storage", "lmdb", "--from", form, "--input", "input", "--output", "out",
               cwd=tmp_path)
    assert line.startswith("goromdb: ") and says in line, line
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


def test_what_is_in_the_way_stays(tmp_path):
    (tmp_path / "in.ndjson").write_bytes(ndjson({b"k": b"new"}))
    out = tmp_path / "out"
    out.write_bytes(b"precious")
    build = ["build", "--storage", "json", "--input", tmp_path / "in.ndjson", "--output"]
    assert "--force" in bad(*build, out)
    assert out.read_bytes() == b"precious"
    good(*build, out, "--force")
    assert good("get", out, "k") == b"new"
    assert "folder" in bad(*build, tmp_path, "--force")
    assert "no/such" in bad(*build, tmp_path / "no/such/out")
    assert "in.nothing" in bad("build", "--storage", "json", "--input", tmp_path / "in.nothing",
                               "--from", "ndjson", "--output", tmp_path / "x")


def test_an_input_that_is_said_to_be_sorted_is_not_sorted(tmp_path):
    build = ["build", "--storage", "cdb", "--from", "ndjson", "--sorted", "--input", "-", "--output"]
    good(*build, tmp_path / "one", stdin=ndjson({b"a": b"1", b"b": b"2"}))
    line = bad(*build, tmp_path / "two", stdin=ndjson({b"b": b"1", b"a": b"2"}))
    assert 'standard input:2: the key "a" comes before' in line
    assert not (tmp_path / "two").exists()


def test_a_full_disk_leaves_nothing_and_the_old_file(tmp_path):
    try:
        disk = tmpfs(tmp_path / "small", "1m")
    except OSError as error:
        pytest.skip(f"this machine does not allow to mount a small disk: {error}")
    with disk as folder:
        words = {b"key%d" % i: b"x" * 100 for i in range(20_000)}
        (folder / "out").write_bytes(b"old")
        for storage in STORAGES:
            line = bad("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output",
                       folder / "out", "--force", stdin=ndjson(words))
            assert "space" in line, line
            assert [path.name for path in folder.iterdir()] == ["out"], storage
            assert (folder / "out").read_bytes() == b"old"


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_ended_in_the_middle_leaves_the_old_file(sig, tmp_path):
    out = tmp_path / "out"
    out.write_bytes(b"old")
    command = [str(PROGRAM), "build", "--storage", "lmdb", "--from", "ndjson", "--input", "-",
               "--output", str(out), "--force", "--sorted", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as building:
        building.stdin.write(ndjson({b"key%06d" % i: b"x" * 100 for i in range(5000)}))
        building.stdin.flush()
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        building.send_signal(sig)
        assert building.wait(60) == -sig
        building.stdin.close()
    # The process that builds ends with the one that was killed.
    wait_for(lambda: [path.name for path in tmp_path.iterdir()] == ["out"], "nothing but the file")
    assert out.read_bytes() == b"old"


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A storage that dies as its file wishes, and cannot list its entries."""
    folder = tmp_path_factory.mktemp("odd")
    return compile_c(ODD, folder / "storage-odd.so")


@pytest.mark.parametrize("mood, number", [("abort", 6), ("segv", 11)])
def test_a_reader_that_dies_on_a_file_is_caught(mood, number, odd, tmp_path):
    (tmp_path / "file").write_bytes(mood.encode() + b"\n")
    says = f"goromdb: {tmp_path / 'file'}: the reader died on this file (signal {number})"
    for command in ("verify", "dump", "stat"):
        assert bad(command, "--storage", odd, tmp_path / "file") == says
    done = tool("verify", "--json", "--storage", odd, tmp_path / "file")
    assert json.loads(done.stdout)["reason"] in says


def test_a_storage_that_lists_nothing_verifies_and_gets(odd, tmp_path):
    (tmp_path / "file").write_bytes(b"good\nvalue")
    assert b"entries cannot be listed" in good("verify", "--storage", odd, tmp_path / "file")
    assert good("get", "--plugin-path", odd.parent, "--storage", "odd", tmp_path / "file",
                "content") == b"value"
    assert "cannot list them" in bad("dump", "--storage", odd, tmp_path / "file")
    assert "cannot make any" in bad("build", "--storage", odd, "--input", tmp_path / "file",
                                    "--output", tmp_path / "x", status=2)


@pytest.mark.parametrize("command", ["dump", "verify", "stat", "get"])
def test_a_file_that_is_none_is_said_to_be_none(command, tmp_path):
    key = ["k"] if command == "get" else []
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "junk").write_bytes(b"\x01" * 10_000)
    (tmp_path / "cut").write_bytes(writers.mdb_load(MIXED)[:9000])
    assert "it is empty" in bad(command, tmp_path / "empty", *key)
    assert "no storage recognises it; name one with --storage: bdb, " in bad(
        command, tmp_path / "junk", *key
    )
    assert str(tmp_path / "cut") in bad(command, tmp_path / "cut", *key)
    assert "no/such" in bad(command, "no/such", *key)
    assert 'there is no storage plugin "lmbd"; did you mean "lmdb"?' in bad(
        command, "--storage", "lmbd", tmp_path / "cut", *key, status=2
    )
    assert "--option x: want NAME=VALUE" in bad(
        command, "--storage", "lmdb", "--option", "x", tmp_path / "cut", *key, status=2
    )


def test_verify_says_what_is_wrong_as_json(tmp_path):
    (tmp_path / "cut").write_bytes(writers.mdb_load(MIXED)[:9000])
    done = tool("verify", "--json", tmp_path / "cut")
    assert done.returncode == 1
    facts = json.loads(done.stdout)
    assert facts["ok"] is False and facts["file"] == str(tmp_path / "cut")
    assert facts["reason"] in done.stderr.decode()


def test_diff_tells_what_a_file_would_change(tmp_path):
    old = ndjson({b"a": b"1", b"b": b"2", b"c": b"3"}) + ndjson({b"a": b"1"}, b"ns")
    new = ndjson({b"a": b"1", b"b": b"x", b"d": b"4"}) + ndjson({b"a": b"1", b"e": b"5"}, b"ns")
    for name, storage, text in (("old", "bolt", old), ("new", "lmdb", new)):
        good("build", "--storage", storage, "--from", "ndjson", "--input", "-", "--output",
             tmp_path / name, stdin=text)
    files = [tmp_path / "old", tmp_path / "new"]
    assert good("diff", *files) == b"2 added, 1 removed, 1 changed, 2 the same\n"
    lines = good("diff", "--keys", *files).splitlines()
    assert sorted(lines[:-1]) == sorted([b"~\tb", b"-\tc", b"+\td", b"+\te\tns"])
    counts = json.loads(good("diff", "--json", *files))
    assert (counts["added"], counts["removed"], counts["changed"], counts["same"]) == (2, 1, 1, 2)
    assert tool("diff", "--exit-code", *files).returncode == 1
    assert tool("diff", "--exit-code", files[0], files[0]).returncode == 0


def test_stat_draws_the_shape(tmp_path):
    words = {b"k%d" % i: b"x" * i for i in range(100)}
    good("build", "--storage", "cdb", "--from", "ndjson", "--input", "-", "--output", tmp_path / "f",
         stdin=ndjson(words))
    text = good("stat", tmp_path / "f").decode()
    assert "entries     100" in text and "#" in text
    facts = json.loads(good("stat", "--json", tmp_path / "f"))
    assert facts["entries"] == 100 and facts["format"] == "cdb"
    assert sum(b["count"] for b in facts["value_sizes"]) == 100
    assert facts["value_sizes"][0] == {"from": 0, "to": 0, "count": 1}


def test_a_file_that_a_link_leads_to_is_read(tmp_path):
    (tmp_path / "data").write_bytes(writers.mdb_load(MIXED))
    (tmp_path / "link").symlink_to("data")
    assert parsed(good("dump", tmp_path / "link")) == plain(MIXED)
    assert "no-such" in bad("verify", tmp_path / "no-such")


def test_bytes_of_a_file_forge_no_line_and_no_escape(tmp_path):
    """The key of an item that is none is in the message."""
    path = tmp_path / "a\nb"
    path.write_bytes(writers.bdb({b"a\x1b[31m\nX": b"no item"}))
    for command in ("verify", "dump"):
        line = bad(command, "--storage", "memcachedb-bdb", path)
        assert "a\\x1b[31m\\x0aX" in line and "\x1b" not in line
    assert good("verify", path).count(b"\n") == 1


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer brings its own limits")
def test_a_limit_of_the_files_size_is_a_full_disk(tmp_path):
    words = {b"key%d" % i: b"x" * 100 for i in range(20_000)}
    (tmp_path / "in").write_bytes(ndjson(words))
    for storage in STORAGES:
        done = subprocess.run(
            ["bash", "-c", f'ulimit -f 100; exec "$0" build --storage {storage} --from ndjson '
             f'--input in --output out --quiet', str(PROGRAM)],
            cwd=tmp_path, capture_output=True, check=False,
        )
        assert done.returncode == 1, storage
        assert done.stderr.startswith(b"goromdb: ") and done.stderr.count(b"\n") == 1, done.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["in"], storage


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_descriptor_is_not_the_data_files(closed, tmp_path):
    (tmp_path / "in").write_bytes(ndjson(MIXED))
    command = f'"$0" build --storage lmdb --from ndjson --input in --output out {closed}'
    done = subprocess.run(["bash", "-c", command, str(PROGRAM)], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert parsed(good("dump", tmp_path / "out")) == plain(MIXED)
    command = f'"$0" verify no-such {closed}'
    done = subprocess.run(["bash", "-c", command, str(PROGRAM)], cwd=tmp_path, check=False)
    assert done.returncode == 1


def test_no_sum_of_an_older_file_stays_beside_a_new_one(tmp_path):
    for kind in ("md5", "sha256"):
        (tmp_path / f"out.{kind}").write_text("old")
    good("build", "--storage", "json", "--from", "ndjson", "--input", "-", "--output",
         tmp_path / "out", "--checksum", "sha256", stdin=ndjson({b"k": b"v"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.sha256"]
    assert "old" not in (tmp_path / "out.sha256").read_text()


# ---- in a shell ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["build", "dump", "verify", "stat", "diff", "get", "publish"])
def test_each_tool_has_help_with_an_example(command):
    result = run(command, "--help")
    assert result.returncode == 0, result.stderr
    assert "Example:" in result.stdout and f"goromdb {command} " in result.stdout
    assert result.stderr == ""


def test_a_closed_pipe_ends_a_dump_without_a_word(words, tmp_path):
    good("build", "--storage", "lmdb", "--from", "ndjson", "--input", "-", "--output",
         tmp_path / "f", stdin=ndjson(words))
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "{PROGRAM}" dump "{tmp_path / "f"}" | head -1'],
        capture_output=True, check=False,
    )
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
    assert done.returncode == 128 + signal.SIGPIPE


def test_a_full_standard_output_is_a_failure(tmp_path):
    good("build", "--storage", "lmdb", "--from", "ndjson", "--input", "-", "--output",
         tmp_path / "f", stdin=ndjson(MIXED))
    for command in (["dump"], ["stat"], ["verify"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([str(PROGRAM), *command, str(tmp_path / "f")], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1
        assert b"cannot write to standard output" in done.stderr


@pytest.mark.parametrize(
    "args, says",
    [
        (["buidl"], 'there is no command "buidl"; did you mean "build"?'),
        (["build"], "see goromdb build --help"),
        (["dump", "x", "--format", "xml"], "ndjson"),
        (["build", "--storage", "", "--input", "x.csv", "--output", "y"], "--storage: name"),
        (["build", "--storage", "json", "--input", "-", "--output", "y"], "--from csv"),
        (["build", "--storage", "json", "--input", "x", "--from", "xml", "--output", "y"],
         '--from xml: there is no storage plugin "xml"'),
        (["diff", "--storage-b", "xml", "x", "y"], "x"),
        (["verify", "--storage", "json", "--option", "a\n=1", "x"], "--option a\\x0a=1"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_line(args, says, tmp_path):
    status = 1 if args[0] == "diff" else 2  # the first file is looked at first, and is not there
    assert says in bad(*args, status=status, cwd=tmp_path)


def test_a_key_may_begin_with_a_dash(tmp_path):
    good("build", "--storage", "lmdb", "--from", "ndjson", "--input", "-", "--output",
         tmp_path / "f", stdin=ndjson({b"-key": b"v"}))
    assert good("get", tmp_path / "f", "--", "-key") == b"v"


def test_a_storage_read_from_standard_input_leaves_no_copy(tmp_path):
    source = writers.mdb_load(MIXED)
    good("build", "--storage", "bolt", "--from", "lmdb", "--input", "-", "--output",
         tmp_path / "f", stdin=source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "f.md5"]
    assert parsed(good("dump", tmp_path / "f")) == plain(MIXED)


def test_values_are_as_csv_says_they_are(tmp_path):
    """Python's own writer decides what CSV is."""
    rows = [["key", "value"], ["a", 'say "hi"'], ["b", " spaces "], ["c", "x\r\ny"], ["d", ""]]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    good("build", "--storage", "cdb", "--from", "csv", "--input", "-", "--output", tmp_path / "f",
         stdin=text.getvalue().encode())
    assert parsed(good("dump", tmp_path / "f")) == plain(
        {key.encode(): value.encode() for key, value in rows[1:]}
    )


# ---- a file is tried as it comes, before it is sorted --------------------------------------------


def rows_of(*entries):
    return b"".join(ndjson({key: value}) for key, value in entries)


ORDERS = {
    "in order": rows_of((b"a", b"1"), (b"b", b"2"), (b"b", b"3"), (b"c", b"4")),
    "out of order": rows_of((b"b", b"2"), (b"c", b"4"), (b"b", b"3"), (b"a", b"1")),
    "the last is out of order": rows_of((b"b", b"2"), (b"b", b"3"), (b"c", b"4"), (b"a", b"1")),
    "twice, before and after": rows_of((b"b", b"2"), (b"b", b"3"), (b"a", b"1"), (b"a", b"5")),
    "namespaces out of order": ndjson({b"b": b"1"}, b"z") + ndjson({b"a": b"1"}, b"y"),
    "a wrong row behind one that comes twice": rows_of((b"b", b"2"), (b"b", b"3")) + b"nonsense\n",
    "a wrong row behind one out of order": rows_of((b"b", b"2"), (b"a", b"3")) + b"nonsense\n",
    "flags behind an order": rows_of((b"b", b"2")) + ndjson({b"c": b"1"}, flags=7) + ndjson(
        {b"a": b"1"}, flags=8),
    "no rows": b"\n\n",
}


@pytest.mark.parametrize("storage", ["lmdb", "bolt", "cdb", "json"])
@pytest.mark.parametrize("duplicates", ["error", "first", "last"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_file_gives_what_a_pipe_gives(order, duplicates, storage, tmp_path):
    """A pipe cannot be tried: all of it is sorted."""
    (tmp_path / "rows.ndjson").write_bytes(ORDERS[order])
    build = ["build", "--storage", storage, "--duplicates", duplicates, "--from", "ndjson",
             "--output", "out", "--input"]
    said = {}
    for name, args, stdin in (("file", ["../rows.ndjson"], None), ("pipe", ["-"], ORDERS[order])):
        (tmp_path / name).mkdir()
        done = tool(*build, *args, stdin=stdin, cwd=tmp_path / name)
        line = done.stderr.decode().replace("standard input", "../rows.ndjson")
        counts = done.stdout.split(b", ")[:-1]  # without the seconds
        files = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        assert (set(files) == {"out", "out.md5"}) == (done.returncode == 0)
        assert (files == {}) == (done.returncode != 0)
        said[name] = (done.returncode, line, counts, files)
    assert said["file"] == said["pipe"]


def test_a_cdb_is_byte_for_byte_what_cdb_makes(words, tmp_path):
    (tmp_path / "rows.ndjson").write_bytes(ndjson(dict(sorted(words.items()))))
    good("build", "--storage", "cdb", "--input", tmp_path / "rows.ndjson", "--output",
         tmp_path / "ours")
    assert (tmp_path / "ours").read_bytes() == writers.cdb(dict(sorted(words.items())))
