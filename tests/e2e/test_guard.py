# SPDX-License-Identifier: MIT
"""New files are opened in another process first: readers that die, hang or end the process on one."""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import PLUGINS, PROGRAM, SANITIZER, SLOW, compile_c, dataset, encode, run, wait_for
from test_rollback import rollback

ODD = Path(__file__).with_name("odd_plugin.c")
GUARD = "goromdb-guard"


@pytest.fixture
def odd(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")

    def make(popen=None, wrap=(), **settings):
        words = {"storage": str(plugin), "poll_interval": "200ms", **settings}
        # The limits are short here: the guard is not to wait for a busy machine.
        return serve(words=words, popen=popen, wrap=wrap, server={"load_priority": "normal"})

    return make


def content(server):
    with server.client() as client:
        return client.get("content")


def guards(server):
    """The guard's processes of this server."""
    pids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().partition("(")[2].rpartition(") ")
            if name == GUARD and int(rest.split()[1]) == server.pid:
                pids.append(int(stat.parent.name))
    return pids


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def the_next_good_file_is_adopted(server):
    server.load(b"good\nnext")
    assert content(server) == b"next"


DEATHS = {
    "abort": r"the reader died on this file \(signal 6\)",
    "segv": r"the reader died on this file \(signal 11\)",
    "exit": r"the reader ended the process on this file \(exit status 3\)",
    "verify": "verify fails, as the file wishes",
}


@pytest.mark.parametrize("mood", DEATHS)
def test_a_reader_that_dies_on_a_file_takes_nobody_along(odd, mood):
    server = odd()
    server.drop(b"good\nold")
    server.adopted(1)
    pid = server.pid
    server.drop(b"%s\nnew" % mood.encode())
    server.rejected(f".*data.json: {DEATHS[mood]}; kept as .*data.db.rejected$")
    assert content(server) == b"old"
    assert server.stats()["goromdb_rejections"] == "1"
    (reason,) = server.store().glob("data0?/data.db.rejected.reason")
    assert reason.read_text().strip() != ""
    assert reason.with_suffix("").read_bytes() == b"%s\nnew" % mood.encode()
    the_next_good_file_is_adopted(server)
    assert server.pid == pid and server.process.poll() is None


def test_what_a_storage_has_not_counted_is_walked(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so", "-DCURSOR")
    server = serve(words={"storage": str(plugin)})
    server.drop(b"walk\nnew")
    server.wait(
        "words", r"rejected .*data.json: the reader died on this file \(signal 6\); kept as"
    )
    the_next_good_file_is_adopted(server)


# ---- the jail


def has_jail(server, part):
    said = run("check", "--config", server.config_file, wrap=server.wrap)
    assert said.returncode == 0
    return part in said.stdout.partition("(jail: ")[2].partition(")")[0].split("+")


def test_what_the_jail_is_made_of_is_told(odd, serve):
    server = odd()
    server.drop(b"good\nnew")
    server.adopted(1)
    wait_for(lambda: "jail" in server.status(), "the status to tell")
    parts = server.status()["jail"].split("+")
    assert all(has_jail(server, part) for part in parts)
    unguarded = serve(words={"guard": "never"})
    unguarded.load(dataset("one"))
    wait_for(lambda: "generation" in unguarded.status(), "the status to tell")
    assert "jail" not in unguarded.status()


def kernel_has(server, part):
    """Asked of the kernel, not of the program."""
    if part == "landlock":
        create_ruleset, of_version = 444, 1
        return ctypes.CDLL(None).syscall(create_ruleset, None, 0, of_version) > 0
    if part == "seccomp":
        return "\nSeccomp:" in Path("/proc/self/status").read_text()
    ways = (["unshare", "--net", "true"], ["unshare", "--user", "--map-root-user", "--net", "true"])
    return any(
        subprocess.run([*server.wrap, *way], stderr=subprocess.DEVNULL, check=False).returncode == 0
        for way in ways
    )


def need_jail(server, part):
    has = has_jail(server, part)
    if SANITIZER is None:
        assert has == kernel_has(server, part)
    if not has:
        pytest.skip(f"no {part}: this kernel has none, or a sanitizer needs what it takes")


FORBIDDEN = {
    "socket": "socket",
    "exec": "execve",
    "fork": "clone",
    "killer": "kill",
    "ptrace": "ptrace",
    "chmod": "(fchmodat|chmod)",
    "truncate": "truncate",
}


@pytest.mark.parametrize("mood", FORBIDDEN)
def test_a_reader_that_does_what_reading_does_not_take_is_ended(odd, mood):
    server = odd()
    need_jail(server, "seccomp")
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"%s\nnew" % mood.encode())
    reason = f"the reader called {FORBIDDEN[mood]}, which reading a file does not take"
    server.rejected(f".*data.json: {reason}; kept as")
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


@pytest.mark.parametrize("mood", ["write", "peek"])
def test_a_reader_reaches_no_file_but_its_own(odd, mood):
    server = odd()
    need_jail(server, "landlock")
    server.drop(b"%s\nnew" % mood.encode())
    server.rejected(".*: reaching out fails, as the file wishes; kept as")
    (kept,) = server.store().glob("data0?/data.db.rejected")
    assert kept.read_bytes() == b"%s\nnew" % mood.encode()
    assert list(server.store().glob("data0?/*beside")) == []
    the_next_good_file_is_adopted(server)


NOTE = "the process that tries the file: "


def without(*capabilities):
    """Words before a program that root runs: without these, and at the most as others."""
    names = ",".join(f"-{each}" for each in ("dac_override", *capabilities))
    return ["setpriv", f"--bounding-set={names}", "--"] if os.geteuid() == 0 else []


@pytest.mark.parametrize("missing", [[], ["sys_admin", "dac_read_search"]])
def test_a_reader_has_no_network(odd, missing):
    if missing and SANITIZER == "thread":
        pytest.skip("a process of a thread sanitizer has threads: it gets no namespace of users")
    server = odd(wrap=without(*missing))
    need_jail(server, "netns")
    server.drop(b"network\nnew")
    server.adopted(1)
    assert content(server) == b"new"
    assert not server.find("words", f"{NOTE}no netns here")


def test_a_right_to_read_what_others_may_not_is_not_given_up_for_that(odd):
    """Within a namespace of users it would be none."""
    if os.geteuid() != 0:
        pytest.skip("this is not root")
    server = odd(wrap=without("sys_admin"))
    assert not has_jail(server, "netns")
    server.drop(b"good\nnew")
    server.adopted(1)
    server.wait("words", f"{NOTE}no netns here: Operation not permitted")


def test_a_reader_has_a_folder_for_temporary_files_and_nothing_of_it_stays(odd):
    server = odd()
    server.drop(b"notes\nnew")
    server.adopted(1)
    server.drop(b"clutter\nnew")
    server.adopted(2)
    assert not list(server.store().rglob("*scratch*"))


# ---- limits

GOOD_IN_TIME = f"{4 + 2 * SLOW:.0f}s"  # what a good file's reader takes on a busy machine, too

LIMITS = {
    "burn": (
        {"guard_cpu": "1s"},
        r"the reader took more than 1s of CPU time on this file \(guard_cpu\)",
    ),
    "endless": (
        {"guard_total": GOOD_IN_TIME},
        r"the reader took more than \d+s on this file \(guard_total\)",
    ),
    "hungry": (
        {"guard_memory": "64MiB"},
        r"memory is short; it takes more than 64.0 MiB of memory \(guard_memory\)",
    ),
    "careless": (
        {"guard_memory": "64MiB"},
        r"the reader died on this file \(signal 11\)",
    ),
    "hole": ({}, r"the reader wrote more than 1.0 GiB into a temporary file"),
}


@pytest.mark.parametrize("mood", LIMITS)
def test_a_reader_that_comes_to_a_limit_is_rejected_with_it(odd, mood):
    if SANITIZER is not None and mood in ("hungry", "careless"):
        pytest.skip("a sanitizer's memory knows no limit")
    settings, reason = LIMITS[mood]
    server = odd(**settings)
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"%s\nnew" % mood.encode())
    server.rejected(f".*data.json: {reason}; kept as")
    assert guards(server) == []
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


