# SPDX-License-Identifier: MIT
"""Clients of memcached that people have, unmodified: tests/clients/ and Debian's."""

import os
import re
import subprocess
import sys

import pytest

import client_table
import twemproxy
import writers
from client_programs import (
    BINARY,
    CLIENTS,
    LARGE,
    MIB,
    UTF8,
    UTF8_VALUE,
    Program,
    node_modules,
    words,
)
from harness import DEADLINE, SANITIZER, Server

PROGRAMS = CLIENTS / "memcached"

foreign = pytest.mark.skipif(
    SANITIZER is not None,
    reason="pymemcache's text and pylibmc's packets are run; the others' are no more to the server",
)


def file_of(marker):
    return writers.lmdb_namespaces({b"": words(marker)})


def listener(**options):
    return {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": ["words"],
        "options": options,
    }


class Served:
    """The server of all tests here: listeners with the defaults, for cache-aside clients, for dumps."""

    def __init__(self, folder):
        self.server = Server(
            folder,
            databases={"words": {"storage": "lmdb", "file": "in/words.mdb", "basedir": "store"}},
            listeners=[listener(), listener(write_reply="not_stored"), listener(dump=True)],
        ).start()
        self.address, self.not_stored, self.dumping = self.server.listening()
        self.swap("one")
        self.watcher = self.server.client()

    def stop(self):
        self.watcher.close()
        self.server.stop()

    def swap(self, marker=None):
        marker = marker or f"set {self.server.mark()}"
        self.server.load(file_of(marker))
        return marker.encode()

    def connections(self):
        """How many there ever were."""
        return int(self.watcher.stats()["total_connections"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("clients") / "server")
    yield served
    served.stop()


@pytest.fixture
def results(record_property, request):
    """What a client could do, by column, for the table; `version` is to be set."""
    yield from client_table.line_of_test("memcached", record_property, request)


def test_the_table_in_the_docs_is_that_of_these_tests():
    client_table.check_documented("memcached", globals())


# ---- programs that print their steps (tests/clients/README.md) -----------------------------------


class Refusal:
    """What a client says of a refused request (a pattern), and whether it connects anew for that."""

    def __init__(self, text, reconnects=False):
        self.text = text
        self.reconnects = reconnects

    def check(self, said, connections):
        """Returns what the table shows; `connections`: those made for it and for a get behind it."""
        assert re.fullmatch(self.text, said), said
        assert connections == int(self.reconnects), f"{connections} new connections, {said}"
        shown = re.sub(r"\(0x[0-9a-f]+\) |,  host: .*", "", said.removeprefix("error "))
        return shown + " (reconnects)" * self.reconnects


READ_ONLY = "read-only server"


class Check:
    """A program's way through its steps, on a listener of the server."""

    def __init__(self, served, address, command, *more, **env):
        self.served = served
        self.known = served.connections()
        self.program = Program(address, command, *more, **env)
        self.one = self.program.one

    def __enter__(self):
        self.program.__enter__()
        return self

    def __exit__(self, *args):
        self.program.__exit__(*args)

    def read_until(self, step):
        """Returns how many connections were made on the way to the step."""
        self.program.read_until(step)
        before, self.known = self.known, self.served.connections()
        return self.known - before

    def refused(self, step, get_behind, refusal, first=0):
        made = self.read_until(get_behind) - first
        assert self.one(get_behind) == b"piyo"
        self.program.go_on()
        return refusal.check(self.one(step), made)


def check_steps(
    served,
    results,
    command,
    *more,
    write,
    delete,
    not_stored,
    many=(b"piyo", None, UTF8_VALUE),
    utf8=UTF8_VALUE,
    binary=BINARY,
    address=None,
    not_stored_address=None,
    **env,
):
    """Refusals: `write` and `delete` of the listener with the defaults, `not_stored` of the other one.

    `many`: the values of a request for several keys, None where the client has none; `utf8`, `binary`:
    what the program prints for these.
    """
    with Check(served, address or served.address, command, *more, **env) as check:
        results["write"] = check.refused("write", "again", write, first=1)
        assert check.one("hit") == b"piyo"
        results |= {"connect": "yes", "hit": "yes"}
        results["delete"] = check.refused("delete", "then", delete)
        assert check.read_until("before") == 0
        version = check.program.results.get("version", [None])[0]
        if version is not None:
            results["version"] = version if isinstance(version, str) else version.decode()
        assert check.one("miss") is None
        results["miss"] = "nil"
        assert check.one("utf8") == utf8
        results["UTF-8"] = "yes" if utf8 == UTF8_VALUE else "refused by the client"
        if many is None:
            assert "many" not in check.program.results
        else:
            assert check.one("many") == list(many)
        results["many"] = "-" if many is None else "yes"
        assert check.one("binary") == binary
        results["binary"] = "yes" if binary == BINARY else "read as UTF-8"
        assert check.one("mib") == MIB
        results["1 MiB"] = "yes"
        assert check.one("16mib") == LARGE
        results["16 MiB"] = "yes"
        marker = served.swap()
        assert check.one("before") != marker
        check.program.go_on()
        assert check.read_until("after") == 0
        assert check.one("after") == marker
        results["swap"] = "same connection"
        check.program.ends_well()
    with Check(served, not_stored_address or served.not_stored, command, *more, **env) as check:
        results["not_stored"] = check.refused("write", "again", not_stored, first=1)


def test_pymemcache(served, results):
    check_steps(
        served,
        results,
        [sys.executable, PROGRAMS / "pymemcache_client.py"],
        write=Refusal(f"error b'{READ_ONLY}'", reconnects=True),
        delete=Refusal(f"error b'{READ_ONLY}'", reconnects=True),
        not_stored=Refusal("False"),
    )


@foreign
def test_pylibmc_text(served, results):
    check_steps(
        served,
        results,
        [sys.executable, PROGRAMS / "pylibmc_client.py"],
        write=Refusal(rf"error error 9 from memcached_set: .* {READ_ONLY}, .*"),
        delete=Refusal(rf"error error 9 from memcached_delete\(hoge\): .* {READ_ONLY}, .*"),
        not_stored=Refusal("False"),
    )


def test_pylibmc_binary(served, results):
    check_steps(
        served,
        results,
        [sys.executable, PROGRAMS / "pylibmc_client.py"],
        "binary",
        write=Refusal("False"),
        delete=Refusal(r"error error 14 from memcached_delete\(hoge\).*"),
        not_stored=Refusal("False"),
    )


@foreign
def test_dalli_binary(served, results):
    check_steps(
        served,
        results,
        ["ruby", PROGRAMS / "dalli_client.rb"],
        write=Refusal("false"),
        delete=Refusal("false"),
        not_stored=Refusal("false"),
    )


@foreign
def test_php_memcached_text(served, results):
    check_steps(
        served,
        results,
        ["php", PROGRAMS / "php_memcached.php"],
        write=Refusal("error CLIENT ERROR"),
        delete=Refusal("error CLIENT ERROR"),
        not_stored=Refusal("error NOT STORED"),
        utf8="error A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE",  # getMulti takes it
    )


@foreign
def test_php_memcached_binary(served, results):
    check_steps(
        served,
        results,
        ["php", PROGRAMS / "php_memcached.php"],
        "binary",
        write=Refusal("error NOT STORED"),
        delete=Refusal("error NOT STORED"),
        not_stored=Refusal("error NOT STORED"),
    )


@foreign
def test_cache_memcached(served, results):
    check_steps(
        served,
        results,
        ["perl", PROGRAMS / "perl_memcached.pl"],
        write=Refusal("false"),
        delete=Refusal("false"),
        not_stored=Refusal("false"),
    )


@foreign
def test_cache_memcached_fast(served, results):
    check_steps(
        served,
        results,
        ["perl", PROGRAMS / "perl_memcached.pl"],
        "Cache::Memcached::Fast",
        write=Refusal("undef", reconnects=True),
        delete=Refusal("undef", reconnects=True),
        not_stored=Refusal("false"),
    )


@foreign
def test_gomemcache(served, results, tmp_path):
    program = tmp_path / "gomemcache"
    build = ["go", "build", "-o", program, PROGRAMS / "gomemcache_client.go"]
    offline = {"GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOFLAGS": ""}
    offline["GOCACHE"] = str(tmp_path / "cache")
    subprocess.run(build, env={**os.environ, **offline}, check=True)
    check_steps(
        served,
        results,
        [program],
        write=Refusal(f'error .*"CLIENT_ERROR {READ_ONLY}.*"', reconnects=True),
        delete=Refusal(f'error .*"CLIENT_ERROR {READ_ONLY}.*"', reconnects=True),
        not_stored=Refusal("error memcache: item not stored"),
        utf8="error malformed: key is too long or contains invalid characters",
        many=(b"piyo", None, BINARY),
    )
    results["version"] = debian_version("golang-github-bradfitz-gomemcache-dev")


def debian_version(package):
    done = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=True
    )
    return done.stdout


