# SPDX-License-Identifier: MIT
"""Plugins as third parties build them: one C header, one compiler; and the ones that are refused."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from harness import PLUGINS, PROGRAM, REPO, SANITIZER, compile_c, run, wait_for

EXAMPLE = REPO / "examples" / "storage-constant"
ODD = Path(__file__).with_name("odd_plugin.c")


def database(storage, **more):
    return {"motd": {"storage": storage, "file": "in/motd.txt", "basedir": "store", **more}}


def ask(server, request, replies):
    with server.client() as client:
        client.send(request)
        assert client.exactly(len(replies)) == replies


# ---- the example -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Built by the very command that its README shows."""
    folder = tmp_path_factory.mktemp("example")
    readme = (EXAMPLE / "README.md").read_text()
    (command,) = re.findall(r"^cc .*storage_constant\.c$", readme, re.MULTILINE)
    words = shlex.split(
        command.replace("-o storage-constant.so", f"-o {folder}/storage-constant.so")
    )
    subprocess.run([*words, "-Wall", "-Wextra", "-Werror", "-pedantic"], cwd=REPO, check=True)
    return folder / "storage-constant.so"


@pytest.mark.parametrize("how", ["name", "path", "relative path"])
def test_the_example_storage_is_served(serve, tmp_path, example, how):
    if how == "name":
        config = {
            "databases": database("constant"),
            "server": {"plugin_path": [str(example.parent)]},
        }
    elif how == "path":
        config = {"databases": database(str(example))}
    else:
        (tmp_path / "server").mkdir()
        (tmp_path / "server" / "mine.so").write_bytes(example.read_bytes())
        config = {"databases": database("./mine.so")}
    server = serve(folder=tmp_path / "server", **config)
    server.drop(b"Hello.\n", "motd")
    server.adopted(1, "motd")
    ask(
        server,
        b"get content\r\nget nothing\r\nget content nothing content\r\n",
        b"VALUE content 0 7\r\nHello.\n\r\nEND\r\nEND\r\n"
        + b"VALUE content 0 7\r\nHello.\n\r\n" * 2
        + b"END\r\n",
    )
    # A fault is an error and never a miss; the connection goes on.
    ask(
        server,
        b"get fault\r\nget content\r\n",
        b"SERVER_ERROR storage error\r\nVALUE content 0 7\r\nHello.\n\r\nEND\r\n",
    )
    server.drop(b"Bye.\n", "motd")
    server.adopted(2, "motd")
    ask(server, b"get content\r\n", b"VALUE content 0 5\r\nBye.\n\r\nEND\r\n")


def test_a_storage_fault_behind_a_hit_is_an_error_too(serve, example):
    server = serve(databases=database(str(example)))
    server.drop(b"Hello.\n", "motd")
    server.adopted(1, "motd")
    with server.client() as client:
        client.send(b"get content fault\r\nversion\r\n")
        lines = []
        while not (line := client.line()).startswith(b"VERSION"):
            lines.append(line)
        assert lines[-1] == b"SERVER_ERROR storage error"
        assert b"END" not in lines
        assert int(client.stats()["goromdb_keys_failed"]) >= 1


def test_the_example_is_listed_with_the_plugins(tmp_path, example):
    config = tmp_path / "goromdb.yaml"
    config.write_text(
        f"server: {{plugin_path: [{example.parent}]}}\n"
        "databases: {motd: {storage: constant, file: in/motd.txt, basedir: store}}\n"
        "listeners: [{protocol: memcached, listen: '127.0.0.1:0', databases: [motd]}]\n"
    )
    result = run("plugins", "--config", config)
    assert result.returncode == 0, result.stderr
    for word in ("constant", "1.0.0", "serves the whole data file", "json", "memcached"):
        assert word in result.stdout