OWN_LIMITS = {
    "hungry": (
        f"--data={300 << 20}",
        r"memory is short; it takes more than 300.0 MiB of memory \(RLIMIT_DATA of the server itself\)",
    ),
    "hole": (
        f"--fsize={10 << 20}",
        r"the reader wrote more than 10.0 MiB into a temporary file \(RLIMIT_FSIZE of the server itself\)",
    ),
    "burn": (
        "--cpu=4",
        r"the reader took more than 2s of CPU time on this file \(RLIMIT_CPU of the server itself\)",
    ),
}


@pytest.mark.parametrize("mood", OWN_LIMITS)
def test_a_limit_of_the_server_itself_is_a_limit_of_its_readers_and_named(odd, mood):
    if SANITIZER is not None:
        pytest.skip("a sanitizer takes more than these limits by itself")
    limit, reason = OWN_LIMITS[mood]
    server = odd(wrap=["prlimit", limit, "--"])
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"%s\nnew" % mood.encode())
    server.rejected(f".*data.json: {reason}; kept as")
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


def test_what_is_mapped_of_a_file_is_not_taken_for_memory_of_its_own(odd):
    """The machine has too little for it: that may pass."""
    if SANITIZER is not None:
        pytest.skip("a sanitizer takes more than this limit by itself")
    server = odd(guard_memory="64MiB")
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"mapped\n" + bytes(40 << 20))
    server.wait("words", "memory is short; trying again in ")
    assert not server.find("words", "rejected ")
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