@foreign
def test_memjs(served, results):
    check_steps(
        served,
        results,
        ["node", CLIENTS / "node" / "memjs.cjs"],
        write=Refusal("error MemJS SET: Item not stored"),
        delete=Refusal("error MemJS DELETE: Item not stored"),
        not_stored=Refusal("error MemJS SET: Item not stored"),
        many=None,
        NODE_PATH=node_modules(least=18),
    )


@foreign
def test_node_memcached(served, results):
    check_steps(
        served,
        results,
        ["node", CLIENTS / "node" / "memcached.cjs"],
        write=Refusal(f"error {READ_ONLY}"),
        delete=Refusal(f"error {READ_ONLY}"),
        not_stored=Refusal("error Item is not stored"),
        binary=BINARY.decode(errors="replace").encode(),  # it makes a string of every value
        NODE_PATH=node_modules(least=18),
    )


@foreign
def test_pymemcache_through_twemproxy(served, results, tmp_path):
    """The proxy keeps its connection, and the server, after each refusal."""
    addresses = (served.address, served.not_stored)
    with twemproxy.Twemproxy(tmp_path / "proxy", *addresses) as proxy:
        address, not_stored_address = proxy.addresses
        check_steps(
            served,
            results,
            [sys.executable, PROGRAMS / "pymemcache_client.py"],
            write=Refusal(f"error b'{READ_ONLY}'"),
            delete=Refusal(f"error b'{READ_ONLY}'"),
            not_stored=Refusal("False"),
            address=address,
            not_stored_address=not_stored_address,
        )
    results["version"] = twemproxy.version()


