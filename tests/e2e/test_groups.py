# SPDX-License-Identifier: MIT
"""Databases of a group change together: with a manifest, all of them or none."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness import SLOW, Client, dataset, encode, hexdigest, publish, run, tmpfs, wait_for, whole_set
from shop import MEMBERS, WAITS, Shop
from test_config import HERE

# ---- the good way ------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False], ids=["first", "next"])
@pytest.mark.parametrize("order", itertools.permutations([*MEMBERS, "manifest"]), ids="-".join)
def test_a_group_is_adopted_when_the_last_piece_comes(serve, order, first):
    shop = Shop(serve)
    if not first:
        shop.load("one")
    old = shop.markers()
    after = shop.server.mark()
    for number, piece in enumerate(order):
        shop.tick()
        assert shop.markers() == old
        assert not any(shop.server.inbox(p).empty() for p in order[:number] if p in MEMBERS)
        assert not any(shop.server.find(name, r"generation \d+ adopted", after) for name in MEMBERS)
        if piece == "manifest":
            shop.announce("two")
        else:
            shop.put("two", piece)
    shop.come(after, "two")
    assert shop.whole() == ("two", "two")
    assert all(shop.server.inbox(name).empty() for name in MEMBERS)
    assert not shop.errors()


@pytest.mark.parametrize(
    "storages", [("json", "lmdb", "bdb"), ("cdb", "json", "lmdb")], ids="-".join
)
def test_members_have_storages_and_kinds_of_sums_of_their_own(serve, storages):
    names = ("prices", "stock", "images")
    settings = {name: {"storage": storage} for name, storage in zip(names, storages)}
    settings["stock"]["verify"] = "sha256"
    shop = Shop(serve, names, **settings)
    for marker in ("one", "two", "three"):
        shop.load(marker)
        assert shop.whole() == (marker,) * 3
    assert shop.generations() == [3, 3, 3]


def change_stock(shop, marker):
    """Of a shop that serves "one" of the prices, and does so further on."""
    after = shop.server.mark()
    shop.put(marker, "stock")
    shop.announce(marker, prices="one")
    shop.come(after, "one", marker, changed=["stock"])


def test_a_member_that_has_not_changed_needs_no_drop(serve):
    shop = Shop(serve)
    shop.load("one")
    for marker, generation in (("two", 2), ("three", 3)):
        change_stock(shop, marker)
        assert shop.generations() == [1, generation]
    shop.server.restart(ready=True)
    assert shop.markers() == ("one", "three")
    shop.load("four")


def test_a_member_that_has_not_changed_may_be_dropped_all_the_same(serve):
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    shop.put("one", "prices")
    shop.put("two", "stock")
    shop.announce("two", prices="one")
    shop.come(after, "one", "two", changed=["stock"])
    shop.load("three")


def test_a_drop_that_the_manifest_does_not_name_stays_for_the_next_one(serve):
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    shop.put("two")
    shop.announce("two", prices="one")
    shop.come(after, "one", "two", changed=["stock"])
    shop.tick()
    assert not shop.server.inbox("prices").empty()
    after = shop.server.mark()
    shop.announce("two")
    shop.come(after, "two", "two", changed=["prices"])


def test_a_manifest_of_what_is_served_goes_away(serve):
    shop = Shop(serve)
    shop.load("one")
    shop.announce("one")
    wait_for(lambda: not shop.manifest.exists(), f"the manifest to go\n{shop.server.log()}")
    assert shop.generations() == [1, 1] and not shop.errors()
    shop.load("two")


LINES = {
    "names": "{prices}  prices\n{stock}  stock\n",
    "file names": "{prices}  prices.json\n{stock}  stock.json\n",
    "binary": "{prices} *prices.json\n{stock} *stock\n",
    "folders": "{prices}  ./prices.json\n{stock}  /some/where else/stock.json\n",
    "another order, no last line end": "{stock}  stock.json\n{prices} prices",
}


@pytest.mark.parametrize("form", LINES)
def test_a_manifest_is_read_as_md5sum_and_people_write_it(serve, form):
    shop = Shop(serve)
    sums = {name: hexdigest(shop.data(name, "one")) for name in MEMBERS}
    shop.put("one")
    publish(shop.manifest, LINES[form].format(**sums).encode())
    shop.come(0, "one")


def test_md5sum_makes_the_manifest(serve):
    shop = Shop(serve, prices={"file": "in/price list.json"})
    for marker in ("one", "two"):
        after = shop.server.mark()
        shop.put(marker)
        command = "md5sum 'price list.json' stock.json > shop.group"
        subprocess.run(command, shell=True, check=True, cwd=shop.manifest.parent)
        shop.come(after, marker)
    assert not shop.errors()


def test_a_manifest_that_is_empty_is_still_being_written(serve):
    shop = Shop(serve)
    with open(shop.manifest, "wb", buffering=0) as manifest:
        shop.put("one")
        shop.tick()
        manifest.write("".join(shop.line(name, "one") for name in MEMBERS).encode())
    shop.come(0, "one")
    assert not shop.errors()


def test_files_of_one_name_in_several_folders_are_told_by_their_databases(serve):
    shop = Shop(serve, prices={"file": "a/data.json"}, stock={"file": "b/data.json"})
    assert shop.manifest == shop.server.folder / "a/shop.group"
    shop.put("one")
    lines = [shop.line(name, "one", "data.json") for name in MEMBERS]
    publish(shop.manifest, "".join(lines).encode())
    shop.server.wait("group shop", f"{re.escape(str(shop.manifest))}: ")
    shop.announce("one")
    shop.come(0, "one")


def test_the_status_and_the_statistics_of_members_are_as_of_any_database(serve):
    shop = Shop(serve)
    shop.load("one")
    for name in MEMBERS:
        checksum = f"md5:{hexdigest(shop.data(name, 'one'))}"
        expected = {"checksum": checksum, "generation": "1", "loads": "1", "rejections": "0"}
        stats = shop.stats(name)
        assert {key: stats[f"goromdb_{key}"] for key in expected} == expected

        def status(name=name):
            return shop.server.status(name)

        wait_for(lambda: status().get("generation") == 1, f"the status of {name}")
        assert status()["checksum"] == checksum and status()["entries"] == 65
        assert not {"rejected", "trouble", "bad"} & set(status())


# ---- waiting -----------------------------------------------------------------------------------


def test_the_first_data_sets_of_a_group_come_together(serve):
    shop = Shop(serve)
    shop.announce("one")
    shop.put("one", "prices")
    shop.server.wait("group shop", WAITS)
    shop.tick()
    assert shop.markers() == (None, None) and not shop.server.find("server", "ready:")
    shop.put("one", "stock")
    shop.settles(None, "one")
    shop.server.wait("server", "ready:")


@pytest.mark.parametrize("what", ["drop", "manifest"])
def test_a_manifest_that_names_another_sum_waits_for_what_fits(serve, what):
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    shop.put("two")
    shop.announce("two", stock="three")
    named, its = (hexdigest(shop.data("stock", marker)) for marker in ("three", "two"))
    shop.server.wait("group shop", f".*{named} of stock.*{its}", after)
    shop.tick()
    said = shop.server.find("group shop", "", after)
    assert len(said) == len(set(said)), "something is said twice"
    assert shop.markers() == ("one", "one") and not shop.errors()
    assert not any(shop.server.inbox(name).empty() for name in MEMBERS)
    if what == "drop":
        shop.put("three", "stock")
        shop.come(after, "two", "three")
    else:
        shop.announce("two")
        shop.come(after, "two")


def test_a_database_that_is_in_no_group_is_not_held_up(serve):
    shop = Shop(serve)
    shop.load("one")
    shop.server.pause_at("prepared")
    shop.put("two")
    shop.announce("two")
    shop.server.wait_paused("prepared")
    shop.tick()
    assert shop.markers() == ("one", "one")
    shop.server.resume("prepared")
    shop.settles("one", "two")


@pytest.mark.parametrize("step", ["prepared", "group_prepared", "group_committed", "pointed"])
def test_nothing_is_served_before_all_are_ready(serve, step):
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    with shop.server.client() as client:
        assert shop.markers(client) == ("one", "one")
        shop.server.pause_at(step)
        shop.put("two")
        shop.announce("two")
        shop.server.wait_paused(step)
        assert shop.markers(client) == ("one", "one")
        shop.server.resume(step)
        shop.come(after, "two")
        assert shop.markers(client) == ("two", "two")


def test_a_drop_and_a_manifest_that_come_too_early_are_the_next_group(serve):
    shop = Shop(serve)
    shop.load("one")
    shop.server.pause_at("prepared")
    shop.put("two")
    shop.announce("two")
    shop.server.wait_paused("prepared")
    shop.put("three")
    shop.announce("three")
    shop.server.resume("prepared")
    seen = []

    def look():
        (marker,) = set(shop.markers())
        seen.append(marker)
        return marker == "three"

    wait_for(look, f"the last one\n{shop.server.log()}")
    wait_for(lambda: not shop.manifest.exists(), f"the manifest to go\n{shop.server.log()}")
    assert seen == sorted(seen, key=["one", "two", "three"].index)
    shop.load("four")


@pytest.mark.parametrize("first", [True, False], ids=["from-the-first-on", "later"])
def test_a_client_that_reads_slowly_holds_no_group_up(serve, first):
    size = 8 << 20  # more than the kernel takes for a client that does not read
    shop = Shop(serve, server={"drain_timeout": "1h"})
    if not first:
        shop.load("zero")
    shop.made["stock", "one", 64] = encode({**dataset("one"), "big": "o" * size})
    shop.load("one")
    with shop.server.client(["stock"], receive_buffer=65536) as slow:
        slow.send(b"get big\r\n")
        assert slow.line() == b"VALUE big 0 %d" % size
        shop.load("two")
        shop.load("three")  # stock's slot is the one that the slow client reads from
        assert slow.exactly(size + 7) == b"o" * size + b"\r\nEND\r\n"
    shop.load("four")


# ---- rejections --------------------------------------------------------------------------------

FEW = {"min_entries": 10}
# The settings of the database whose drop is bad, and the drop.
BAD = {
    "garbage": ({}, b'{"marker": "bad", '),
    "garbage of lmdb": ({"storage": "lmdb"}, b"garbage" * 10_000),
    "too few entries": ({}, encode(dataset("bad", 3))),
}


def reject(shop, bad, data):
    """Two for all members but `bad`, whose drop has a right sum and cannot be served."""
    after = shop.server.mark()
    shop.put("two", *(name for name in MEMBERS if name != bad))
    shop.server.drop(data, bad)
    shop.announce("two", **{bad: data})
    shop.server.wait(bad, "rejected ", after)
    event = shop.server.wait("group shop", rf"nothing is adopted: {bad}: ", after)
    assert event.level == "error"
    return event.message


@pytest.mark.parametrize("how", [None, "stop", "kill9"])
@pytest.mark.parametrize("bad", MEMBERS)
@pytest.mark.parametrize("kind", BAD)
def test_where_one_is_rejected_none_is_adopted_and_the_other_lies_ready(serve, kind, bad, how):
    settings, data = BAD[kind]
    shop = Shop(serve, **{bad: {**FEW, **settings}})
    shop.load("one")
    reject(shop, bad, data)
    shop.tick()
    assert shop.markers() == ("one", "one") and shop.generations() == [1, 1]
    assert len(shop.errors()) == 1
    rejections = {name: shop.stats(name)["goromdb_rejections"] for name in MEMBERS}
    assert rejections == {**dict.fromkeys(MEMBERS, "0"), bad: "1"}
    if how:
        getattr(shop.server, how)()
        shop.server.start(ready=True)
        shop.tick()
        assert shop.markers() == ("one", "one")
    after = shop.server.mark()
    shop.put("three", bad)
    shop.announce("two", **{bad: "three"})
    shop.come(after, *("three" if name == bad else "two" for name in MEMBERS))
    shop.load("four")


def test_what_lies_ready_gives_way_to_another_drop(serve):
    shop = Shop(serve, stock=FEW)
    shop.load("one")
    reject(shop, "stock", BAD["too few entries"][1])
    shop.load("three")
    assert shop.whole() == ("three", "three")
    shop.server.restart(ready=True)
    assert shop.markers() == ("three", "three")
    shop.load("four")


def test_what_lies_ready_stays_there_while_the_served_one_is_named(serve):
    shop = Shop(serve, stock=FEW)
    shop.load("one")
    reject(shop, "stock", BAD["too few entries"][1])
    change_stock(shop, "three")
    shop.server.restart(ready=True)
    assert shop.markers() == ("one", "three")


def test_a_manifest_that_led_to_a_rejection_waits_for_a_mended_drop(serve):
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    shop.put("two", "prices")
    two = shop.data("stock", "two")
    shop.server.inbox("stock").put_data(two[:-1])  # with the sum of all of it
    shop.server.inbox("stock").put_sum_of(two)
    shop.announce("two")
    shop.server.wait("stock", "rejected ", after)
    shop.server.wait("group shop", "nothing is adopted: stock: ", after)
    shop.tick()
    shop.tick()
    assert shop.markers() == ("one", "one") and len(shop.errors()) == 1
    shop.put("two", "stock")
    shop.come(after, "two")


@pytest.mark.parametrize("again", [False, True])
def test_a_drop_comes_piece_by_piece_beside_its_manifest(serve, again):
    """The old data with the new sum is no reason to give the manifest up."""
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    stock = shop.server.inbox("stock")
    if again:
        stock.put_data(shop.data("stock", "late"))
        stock.put_sum_of(shop.data("stock", "late"))
    shop.put("two", "prices")
    shop.announce("two")
    stock.put_sum_of(shop.data("stock", "two"))
    if again:
        shop.server.wait("stock", "rejected ", after)
    shop.tick()
    assert shop.markers() == ("one", "one")
    stock.put_data(shop.data("stock", "two"))
    shop.come(after, "two")


def test_a_set_that_is_put_again_whole_leaves_nothing_behind(serve):
    """Of prices the first drop lies ready in its store by then."""
    shop = Shop(serve)
    shop.load("one")
    after = shop.server.mark()
    shop.put("two", "prices")
    stock = shop.server.inbox("stock")
    stock.put_data(b"no data")
    stock.put_sum_of(b"no data")
    shop.announce(prices="two", stock=b"no data")
    shop.server.wait("group shop", "nothing is adopted: stock: ", after)
    shop.put("two")
    shop.announce("two")
    shop.come(after, "two")
    inboxes = [shop.server.inbox(name) for name in MEMBERS]
    wait_for(lambda: all(inbox.empty() for inbox in inboxes), "the drops to go")


def test_a_full_disk_is_waited_for_with_all_members(serve, tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tmpfs(tmp_path / "disk", "1m"))
        except OSError:
            pytest.skip("this machine does not allow to mount a file system")
        shop = Shop(serve, stock={"basedir": str(folder)})
        stack.callback(shop.server.stop)
        shop.load("one")
        with open(folder / "filler", "wb", 0) as filler:
            with contextlib.suppress(OSError):
                while filler.write(b"x" * 4096):
                    pass
            after = shop.server.mark()
            shop.put("two")
            shop.announce("two")
            shop.server.wait("stock", "cannot .*No space left", after)
            shop.tick()
            assert shop.markers() == ("one", "one")
            filler.truncate(0)
        shop.come(after, "two")
        shop.load("three")


# ---- bad manifests -----------------------------------------------------------------------------


# {prices} and {stock} are the right digests.
BAD_MANIFESTS = {
    "prose": "all of it is new\n",
    "zeros": "\0" * 100,
    "four megabytes": "x" * (4 << 20),
    "one is missing": "{prices}  prices\n",
    "one twice": "{prices}  prices\n{stock}  stock\n{prices}  prices\n",
    "one twice, by both names": "{prices}  prices\n{stock}  stock\n{stock}  stock.json\n",
    "one twice, the other missing": "{prices}  prices\n{prices}  prices.json\n",
    "an unknown one": "{prices}  prices\n{stock}  stok\n",
    "one of no group": "{prices}  prices\n{stock}  stock\n{stock}  clock\n",
    "no name": "{prices}  prices\n{stock}\n",
    "no digest": "{prices}  prices\nstock\n",
    "a digest that is too short": "{prices}  prices\n{stock:.31}  stock\n",
    "a digest that is too long": "{prices}  prices\n{stock}0  stock\n",
    "a digest of another kind": "{prices}  prices\n{stock}{stock}  stock\n",
    "no hexadecimal digits": "{prices}  prices\n{stock:.31}x  stock\n",
    "prose behind it": "{prices}  prices\n{stock}  stock\nand so on\n",
    "a folder": None,
}


@pytest.mark.parametrize("kind", BAD_MANIFESTS)
def test_a_bad_manifest_is_one_line_and_a_good_one_works(serve, kind):
    shop = Shop(serve)
    shop.load("one")
    shop.put("two")
    if BAD_MANIFESTS[kind] is None:
        shop.manifest.mkdir()
    else:
        sums = {name: hexdigest(shop.data(name, "two")) for name in MEMBERS}
        publish(shop.manifest, BAD_MANIFESTS[kind].format(**sums).encode())
    event = shop.server.wait("group shop", f"{re.escape(str(shop.manifest))}: ")
    assert event.level == "error" and len(event.message) < 1000
    for name in MEMBERS:
        wait_for(lambda: shop.server.status(name).get("trouble") == event.message, f"{name} to tell")
    shop.tick()
    assert shop.markers() == ("one", "one") and len(shop.errors()) == 1
    assert shop.manifest.exists()
    if shop.manifest.is_dir():
        shop.manifest.rmdir()
    after = shop.server.mark()
    shop.announce("two")
    shop.come(after, "two")
    assert not shop.errors(after)
    wait_for(lambda: "trouble" not in shop.server.status(MEMBERS[0]), "the trouble to be over")


# ---- going back --------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 2])
def test_a_member_is_not_rolled_back_alone(serve, keep):
    shop = Shop(serve, each={"keep": keep})
    shop.load("one")
    shop.load("two")
    for name in MEMBERS:
        shop.server.wait(name, "generation 1 is kept" if keep else "generation 1 closed")
    why = "it is in group shop, whose databases change together"
    for name in MEMBERS:
        place = ("--config", shop.server.config_file, "--database", name)
        done = run("rollback", *place, "--timeout", "10s")
        assert done.returncode != 0 and why in done.stderr, done
    request = shop.server.inbox("stock").file.with_name(".stock.json.rollback")
    wait_for(lambda: not request.exists(), "no request to be left")
    publish(request, b"from 2\nto 1\n")  # as another version of the tool may write it
    shop.server.wait("stock", f"not rolled back: .*{why}")
    assert shop.markers() == ("two", "two") and shop.generations() == [2, 2]
    shop.load("three")


def test_a_member_that_goes_bad_does_not_go_back_alone(serve):
    shop = Shop(serve, each={"keep": 2}, stock={"storage": "cdb"})
    shop.load("one")
    shop.load("two")
    after = shop.server.mark()
    (served,) = (n for n in shop.server.store_files("stock") if n.endswith("01/data.db"))
    os.truncate(shop.server.store("stock") / served, 100)
    shop.server.wait("stock", "generation 2 is bad", after)
    event = shop.server.wait("stock", ".*group shop", after)
    assert event.level.startswith("warn")
    shop.tick()
    assert not shop.server.find("stock", "generation .* adopted", after)
    shop.load("three")
    assert shop.whole() == ("three", "three")


def damage_served(shop, name):
    slot = (shop.server.store(name) / "current").read_text().split()[1]
    os.truncate(shop.server.store(name) / slot / "data.db", 100)


def serves_nothing(shop, name):
    with shop.server.client([name]) as client:
        client.send(b"get marker\r\n")
        return client.line().startswith(b"SERVER_ERROR")


@pytest.mark.parametrize("older", ["kept", "in its slot"])
def test_a_member_whose_file_does_not_open_at_a_start_does_not_go_back_alone(serve, older):
    """Nor at the next start, which does not find it any more."""
    shop = Shop(serve, each={"keep": 2}, stock={"storage": "cdb"})
    shop.load("one")
    if older != "kept":
        (shop.server.store("stock") / "kept").write_text("in the way")
    shop.load("two")
    shop.server.wait("stock", "generation 1 is kept" if older == "kept" else "cannot keep ")
    shop.server.stop()
    damage_served(shop, "stock")
    for _ in range(3):
        shop.server.start()
        event = shop.server.wait("stock", "nothing is served: .* group shop serve")
        assert event.level == "error"
        shop.server.wait("prices", "generation 2 adopted")
        assert serves_nothing(shop, "stock")
        wait_for(lambda: "rejected" in shop.server.status("stock"), "the status to say so")
        shop.server.stop()
    shop.server.start()
    shop.load("three")
    assert shop.whole() == ("three", "three")
    assert shop.generations() == [3, 3]


def test_what_the_record_names_and_is_gone_is_not_replaced_by_an_older_one(serve):
    """Not even where `current` still names that: the kill came before."""
    shop = Shop(serve, stock={"storage": "cdb"})
    shop.load("one")
    shop.server.kill_at("group_committed")
    shop.put("two")
    shop.announce("two")
    shop.server.died_by_kill9()
    shop.server.forget_steps()
    os.truncate(shop.server.store("stock") / "data01/data.db", 100)
    for _ in range(2):
        shop.server.start()
        shop.server.wait("stock", "nothing is served: .* group shop serve")
        shop.server.wait("prices", "generation 2 adopted")
        assert serves_nothing(shop, "stock")
        shop.server.stop()
    shop.server.start()
    shop.load("three")
    assert shop.generations() == [3, 3]


def edited(config, how):
    """The config as somebody may leave it while the server is down."""
    if how == "another name":
        config["groups"] = {"store": config["groups"]["shop"]}
    elif how == "another order":
        config["groups"]["shop"].reverse()
    elif how == "no group":
        del config["groups"]
    else:
        config["databases"]["stocks"] = config["databases"].pop("stock")
        renamed = lambda names: ["stocks" if name == "stock" else name for name in names]
        config["groups"]["shop"] = renamed(config["groups"]["shop"])
        for listener in config["listeners"]:
            listener["databases"] = renamed(listener["databases"])


@pytest.mark.parametrize("how", ["another name", "another order", "no group", "another database"])
@pytest.mark.parametrize("step", ["group_committed", "pointed"])
def test_what_was_decided_holds_under_another_config(serve, step, how):
    shop = Shop(serve)
    shop.load("one")
    shop.server.kill_at(step)
    shop.put("two")
    shop.announce("two")
    shop.server.died_by_kill9()
    shop.server.forget_steps()
    edited(shop.server.config, how)
    shop.server.config_file.write_text(json.dumps(shop.server.config))
    shop.server.start(ready=True)
    for address in shop.server.listening()[1:3]:
        with Client(address) as client:
            assert whole_set(client) == "two"
    for name in ("prices", *(name for name in shop.server.config["databases"] if "stock" in name)):
        shop.server.adopted(2, name)
        assert not shop.server.find(name, "generation 1 adopted")


@pytest.mark.parametrize("order", ["drops first", "manifest first"])
def test_a_member_that_went_bad_is_healed_by_the_same_set(serve, order):
    shop = Shop(serve, each={"storage": "cdb"})
    shop.load("one")
    damage_served(shop, "stock")
    shop.server.wait("stock", "generation 1 is bad: ")
    after = shop.server.mark()
    if order == "drops first":
        # All of it is seen at once.
        shop.server.process.send_signal(signal.SIGSTOP)
        shop.put("one")
        shop.announce("one")
        shop.server.process.send_signal(signal.SIGCONT)
    else:
        shop.announce("one")
        shop.server.wait("group shop", WAITS, after)
        shop.put("one")
    shop.server.wait("stock", r"generation 2 adopted", after)
    wait_for(lambda: not shop.manifest.exists(), "the manifest to go")
    assert shop.whole() == ("one", "one") and shop.generations() == [2, 2]
    assert all(shop.server.inbox(name).empty() for name in MEMBERS)


def test_a_bad_member_holds_up_a_set_that_has_nothing_new_for_it(serve):
    shop = Shop(serve, each={"storage": "cdb"})
    shop.load("one")
    damage_served(shop, "stock")
    shop.server.wait("stock", "generation 1 is bad: ")
    after = shop.server.mark()
    shop.put("two", "prices")
    shop.announce(prices="two", stock="one")
    shop.server.wait("group shop", ".* of stock, which serves it and is bad: waiting", after)
    shop.tick()
    assert shop.manifest.exists()
    shop.put("one", "stock")
    shop.server.wait("stock", "generation 2 adopted", after)
    assert shop.whole() == ("two", "one")


@pytest.mark.parametrize("what", ["another set", "the same set", "the manifest"])
def test_a_manifest_that_comes_while_a_group_rests_is_not_kept_waiting(serve, what):
    """After trouble of the machine the group and the member rest for nine times as long as that took."""
    shop = Shop(serve)
    shop.load("one")
    in_the_way = shop.server.store("stock") / "data01/data.db.note.tmp"
    in_the_way.mkdir()
    shop.server.pause_at("hashed")
    after = shop.server.mark()
    shop.put("two")
    shop.announce("two")
    shop.server.wait_paused("hashed")
    time.sleep(2 * SLOW)
    shop.server.forget_steps()
    shop.server.wait("group shop", "nothing is adopted: .*data.db.note.tmp", after)
    in_the_way.rmdir()
    began = time.monotonic()
    marker = "three" if what == "another set" else "two"
    after = shop.server.mark()
    if what != "the manifest":
        shop.put(marker)
    shop.announce(marker)
    shop.come(after, marker)
    assert time.monotonic() - began < 15 * SLOW


def publish_old(shop, marker, *words):
    """Hands a set over that was made long ago."""
    for name in MEMBERS:
        path = shop.server.folder / f"{name}.old"
        path.write_bytes(shop.data(name, marker))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        place = ("--config", shop.server.config_file, "--database", name, "--no-wait")
        done = run("publish", *place, *words, path)
        assert done.returncode == 0, done.stderr


def test_an_older_set_is_published_by_hand(serve):
    shop = Shop(serve, each={"only_newer": True})
    shop.load("two")
    publish_old(shop, "one")
    shop.announce("one")
    for name in MEMBERS:
        shop.server.wait(name, "rejected .*only_newer is set; .* with --again")
    shop.server.wait("group shop", "nothing is adopted: ")
    assert shop.whole() == ("two", "two")
    after = shop.server.mark()
    publish_old(shop, "one", "--again")
    shop.announce("one")
    shop.come(after, "one")
    assert shop.whole() == ("one", "one")
    shop.load("three")


# ---- configs -----------------------------------------------------------------------------------

CONFIG = """\
databases:
  prices: {storage: json, file: in/prices.json, basedir: store/prices}
  stock: {storage: json, file: in/stock.json, basedir: store/stock}
  other: {storage: json, file: in/other.json, basedir: store/other}