@pytest.mark.parametrize("slots", [["data00"], ["data00", "data01"]])
def test_a_start_survives_what_the_go_program_left(odd, tmp_path, slots):
    for slot in slots:
        folder = tmp_path / "server0" / "store" / slot
        folder.mkdir(parents=True)
        (folder / "data.db").write_bytes(b"good\nold" if slot == "data00" else b"segv\nnew")
    if slots == ["data00"]:
        (tmp_path / "server0" / "store" / "data00" / "data.db").write_bytes(b"segv\nold")
    server = odd()
    server.wait("words", r"rejected .*the reader died on this file \(signal 11\)")
    if slots != ["data00"]:
        server.wait("server", "ready:")
        assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


@pytest.mark.parametrize("mood", ["hang", "flood"])
def test_a_reader_that_hangs_is_ended_also_when_it_prints_without_end(odd, mood):
    server = odd(guard_timeout=GOOD_IN_TIME)
    server.drop(b"%s\n" % mood.encode())
    server.rejected(".*the reader hung on this file: no progress for ")
    assert guards(server) == []
    the_next_good_file_is_adopted(server)


def test_a_process_that_has_not_begun_says_nothing_about_the_file(serve, tmp_path):
    """As when the kernel keeps it waiting on its way into the jail."""
    plugin = compile_c(ODD, tmp_path / "storage-odd.so", "-DNEVER_BEGINS")
    server = serve(words={"storage": str(plugin), "guard_timeout": "1s"})
    server.drop(b"good\nnew")
    server.wait("words", "the process that tries files has not begun for 1s; trying again in ")
    assert not server.find("words", "rejected ")
    assert guards(server) == []


def test_a_rollback_is_told_what_the_server_is_busy_with(odd):
    server = odd(guard_timeout="1h", keep=1)
    for number in (1, 2):
        server.drop(b"good\n%d" % number)
        server.adopted(number)
    server.wait("words", "generation 1 is kept")
    server.drop(b"hang\nnew")
    wait_for(lambda: "busy" in server.status(), f"the status to tell\n{server.log()}")
    done = rollback(server, "--timeout", "300ms")
    assert done.returncode == 1
    assert "the server is still trying " in done.stderr
    assert "in another process; nothing was rolled back" in done.stderr
    assert content(server) == b"2"


def test_a_reader_that_is_slow_and_says_so_is_waited_for(odd):
    """It takes four seconds in all, and there is a sign of life each tenth of one."""
    server = odd(guard_timeout="3s")
    server.drop(b"slow\nnew")
    server.adopted(1)
    server.wait("words", r"trying .*data.db in another process: \d+ %")


def test_a_guard_that_is_killed_says_nothing_about_the_file(odd):
    """As when memory is short: the data set is kept and tried again."""
    server = odd()
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"kill\nnew")
    server.wait("words", "the process that tried the file was killed; .*trying again in ")
    assert not server.find("words", "rejected ")
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