def test_a_folder_of_plugin_path_comes_before_the_built_in_one(serve, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    compile_c(ODD, folder / "storage-json.so")
    server = serve(
        databases=database("json"),
        server={"plugin_path": [str(folder)]},
    )
    server.drop(b"good\nno JSON at all", "motd")
    server.adopted(1, "motd")
    ask(server, b"get content\r\n", b"VALUE content 4294967295 14\r\nno JSON at all\r\nEND\r\n")


# ---- refused ------------------------------------------------------------------------------------

REFUSED = {
    "without the entry symbol": (["-DNO_ENTRY"], "goromdb_plugin_v0"),
    "with a null descriptor": (["-DNO_DESCRIPTOR"], ""),
    "with a wrong magic number": (["-DMAGIC=0x12345678"], "magic"),
    "of another major version": (["-DMAJOR=9"], r"9\.1.*0\.1"),
    "that needs a newer server": (["-DMIN_HOST=99"], r"0\.99.*0\.1"),
    "with a feature that must be understood": (["-DMUST=(1ull<<40)"], "0x10000000000"),
    "of an unknown kind": (["-DKIND=7"], "7"),
    "of the other kind": (["-DKIND=GOROMDB_KIND_PROTOCOL"], ""),
    "without get()": (["-DNO_GET"], "get"),
    "without operations": (["-DNO_OPS"], ""),
    "without a name": (["-DNO_NAME"], "name"),
    "with a short descriptor": (["-DSHORT"], ""),
}


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_plugin_is_refused_with_one_sentence(serve, tmp_path, name, words):
    flags, needle = REFUSED[name]
    plugin = compile_c(ODD, tmp_path / "storage-odd.so", *flags)
    server = serve(start=False, databases=database(str(plugin)))
    result = run(*words, "--config", server.config_file)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr
    assert re.match(re.escape(str(server.config_file)) + r":\d+:\d+: ", result.stderr)
    assert str(plugin) in result.stderr
    assert re.search(needle, result.stderr), result.stderr


@pytest.mark.parametrize(
    "content",
    [b"", b"text\n", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(100), None],
    ids=["empty", "text", "four-bytes", "header-only", "folder"],
)
def test_what_is_no_shared_object_is_refused_with_one_sentence(serve, tmp_path, content):
    plugin = tmp_path / "storage-odd.so"
    if content is None:
        plugin.mkdir()
    else:
        plugin.write_bytes(content)
    server = serve(start=False, databases=database(str(plugin)))
    result = run("--config", server.config_file)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr
    assert str(plugin) in result.stderr


@pytest.mark.parametrize("words", [["check"], ["plugins"], []], ids=["check", "plugins", "serve"])
@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_file_is_refused_and_not_waited_for(serve, tmp_path, kind, words):
    plugin = tmp_path / "storage-odd.so"
    if kind == "fifo":
        os.mkfifo(plugin)
    elif kind == "folder":
        plugin.mkdir()
    else:
        plugin.symlink_to("/dev/zero")
    server = serve(
        start=False, databases=database("odd"), server={"plugin_path": [str(tmp_path)]}
    )
    result = run(*words, "--config", server.config_file)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr
    assert f"{plugin}: " in result.stderr and kind in result.stderr


def test_a_plugin_with_an_undefined_symbol_is_refused_at_the_start(serve, tmp_path):
    source = tmp_path / "undefined.c"
    source.write_text(
        "#include <goromdb/plugin.h>\nint nobody_has_this(void);\n"
        "GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void) {\n"
        "  nobody_has_this();\n  return 0;\n}\n"
    )
    plugin = compile_c(source, tmp_path / "storage-undefined.so")
    server = serve(start=False, databases=database(str(plugin)))
    result = run("--config", server.config_file)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert "nobody_has_this" in result.stderr


def test_where_no_plugin_is_found_it_is_said_where_they_were_looked_for(tmp_path):
    program = tmp_path / "goromdb"
    shutil.copy(PROGRAM, program)
    (tmp_path / "plugins").mkdir()
    result = subprocess.run([program, "plugins"], capture_output=True, text=True, check=False)
    assert result.returncode == 1, (result.stdout, result.stderr)
    assert result.stdout == "" and result.stderr.count("\n") == 1
    assert str(tmp_path / "plugins") in result.stderr


def test_a_refused_plugin_is_listed_with_the_reason(tmp_path):
    compile_c(ODD, tmp_path / "storage-odd.so", "-DMIN_HOST=99")
    config = tmp_path / "goromdb.yaml"
    config.write_text(
        f"server: {{plugin_path: [{tmp_path}]}}\n"
        "databases: {words: {storage: json, file: in/data.json, basedir: store}}\n"
        "listeners: [{protocol: memcached, listen: '127.0.0.1:0', databases: [words]}]\n"
    )
    result = run("plugins", "--config", config)
    assert "json" in result.stdout
    assert "0.99" in result.stdout + result.stderr


def test_a_plugin_that_cannot_be_created_ends_the_start_with_its_own_words(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    server = serve(start=False, databases=database(str(plugin), options={"fail": True}))
    for words in ([], ["check"]):
        result = run(*words, "--config", server.config_file)
        assert result.returncode == 2, (words, result.stdout, result.stderr)
        assert "create fails, as the file wishes" in result.stderr


# ---- plugins that fail later --------------------------------------------------------------------


@pytest.fixture
def odd(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")

    def start(guard="auto"):
        return serve(databases=database(str(plugin), guard=guard))

    return start


@pytest.mark.parametrize("guard", ["always", "never"])
@pytest.mark.parametrize("mood", ["open", "info", "verify", "warm", "reader"])
def test_a_file_that_the_plugin_cannot_serve_is_rejected_and_the_old_one_stays(odd, mood, guard):
    server = odd(guard)
    server.drop(b"good\nold", "motd")
    server.adopted(1, "motd")
    server.drop(b"%s\nnew" % mood.encode(), "motd")
    # Cold memory is no fault: a file that cannot be warmed may be served.
    server.wait("motd", "rejected " if mood != "warm" else "rejected |generation 2 adopted")
    served = b"new" if server.find("motd", "generation 2 adopted") else b"old"
    ask(server, b"get content\r\n", b"VALUE content 4294967295 3\r\n%s\r\nEND\r\n" % served)
    after = server.mark()
    server.drop(b"good\nend", "motd")
    server.adopted(database="motd", after=after)
    ask(server, b"get content\r\n", b"VALUE content 4294967295 3\r\nend\r\nEND\r\n")


def test_a_file_that_ends_an_unguarded_server_again_and_again_is_set_aside(odd):
    server = odd("never")
    server.drop(b"good\nold", "motd")
    server.adopted(1, "motd")
    server.drop(b"abort\n", "motd")
    ends = 0
    while not server.find("motd", "rejected .*the server ended"):
        wait_for(
            lambda: server.process.poll() is not None or server.find("motd", "rejected "),
            "another end or the rejection",
        )
        if server.process.poll() is not None:
            assert server.exit_code() == -signal.SIGABRT
            ends += 1
            assert ends < 10, "the same file ends every start"
            server.start(listening=False)
    assert 1 < ends < 5
    server.wait("server", "ready:")
    ask(server, b"get content\r\n", b"VALUE content 4294967295 3\r\nold\r\nEND\r\n")
    after = server.mark()
    server.drop(b"good\nnew", "motd")
    server.adopted(database="motd", after=after)
    ask(server, b"get content\r\n", b"VALUE content 4294967295 3\r\nnew\r\nEND\r\n")


def test_a_plugin_that_cannot_count_its_entries_is_served(odd):
    server = odd()
    server.drop(b"uncounted\nnew", "motd")
    server.adopted(1, "motd")
    ask(server, b"get content\r\n", b"VALUE content 4294967295 3\r\nnew\r\nEND\r\n")


def test_a_version_that_the_plugin_gives_is_the_cas(odd):
    server = odd()
    server.drop(b"good\nnew", "motd")
    server.adopted(1, "motd")
    ask(server, b"gets content\r\n", b"VALUE content 4294967295 3 77\r\nnew\r\nEND\r\n")


@pytest.mark.parametrize("size", [0, 1, 2047, 8192, 100_000, 8 << 20])
def test_values_in_memory_of_the_batch_arrive_whole(odd, size):
    server = odd()
    server.drop(b"good\n" + b"x" * size, "motd")
    server.adopted(1, "motd")
    reply = b"VALUE arena 4294967295 %d\r\n%s\r\nEND\r\n" % (size, b"x" * size)
    with server.client(receive_buffer=65536) as client:
        client.send(b"get arena\r\n" * 3)
        assert client.exactly(len(reply)) == reply
        server.drop(b"good\nnew", "motd")
        server.adopted(2, "motd")
        assert client.exactly(len(reply) * 2) == reply * 2
        server.wait("motd", "generation 1 closed")
        client.send(b"get arena\r\n")
        assert client.read_values() == [("arena", b"new")]


def test_corruption_of_one_key_is_an_error_and_not_a_miss(odd):
    server = odd()
    server.drop(b"good\nnew", "motd")
    server.adopted(1, "motd")
    ask(server, b"get corrupt\r\nget fault\r\n", b"SERVER_ERROR storage error\r\n" * 2)


# ---- the shipped ones ---------------------------------------------------------------------------

SHIPPED = sorted(PLUGINS.glob("*.so"))


def symbols(path, *flags):
    output = subprocess.run(
        ["nm", "-D", *flags, str(path)], capture_output=True, text=True, check=True
    ).stdout
    return [line.split() for line in output.splitlines()]


def test_the_built_in_plugins_are_there():
    assert {"storage-json.so", "proto-memcached.so"} <= {path.name for path in SHIPPED}


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer adds symbols of its own")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_plugin_exports_its_entry_and_nothing_else(path):
    assert [words[-1] for words in symbols(path, "--defined-only")] == ["goromdb_plugin_v0"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_plugin_needs_nothing_of_the_program(path):
    undefined = [words[-1] for words in symbols(path, "--undefined-only")]
    assert [name for name in undefined if "goromdb" in name] == []


def test_the_program_offers_nothing_to_plugins():
    exported = [words[-1] for words in symbols(PROGRAM, "--defined-only")]
    assert [name for name in exported if name.startswith("goromdb_")] == []


def test_the_example_exports_its_entry_and_nothing_else(example):
    assert [words[-1] for words in symbols(example, "--defined-only")] == ["goromdb_plugin_v0"]
