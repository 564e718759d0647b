# SPDX-License-Identifier: MIT
"""Files that went bad on their way: bits turned, pages lost or exchanged, two files in one.

Each is made from two good files and a seed, so that a fault is found again: `mutant(good, other, page, seed)`.
"""

import random


def used_pages(data, page):
    """Where pages begin that hold something: what is free is often most of a small file."""
    empty = bytes(page)
    return [at for at in range(0, len(data), page) if data[at : at + page] != empty[: len(data) - at]]


class Mutator:
    """One way to damage `good`, chosen by `seed`; `other` is a good file of the same kind."""

    def __init__(self, good, other, page, seed):
        self.random = random.Random(seed)
        self.good, self.other, self.page = good, other, page
        self.used = used_pages(good, page)

    def place(self):
        return min(self.random.choice(self.used) + self.random.randrange(self.page), len(self.good) - 1)

    def turned(self, places):
        data = bytearray(self.good)
        for at in places:
            data[at] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def overwritten(self, at, page):
        page = page[: len(self.good) - at]
        return self.good[:at] + page + self.good[at + len(page) :]

    def a_page(self, data=None):
        data = self.good if data is None else data
        at = self.random.choice(used_pages(data, self.page))
        return data[at : at + self.page]

    # -- the ways

    def bits(self):
        return self.turned([self.place() for _ in range(self.random.choice([1, 1, 2, 8, 64]))])

    def bits_at_the_start(self):
        end = min(2 * self.page, 512, len(self.good))
        return self.turned([self.random.randrange(end) for _ in range(self.random.choice([1, 1, 3]))])

    def bits_of_a_pages_head(self):
        """Where a page says what it is and where its entries lie."""
        at = self.random.choice(self.used)
        end = min(at + 48, len(self.good))
        return self.turned([self.random.randrange(at, end) for _ in range(self.random.choice([1, 2]))])

    def three_bytes(self):
        data = bytearray(self.good)
        for _ in range(3):
            data[self.place()] = self.random.randrange(256)
        return bytes(data)

    def a_number(self):
        """Four bytes, the way sizes and page numbers lie there, become an odd number."""
        at = self.place() & ~3
        number = self.random.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(self.good)])
        return self.overwritten(at, number.to_bytes(4, self.random.choice(["little", "big"])))

    def cut(self):
        return self.good[: self.random.randrange(len(self.good))]

    def cut_at_a_page(self):
        return self.good[: self.random.choice(self.used)]

    def a_page_of_zeros(self):
        return self.overwritten(self.random.choice(self.used), bytes(self.page))

    def a_page_of_ones(self):
        return self.overwritten(self.random.choice(self.used), b"\xff" * self.page)

    def two_pages_swapped(self):
        one, two = sorted((self.random.choice(self.used), self.random.choice(self.used)))
        first, second = self.good[one : one + self.page], self.good[two : two + self.page]
        if one == two or len(first) != len(second):  # the last one may be shorter
            return self.good
        between = self.good[one + self.page : two]
        return self.good[:one] + second + between + first + self.good[two + self.page :]

    def a_page_twice(self):
        return self.overwritten(self.random.choice(self.used), self.a_page())

    def a_page_of_another_file(self):
        return self.overwritten(self.random.choice(self.used), self.a_page(self.other))

    def spliced(self):
        """The head of one file and the tail of another, as when a copy was gone on with."""
        at = self.random.choice(self.used) + self.random.choice([0, self.random.randrange(self.page)])
        return self.good[:at] + self.other[at:]

    def two_in_a_row(self):
        return self.good[: self.place()] + self.other

    def more_behind(self):
        return self.good + self.random.choice([self.random.randbytes(self.page), self.a_page()])

    def a_hole(self):
        """Some bytes are missing, so what is behind them has moved."""
        at = self.place()
        return self.good[:at] + self.good[at + self.random.choice([1, 4, self.page]) :]

    WAYS = (
        *(bits, bits, bits_at_the_start, bits_at_the_start, bits_of_a_pages_head),
        *(bits_of_a_pages_head, three_bytes, three_bytes, a_number, a_number, cut, cut_at_a_page),
        *(a_page_of_zeros, a_page_of_ones, two_pages_swapped, two_pages_swapped, a_page_twice),
        *(a_page_of_another_file, spliced, spliced, two_in_a_row, more_behind, a_hole),
    )


def mutant(good, other, page, seed):
    """(what was done, the bytes); never `good` itself."""
    again = 0
    while True:
        mutator = Mutator(good, other, page, f"{seed}.{again}")
        way = mutator.random.choice(Mutator.WAYS)
        data = way(mutator)
        if data != good:
            return f"{way.__name__.replace('_', ' ')}, seed {seed}.{again}", data
        again += 1