def test_what_took_long_and_failed_is_not_tried_again_at_once(odd):
    """A file of many GiB that cannot be opened would keep a core busy at every poll."""
    server = odd(poll_interval="50ms")
    server.pause_at("hashed")
    server.drop(b"kill\nnew")
    server.wait_paused("hashed")
    time.sleep(1)  # it takes a second, so it rests for nine
    server.resume("hashed")
    server.wait("words", r"the process that tried .*trying again in (\d{4,}ms|9s|\d\d+s)")
    time.sleep(0.5)  # ten polls
    assert server.stats()["goromdb_failures"] == "1"
    the_next_good_file_is_adopted(server)  # which does not wait for that


@pytest.mark.parametrize("whom", ["the server", "all of its session", "the guard"])
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_server_and_are_no_fault_of_the_file(odd, whom, sig):
    server = odd(popen={"start_new_session": True}, guard_timeout="1h")
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"hang\nnew")
    wait_for(lambda: guards(server), "the guard to start")
    (guard,) = guards(server)
    if whom == "the guard":
        os.kill(guard, sig)
        time.sleep(0.2)  # for what must not happen
        assert not has_ended(guard)
    elif whom == "all of its session":
        os.kill(guard, sig)
        os.killpg(server.pid, sig)
    server.stop(sig)  # long before the reader's time is over
    assert has_ended(guard)
    assert not server.find("words", "rejected ")


def test_the_guard_of_a_server_that_was_killed_ends_and_the_next_start_goes_on(odd):
    server = odd(guard_timeout=GOOD_IN_TIME)
    server.drop(b"good\nold")
    server.adopted(1)
    server.drop(b"hang\nnew")
    wait_for(lambda: guards(server), "the guard to start")
    (guard,) = guards(server)
    server.kill9()
    wait_for(lambda: has_ended(guard), "the guard to end with its server")
    server.start(ready=True)
    assert content(server) == b"old"
    server.wait("words", "rejected .*the reader hung on this file")
    the_next_good_file_is_adopted(server)


@pytest.mark.parametrize("lives", [True, False])
def test_a_guard_whose_server_died_before_it_could_be_watched_ends(tmp_path, lives):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    file = tmp_path / "data.db"
    file.write_bytes(b"good\n")
    server = str(os.getpid()) if lives else "1"
    words = ["open-in-guard", server, str(1 << 30), "60", str(1 << 20), "1", tmp_path, plugin, file]
    with open(file, "rb") as data:
        fd = fcntl.fcntl(data.fileno(), fcntl.F_DUPFD, 10)
    done = subprocess.run(
        [PROGRAM, *words], capture_output=True, preexec_fn=lambda: os.dup2(fd, 3), pass_fds=[3]
    )
    os.close(fd)
    assert done.returncode == (0 if lives else 1)
    assert (b"guard: ok" in done.stdout) == lives


def test_what_the_reader_prints_goes_to_the_log_in_bounds_and_hides_no_verdict(odd):
    server = odd()
    server.drop(b"chatter\nnew")
    server.wait("words", "rejected .*: open fails, as the file wishes; kept as")
    printed = server.find("words", "the reader in another process: ")
    assert 1 < len(printed) <= 20
    assert all(event.level == "warn" for event in printed)


def test_a_file_that_is_changed_after_it_was_tried_is_rejected(serve):
    server = serve(words={"guard": "always"})
    server.pause_at("guarded")
    server.drop(dataset("one"))
    server.wait_paused("guarded")
    (data,) = server.store().glob("data0?/data.db")
    data.write_bytes(encode(dataset("two")))
    server.resume("guarded")
    server.wait("words", "rejected .*it was changed after it had been verified")
    server.forget_steps()
    server.load(dataset("three"))
    assert server.serving() == "three"


