# SPDX-License-Identifier: MIT
"""The command line: the Go program's flags, subcommands, exit status."""

import gzip
import re
import subprocess

import pytest

from harness import PROGRAM, Client, Inbox, dataset, encode, run, whole_set


def test_the_version_is_one_line(tmp_path):
    for flag in ("--version", "-version"):
        result = run(flag)
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(r"goromdb \d+\.\d+\.\d+\S*\n", result.stdout), result.stdout
        assert result.stderr == ""


def test_the_help_names_every_way_to_call_it():
    for flag in ("--help", "-help", "-h"):
        result = run(flag)
        assert result.returncode == 0, result.stderr
        for word in ("--config", "check", "plugins", "-addr", "-storage", "-file", "-basedir"):
            assert word in result.stdout, word
        assert result.stderr == ""


@pytest.mark.parametrize("command", ["check", "plugins"])
def test_each_subcommand_has_help(command):
    result = run(command, "--help")
    assert result.returncode == 0, result.stderr
    assert "--config" in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["--nonsense"],
        ["-nonsense"],
        ["nonsense"],
        ["check"],
        ["check", "--nonsense"],
        ["check", "--config"],
        ["--config"],
        ["--config", "a.yaml", "b.yaml"],
        ["plugins", "nonsense"],
        ["-addr"],
        ["-addr", "127.0.0.1:0", "-nonsense", "x"],
        ["-addr", "127.0.0.1:0", "-storage", "nonsense"],
        ["-addr", "127.0.0.1:0", "-proto", "nonsense"],
        ["-addr", "127.0.0.1:0", "-handler", "nonsense"],
        ["-addr", "127.0.0.1:0", "-verify", "crc32"],
        ["-addr", "127.0.0.1"],
        ["-addr", "192.0.2.1:0"],
        ["-addr", "127.0.0.1:0", "-file", ""],
        ["-addr", "127.0.0.1:0", "-file="],
        ["-addr", "127.0.0.1:0", "-gzipped=perhaps"],
        ["-addr", "127.0.0.1:0", "-storage", "json", "--", "-verify", "md5"],
        ["-addr", "127.0.0.1:0", "-handler", "a\nb"],
        ["-addr", "127.0.0.1:0", "-storage", "\x1b[31m"],
        ["-addr", "127.0.0.1:0", "-file", "no\nfolder/x"],
        ["-non\nsense"],
        ["--config", "goromdb.yaml", "-addr", ":0"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_one_line_and_exit_2(tmp_path, args):
    result = run(*args, cwd=tmp_path)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr
    assert re.fullmatch(r"[^\x00-\x1f\x7f]*\n", result.stderr), "control bytes"


def test_an_unknown_flag_is_named(tmp_path):
    result = run("-addr", "127.0.0.1:0", "-strage", "json", cwd=tmp_path)
    assert result.returncode == 2
    assert "-strage" in result.stderr


# ---- the Go program's flags --------------------------------------------------------------------


@pytest.fixture
def go(serve, tmp_path):
    """go(...) serves with the Go program's flags, whose log is text; returns (server, inbox)."""

    def start(*flags, kind="md5"):
        (tmp_path / "server" / "in").mkdir(parents=True)
        server = serve(start=False, folder=tmp_path / "server", args=flags)
        server.start(listening=False)
        place = server.wait_line(r"listening on (\S+):(\d+) \(memcached; default\)")
        server.where = (place[1].strip("[]"), int(place[2]))
        return server, Inbox(server.folder / "in" / "data.json", kind)

    return start


@pytest.mark.parametrize(
    "flags",
    [
        "-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store",
        "--addr 127.0.0.1:0 --storage json --file in/data.json --basedir store",
        "-addr=127.0.0.1:0 -storage=json -file=in/data.json -basedir=store",
        "--addr=127.0.0.1:0 --storage=json --file=in/data.json --basedir=store",
        "-basedir store -file in/data.json -proto memcached -addr 127.0.0.1:0 -handler simple",
        "-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -bucket=",
        "-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -gzipped=false",
        "-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -gzipped --gzipped",
        "-addr nonsense -addr=127.0.0.1:0 -file no/x -file in/data.json -basedir a -basedir store",
        "-addr 127.0.0.1:0 -file in/data.json -basedir store -bucket -addr",
    ],
)
def test_the_flags_of_the_go_program_serve(go, flags):
    server, inbox = go(*flags.split())
    with Client(server.where) as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
        inbox.drop(dataset("one"))
        server.wait_line("generation 1 adopted")
        assert whole_set(client) == "one"
    assert (server.folder / "store" / "current").exists()


def test_the_default_basedir_is_the_folder_of_the_file(go):
    server, inbox = go("-addr", "127.0.0.1:0", "-storage", "json", "-file", "in/data.json")
    inbox.drop(dataset("one"))
    server.wait_line("generation 1 adopted")
    assert list((server.folder / "in").glob("data0[01]/data.db"))


@pytest.mark.parametrize("flags", [["-basedir="], ["-basedir", ""], ["--basedir=", "-bucket="]])
def test_an_empty_basedir_is_the_default_one(go, flags):
    server, inbox = go("-addr", "127.0.0.1:0", "-file", "in/data.json", *flags)
    inbox.drop(dataset("one"))
    server.wait_line("generation 1 adopted")
    assert list((server.folder / "in").glob("data0[01]/data.db"))


@pytest.mark.parametrize("flag", [["-file", "-x.json"], ["-file=-x.json"], ["--file", "-x.json"]])
def test_a_value_may_begin_with_a_dash(go, flag):
    server, _ = go("-addr", "127.0.0.1:0", "-basedir", "store", *flag)
    Inbox(server.folder / "-x.json").drop(dataset("one"))
    server.wait_line("generation 1 adopted")


def test_verify_none_needs_no_sum(go):
    server, inbox = go(
        *"-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -verify none".split()
    )
    inbox.put_data(encode(dataset("one")))
    server.wait_line("generation 1 adopted")


def test_verify_sha256_reads_the_sha256_sum(go):
    server, inbox = go(
        *"-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -verify=sha256".split(),
        kind="sha256",
    )
    inbox.drop(dataset("one"))
    server.wait_line("generation 1 adopted")


def test_gzipped_is_accepted_and_not_needed(go):
    server, inbox = go(
        *"-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store -gzipped".split()
    )
    inbox.drop(dataset("one"))
    server.wait_line("generation 1 adopted")


@pytest.mark.parametrize("flags", ["-bucket x", "-gzipped", "-bucket=x -gzipped -handler ns"])
def test_flags_for_what_a_storage_does_not_have_change_nothing(go, flags):
    server, inbox = go(
        *f"-addr 127.0.0.1:0 -storage json -file in/data.json -basedir store {flags}".split()
    )
    inbox.drop(gzip.compress(encode(dataset("one"))))
    server.wait_line("generation 1 adopted")
    with Client(server.where) as client:
        assert whole_set(client) == "one"


def test_an_option_that_a_storage_does_not_have_is_still_wrong_in_a_config(tmp_path):
    (tmp_path / "in").mkdir()
    config = tmp_path / "goromdb.yaml"
    config.write_text(
        "databases: {words: {storage: json, file: in/data.json, options: {bucket: x}}}\n"
        "listeners: [{protocol: memcached, listen: '127.0.0.1:0'}]\n"
    )
    result = run("check", "--config", config)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stderr.startswith(f"{config}:1:") and "bucket" in result.stderr


# ---- plugins -----------------------------------------------------------------------------------


def test_plugins_lists_what_is_found_with_kind_version_and_options():
    result = run("plugins")
    assert result.returncode == 0, result.stderr
    for word in ("json", "storage", "memcached", "protocol", "nested", "touch", "ABI 0.1"):
        assert word in result.stdout, f"{word} is not in\n{result.stdout}"


def test_output_into_a_closed_pipe_is_no_crash():
    with subprocess.Popen(
        [PROGRAM, "plugins"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        process.wait(60)
        assert process.returncode in (0, 1, -13)
        assert b"Sanitizer" not in process.stderr.read()