groups:
  shop: [prices, stock]
listeners:
  - {protocol: memcached, listen: 127.0.0.1:0}
"""
MEMBER_LIST = "[prices, stock]"
THIRD_FILE = "in/other.json"
# What is put in the place of what, and words that the message must hold.
WRONG = {
    "an unknown database": (MEMBER_LIST, "[prices, ▸stok]", ["stok", "stock"]),
    "one database": (MEMBER_LIST, "[prices]", ["shop", "two"]),
    "no database": (MEMBER_LIST, "[]", ["shop", "two"]),
    "one twice": (MEMBER_LIST, "[prices, stock, ▸prices]", ["prices"]),
    "one in two groups": (
        MEMBER_LIST,
        f"{MEMBER_LIST}\n  more: [other, stock]",
        ["stock", "shop"],
    ),
    "a group twice": (MEMBER_LIST, f"{MEMBER_LIST}\n  ▸shop: [other, stock]", ["shop"]),
    "no sums": ("store/stock}", "store/stock, verify: none}", ["stock", "verify"]),
    "a slash in its name": ("shop:", "▸a/b:", []),
    "a blank in its name": ("shop:", "▸a b:", []),
    "no name": ("shop:", "▸'':", []),
    "a member alone": (MEMBER_LIST, "▸prices", ["list"]),
    "a list of groups": ("shop: [prices, stock]", "▸- [prices, stock]", ["groups"]),
    "its manifest is a member's file": ("in/stock.json", "in/shop.group", ["shop.group", "stock"]),
    "its manifest is another's file": (THIRD_FILE, "in/shop.group", ["shop.group", "other"]),
    "its record is another's file": (THIRD_FILE, "store/prices/group.shop", ["store", "prices"]),
}


@pytest.mark.parametrize("words", [["check"], []], ids=["check", "serve"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_group_is_one_line_that_names_the_place(tmp_path, name, words):
    old, new, needles = WRONG[name]
    assert CONFIG.count(old) == 1
    text = CONFIG.replace(old, new)
    config = tmp_path / "goromdb.yaml"
    config.write_text(text.replace(HERE, ""), encoding="utf-8")
    (tmp_path / "in").mkdir()
    result = run(*words, "--config", config, cwd=tmp_path)
    assert result.returncode == 2, (result.stdout, result.stderr)
    place = re.fullmatch(re.escape(str(config)) + r":(\d+):(\d+): (.+)\n", result.stderr)
    assert place, result.stderr
    if HERE in text:
        before = text[: text.index(HERE)]
        expected = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert (int(place[1]), int(place[2])) == expected, result.stderr
    for needle in needles:
        assert needle in place[3], result.stderr


def test_check_lists_groups(tmp_path):
    (tmp_path / "in").mkdir()
    config = tmp_path / "goromdb.yaml"
    config.write_text(CONFIG)
    done = run("check", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"  group shop: prices, stock; manifest {tmp_path}/in/shop.group\n" in done.stdout