@pytest.mark.parametrize("what", ["a link goes", "rights", "written and dated back"])
@pytest.mark.parametrize("step", ["moved", "guarded", "opened"])
def test_what_is_touched_while_it_is_opened_is_judged_by_its_sum(serve, step, what):
    server = serve(words={"guard": "always"})
    server.pause_at(step)
    server.drop(dataset("one"))
    server.wait_paused(step)
    (data,) = server.store().glob("data0?/data.db")
    was = data.stat()
    if what == "a link goes":
        os.link(data, data.with_name("more"))
        data.with_name("more").unlink()
    elif what == "rights":
        data.chmod(0o600)
    else:
        data.chmod(0o644)
        data.write_bytes(encode(dataset("two")))
        os.utime(data, ns=(was.st_atime_ns, was.st_mtime_ns))
    server.resume(step)
    server.forget_steps()
    if what == "written and dated back":
        server.wait("words", "the inode of .* was changed while it was opened")
        server.wait("words", "rejected .*it was changed after it had been verified")
        server.load(dataset("three"))
        assert server.serving() == "three"
    else:
        server.adopted()
        assert server.serving() == "one"
        assert not server.find("words", "rejected ")


@pytest.mark.parametrize("how", ["start", "rollback"])
def test_a_link_more_while_a_store_s_own_file_is_opened_is_no_change(serve, how):
    server = serve(words={"guard": "always", "keep": 1})
    server.load(dataset("one"))
    server.load(dataset("two"))
    wait_for((server.store() / "kept/1.db").exists, "the older data set to be kept")
    marker = "one" if how == "rollback" else "two"
    if how == "start":
        server.stop()
        server.pause_at("opened")
        server.start()
    else:
        server.pause_at("opened")
        asked = threading.Thread(target=rollback, args=(server,))
        asked.start()
    server.wait_paused("opened")
    (data,) = (p for p in server.store().glob("data0?/data.db") if p.read_bytes() == encode(dataset(marker)))
    os.link(data, server.folder / "backup")
    server.resume("opened")
    server.forget_steps()
    server.wait("words", "the inode of .* was changed while it was opened")
    server.adopted(3 if how == "rollback" else 2)
    assert server.serving() == marker
    assert not server.find("words", "rejected ")
    if how == "rollback":
        asked.join()


def test_a_rollback_that_meets_a_shortage_is_not_forgotten_for_a_drop_that_waits(odd):
    server = odd(keep=1, poll_interval="1s")
    for number, data in enumerate((b"good\nold", b"good\nnew"), 1):
        server.drop(data)
        server.adopted(number)
    wait_for((server.store() / "kept/1.db").exists, "the older data set to be kept")
    server.drop(b"kill\nnewest")
    server.wait("words", "the process that tried the file was killed; .*trying again in ")
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    asked = threading.Thread(target=rollback, args=(server,))
    asked.start()
    server.wait("words", ".*rollback: Too many open files")
    time.sleep(0.2)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    asked.join()
    assert content(server) == b"old"


def test_the_guard_reads_with_the_options_of_the_database(serve):
    lines = b'{"key": "a b", "value": "1"}\n{"key": "c", "value": "2"}\n'
    options = {"format": "ndjson", "max_decompressed": "1MiB"}
    server = serve(words={"guard": "always", "options": options})
    server.pause_at("guarded")
    server.drop(b'{\n"hoge": "fuga"\n}')
    server.wait("words", "rejected ")
    assert not (server.steps / "guarded.paused").exists(), "the guard took what the server rejects"
    server.drop(lines)
    server.wait_paused("guarded")
    server.resume("guarded")
    server.adopted()
    with server.client() as client:
        assert client.get("c") == b"2"


@pytest.mark.parametrize("guard", ["always", "never"])
def test_a_storage_is_told_that_the_guard_only_verifies(serve, tmp_path, guard):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    server = serve(words={"storage": str(plugin), "guard": guard})
    server.drop(b"to verify\nnew")
    if guard == "always":
        server.wait("words", "rejected .*only to verify fails, as the file wishes")
        the_next_good_file_is_adopted(server)
    else:
        server.adopted()
        assert content(server) == b"new"


