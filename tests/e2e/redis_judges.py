# SPDX-License-Identifier: MIT
"""When a reply may differ from redis': an Allowed has the reason and a judge of (ours, theirs)."""

import re

from redis_transcript import name
from redis_wire import parse_all


def shape(reply):
    """Types and lengths of aggregates, without what they hold."""
    if isinstance(reply.value, list):
        return (reply.kind, [shape(item) for item in reply.value])
    return (reply.kind, reply.value is None)


def sorted_reply(reply):
    """A reply in which the order of an aggregate's elements means nothing."""
    if not isinstance(reply.value, list):
        return (reply.kind, repr(reply.value))
    items = [sorted_reply(item) for item in reply.value]
    if reply.kind == "%":
        items = list(zip(items[::2], items[1::2]))
    return (reply.kind, sorted(items, key=repr))


def flat_pairs(reply):
    """An array of key, value, key, value, ... as one of pairs, at any depth."""
    items = [sorted_reply(item) for item in reply.value]
    return (reply.kind, sorted(zip(items[::2], items[1::2]), key=repr))


class Allowed:
    """A difference to redis that is meant. It must be there, or the entry is to go; where it is
    there by chance alone, `always` is False. A judge says no, or raises what is wrong."""

    def __init__(self, reason, judge, always=True):
        self.reason, self.judge, self.always = reason, judge, always

    def complaint(self, ours, theirs):
        if self.always and ours == theirs:
            return f"is the same as redis' now, but an exception is made for it: {self.reason}"
        try:
            if self.judge(ours, theirs):
                return None
            why = "it differs in another way"
        except (AssertionError, ValueError, IndexError) as error:
            why = str(error)
        return f"is not what is allowed ({self.reason}): {why}"


def in_any_order(ours, theirs):
    """The same elements, counted, of the same types."""
    return len(ours) == len(theirs) and list(map(sorted_reply, parse_all(ours))) == list(
        map(sorted_reply, parse_all(theirs))
    )


def pairs_in_any_order(ours, theirs):
    """The same for an array of keys and values in turn, the last element of a scan's reply too."""

    def pairs(data):
        found = []
        for reply in parse_all(data):
            while reply.kind == "*" and len(reply.value) == 2 and reply.value[1].kind == "*":
                found.append(reply.value[0])
                reply = reply.value[1]
            found.append(flat_pairs(reply) if reply.kind == "*" else sorted_reply(reply))
        return found

    return len(ours) == len(theirs) and pairs(ours) == pairs(theirs)


def same_shape(ours, theirs):
    """The same types and numbers of elements."""
    return list(map(shape, parse_all(ours))) == list(map(shape, parse_all(theirs)))


def same_kind(ours, theirs):
    """Replies of the same types, whatever they hold."""
    return [r.kind for r in parse_all(ours)] == [r.kind for r in parse_all(theirs)]


def is_exactly(*texts):
    """Ours is this, whatever redis says."""
    return lambda ours, _theirs: ours in texts


def matches(pattern):
    expression = re.compile(pattern, re.DOTALL)
    return lambda ours, _theirs: expression.fullmatch(ours) is not None


def same_but(*replacements):
    """The same when each (pattern, text) has been put in both."""

    def judge(ours, theirs):
        for pattern, text in replacements:
            ours, theirs = re.sub(pattern, text, ours), re.sub(pattern, text, theirs)
        assert ours == theirs, f"{cut(ours)} instead of {cut(theirs)}"
        return True

    return judge


def plain(data):
    """The last reply in plain words; arrays of RESP2 and sets, maps of RESP3 are what they are."""
    return parse_all(data)[-1].plain()


def same_names(ours, theirs):
    """Of an array of names and values in turn, or of a map: the names, in order."""

    def names(value):
        return list(value) if isinstance(value, dict) else value[::2]

    ours, theirs = names(plain(ours)), names(plain(theirs))
    assert ours == theirs, f"{set(theirs) ^ set(ours)}"
    return True


def as_map(value):
    return value if isinstance(value, dict) else dict(zip(value[::2], value[1::2]))


def says_help(ours, theirs):
    """Lines in our own words that begin as redis' do and name every subcommand that redis names."""

    def named(lines):
        return {
            line.split(b" ")[0].split(b"|")[0] for line in lines if line[:1] not in (b" ", b"(")
        }

    ours, theirs = plain(ours), plain(theirs)
    assert ours[0] == theirs[0] and ours[-1].startswith(b"    ")
    assert named(theirs) <= named(ours), f"no {named(theirs) - named(ours)}"
    return True


def same_fields(missing=(), new=()):
    """INFO: redis' sections and names in redis' order, but for those that are missing or new."""

    def names(data):
        lines = plain(data).decode().replace("txt:", "").split("\r\n")
        return [line.split(":")[0] for line in lines if line]

    def judge(ours, theirs):
        ours = [name for name in names(ours) if not any(re.fullmatch(n, name) for n in new)]
        theirs = [name for name in names(theirs) if not any(re.fullmatch(n, name) for n in missing)]
        assert ours == theirs, f"new {set(ours) - set(theirs)}, missing {set(theirs) - set(ours)}"
        return True

    return judge


def same_commands(missing=(), new=(), compare=lambda row: row):
    """Lists of names, or of rows that begin with one, in any order; `compare` takes out of a row
    what must be the same."""

    def left_out(name, names):
        return name.partition(b"|")[0] in names or name in names

    def by_name(rows, names):
        found = {}
        for row in rows:
            name = row if isinstance(row, bytes) or row is None else row[0]
            if name is None or not left_out(name, names):
                found[name] = compare(row)
        return found

    def judge(ours, theirs):
        ours, theirs = by_name(plain(ours), new), by_name(plain(theirs), missing)
        assert set(ours) == set(theirs), f"{set(ours) ^ set(theirs)}"
        wrong = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
        assert not wrong, "; ".join(f"{n}: {o} instead of {t}" for n, (o, t) in wrong.items())
        return True

    return judge


def differences(cases, ours, theirs, allowed):
    """A line for each reply that is not redis' and is not allowed, or no longer needs to be."""
    found = []
    for case, our, their in zip(cases, ours, theirs):
        title = name(case)
        if title in allowed:
            complaint = allowed[title].complaint(our, their)
        else:
            complaint = None if our == their else "differs"
        if complaint:
            found.append(
                f"{title}\n    {complaint}\n    redis: {cut(their)}\n    ours:  {cut(our)}"
            )
    return found


def cut(data, most=400):
    return repr(data[:most])[1:] + (f"... ({len(data)} bytes)" if len(data) > most else "")