# ---- libmemcached's tools --------------------------------------------------------------------------


def tool(address, name, *words_, protocol=()):
    """The exit status, what it prints and its complaint, of a tool as Debian calls it."""
    host, port = address
    done = subprocess.run(
        [name, f"--servers={host}:{port}", *protocol, *words_],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


@foreign
@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_libmemcached_tools(served, results, protocol, tmp_path):
    flags = ("--binary",) if protocol == "binary" else ()

    def ask(name, *words_, address=served.address):
        return tool(address, name, *words_, protocol=flags)

    results["version"] = re.search(
        r"libmemcached v([\d.]+)", ask("memccat", "--version")[1].decode()
    )[1]
    assert tool(served.address, "memcping") == (0, b"", "")
    results["connect"] = "yes"
    assert ask("memccat", "hoge") == (0, b"piyo\n", "")
    results["hit"] = "yes"
    assert ask("memccat", "nothing") == (1, b"", "")
    results["miss"] = "exit 1"
    assert ask("memccat", "hoge", "nothing", UTF8) == (1, b"piyo\n" + UTF8_VALUE + b"\n", "")
    results |= {"many": "one by one", "UTF-8": "yes"}
    assert ask("memccat", "binary") == (0, BINARY + b"\n", "")
    results["binary"] = "yes"
    assert ask("memccat", "mib") == (0, MIB + b"\n", "")
    results["1 MiB"] = "yes"
    assert ask("memccat", "16mib") == (0, LARGE + b"\n", "")
    results["16 MiB"] = "yes"

    file = tmp_path / "hoge"
    file.write_bytes(b"a\r\nb")
    for address in (served.address, served.not_stored):
        said = "NOT STORED"
        if protocol == "text" and address == served.address:
            said = READ_ONLY
        code, _, complaint = ask("memccp", file, address=address)
        assert code == 1 and said in complaint, complaint
        results["write" if address == served.address else "not_stored"] = said
        code, _, complaint = ask("memcrm", "hoge", address=address)
        said = READ_ONLY if protocol == "text" else "Fatal error"
        assert code == 1 and said in complaint, complaint
        results["delete"] = said
    assert ask("memctouch", "hoge") == (0, b"", "")
    assert ask("memctouch", "nothing") == (1, b"", "")

    before = served.watcher.get("marker")
    assert ask("memccat", "marker") == (0, before + b"\n", "")
    marker = served.swap()
    assert ask("memccat", "marker") == (0, marker + b"\n", "")
    results["swap"] = "-"

    code, text, complaint = ask("memcstat")
    assert (code, complaint) == (0, "")
    stats = dict(re.findall(r"^\t(\S+): (.*)$", text.decode(), re.MULTILINE))
    assert stats["version"].startswith("1.6.") and int(stats["pid"]) == served.server.pid
    assert int(stats["curr_items"]) == len(words("")) and int(stats["get_hits"]) > 0
    code, text, complaint = ask("memcstat", "--args=settings")
    assert (code, complaint) == (0, "") and b"\tmaxconns: " in text
    results["memcstat, memcping, memctouch"] = ""


@foreign
@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_memcexist_which_asks_by_an_add_is_answered_with_not_stored_only(served, protocol):
    flags = ("--binary",) if protocol == "binary" else ()
    for key in ("hoge", "nothing"):
        code, _, complaint = tool(served.address, "memcexist", key, protocol=flags)
        assert code == 1 and f"Fatal error for key '{key}'" in complaint
    assert tool(served.not_stored, "memcexist", "hoge", protocol=flags) == (0, b"", "")
    code, _, complaint = tool(served.not_stored, "memcexist", "nothing", protocol=flags)
    assert code == 1 and "Fatal error for key 'nothing'" in complaint


# ---- every write -----------------------------------------------------------------------------------

WRITES = "set add add_missing replace append prepend cas delete incr decr".split()
PYTHON = [sys.executable, PROGRAMS / "pylibmc_client.py"]
PHP = ["php", PROGRAMS / "php_memcached.php"]
TEXT_REFUSED = rf"error error \d+ from .* {READ_ONLY}.*|error 1 keys failed"


@foreign
@pytest.mark.parametrize(
    "command,more,says,writes",
    [
        pytest.param(PYTHON, [], TEXT_REFUSED, WRITES, id="pylibmc_text"),
        pytest.param(
            PYTHON,
            ["binary"],
            r"False|error error 14 from .*|error 1 keys failed",
            WRITES,
            id="pylibmc_binary",
        ),
        pytest.param(PHP, [], "error CLIENT ERROR", WRITES, id="php_memcached_text"),
        pytest.param(PHP, ["binary"], "error NOT STORED", WRITES, id="php_memcached_binary"),
        pytest.param(
            ["ruby", PROGRAMS / "dalli_client.rb"], [], "false", [*WRITES, "flush"], id="dalli"
        ),
        pytest.param(
            ["node", CLIENTS / "node" / "memjs.cjs"],
            [],
            r"error MemJS \w+: Item not stored",
            [write for write in WRITES if write != "cas"],
            id="memjs",
        ),
    ],
)
def test_each_write_is_told_as_a_failure_and_the_connection_stays(
    served, command, more, says, writes
):
    env = {"NODE_PATH": node_modules(least=18)} if command[0] == "node" else {}
    with Check(served, served.address, command, *more, "writes", **env) as check:
        assert check.read_until("again") == 1
        assert check.one("again") == b"piyo"
        told = {write: check.one(write) for write in writes}
        assert {write: said for write, said in told.items() if not re.fullmatch(says, said)} == {}
        check.program.go_on()
        check.program.ends_well()


@foreign
@pytest.mark.parametrize("more", [[], ["binary"]], ids=["text", "binary"])
def test_no_refusal_of_a_write_without_a_reply_is_taken_for_the_next_reply(served, more):
    """libmemcached would take one of DELETEQ and its like for a miss."""
    with Check(served, served.address, PYTHON, *more, "noreply") as check:
        assert check.read_until("again") == 1
        assert check.one("again") == b"piyo"
        check.program.go_on()
        check.program.ends_well()


# ---- what watches servers --------------------------------------------------------------------------

TOOL = "/usr/share/memcached/scripts/memcached-tool"


def watch(address, *mode):
    host, port = address
    done = subprocess.run(
        [TOOL, f"{host}:{port}", *mode], capture_output=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def fields(table):
    return dict(line.split(None, 1) for line in table.decode().splitlines()[1:] if line.strip())


@foreign
def test_memcached_tool(served, results):
    """Debian's, with its modes."""
    results["version"] = re.match(r"[\d.]+", debian_version("memcached"))[0]
    stats = fields(watch(served.address, "stats"))
    assert int(stats["pid"]) == served.server.pid and int(stats["curr_items"]) == len(words(""))
    assert stats["version"].startswith("1.6.45-goromdb-")
    settings = fields(watch(served.address, "settings"))
    assert int(settings["maxconns"]) > 0 and settings["dump_enabled"].strip() == "no"
    assert fields(watch(served.address, "sizes")) == {"sizes_status": "disabled"}
    assert b"Item_Size" in watch(served.address)  # `display`: a head, and no slab
    assert watch(served.dumping, "keys").count(b"key=") == len(words(""))
    assert b"add hoge 0 0 4\r\npiyo\r\n" in watch(served.dumping, "dump")
    results |= {"connect": "yes", "hit": "yes"}
    results["stats, settings, sizes, display, keys, dump"] = ""