@pytest.mark.parametrize("how", ["moved away", "replaced", "replaced while a file is tried"])
def test_a_plugin_that_is_not_the_served_one_any_more_says_nothing_about_a_file(odd, tmp_path, how):
    """As after the upgrade of a package. The server goes on with the plugin that it has."""
    plugin, aside = tmp_path / "storage-odd.so", tmp_path / "aside.so"
    server = odd(guard_timeout=GOOD_IN_TIME)
    server.drop(b"good\nold")
    server.adopted(1)
    if how == "replaced while a file is tried":
        server.drop(b"hang\nnew")
        wait_for(lambda: guards(server), "the guard to start")
    plugin.rename(aside)
    if how != "moved away":  # its files are none of ours
        shutil.copy(PLUGINS / "storage-lmdb.so", tmp_path / "other.so")
        (tmp_path / "other.so").rename(plugin)
    if how != "replaced while a file is tried":
        server.drop(b"good\nnew")
    server.wait(
        "words",
        f"{plugin}: the plugin was replaced since this server started; restart it; trying again in ",
    )
    assert not server.find("words", "rejected ")
    assert content(server) == b"old"
    aside.rename(plugin)
    the_next_good_file_is_adopted(server)


def test_an_adopted_file_is_not_tried_again_at_the_next_start(serve):
    server = serve(words={"guard": "always"})
    server.load(dataset("one"))
    server.stop()
    server.pause_at("guarded")
    server.start(ready=True)
    assert server.serving() == "one"
    server.forget_steps()


def rot(path, data):
    """Other bytes of the same length under the same times, as a bad disk leaves them."""
    was = path.stat()
    path.chmod(0o644)
    assert len(data) == was.st_size
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_a_served_file_that_ends_every_start_makes_room_for_a_kept_one(odd):
    server = odd(keep=2)
    for number, data in enumerate((b"good\nold", b"good\nnew"), 1):
        server.drop(data)
        server.adopted(number)
    wait_for((server.store() / "kept/1.db").exists, "the older data set to be kept")
    server.stop()
    (path,) = (p for p in server.store().glob("data0?/data.db") if p.read_bytes() == b"good\nnew")
    rot(path, b"segv\nnew")
    for _ in range(3):
        server.start(listening=False)
        assert server.exit_code() == -signal.SIGSEGV
    server.start(ready=True)
    server.wait("words", ".*ended 3 times without being stopped .*compared with its sum")
    assert content(server) == b"old"
    the_next_good_file_is_adopted(server)


def test_a_good_file_is_served_on_however_often_the_server_is_killed(odd):
    server = odd()
    server.drop(b"good\nold")
    server.adopted(1)
    for kills in range(1, 6):
        server.kill9()
        server.start(ready=True)
        assert content(server) == b"old"
        compared = server.find("words", ".*ended 3 times without being stopped")
        assert len(compared) == (1 if kills == 3 else 0), kills
    for _ in range(5):
        server.stop()
        server.start(ready=True)
        assert not server.find("words", ".*without being stopped")


def test_a_doubted_file_that_has_its_sum_is_served_though_no_guard_begins(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so", "-DNEVER_BEGINS")
    server = serve(words={"storage": str(plugin), "guard": "never", "guard_timeout": "1s"})
    server.drop(b"good\nold")
    server.adopted(1)
    for kills in range(1, 4):
        server.kill9()
        if kills == 3:
            server.config["databases"]["words"]["guard"] = "always"
            server.config_file.write_text(json.dumps(server.config))
        server.start(ready=True)
    assert server.find("words", ".*ended 3 times without being stopped .*compared with its sum")
    assert server.find("words", ".*data.db is opened all the same: the process that tries .* not begun")
    assert content(server) == b"old"


CHECKED = "-DTRAITS=GOROMDB_TRAIT_BOUNDS_CHECKED"


@pytest.mark.parametrize(
    "guard, traits, guarded",
    [
        ("auto", [], True),
        (None, [], True),
        ("auto", [CHECKED], False),
        (None, [CHECKED], False),
        ("always", [CHECKED], True),
        ("never", [], False),
    ],
)
def test_who_is_guarded(serve, tmp_path, guard, traits, guarded):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so", *traits)
    words = {"storage": str(plugin), **({"guard": guard} if guard else {})}
    server = serve(words=words, start=False)
    said = run("check", "--config", server.config_file)
    assert said.returncode == 0
    assert ("new files tried in another process" in said.stdout) == guarded
    server.start()
    server.drop(b"segv\nnew")
    if guarded:
        server.wait("words", r"rejected .*\(signal 11\)")
    else:
        assert server.exit_code() == -signal.SIGSEGV
