// SPDX-License-Identifier: MIT
// The rows of the commands of lists, of which there are none.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kListRows[] = {
    Row("blmove", 6, kWrite | kDenyOom | kNoScript | kBlocking, kCatList)
        .keys(1, 2, 1, kSpec29)
        .docs("6.2.0", "O(1)", "As LMOVE, but waits for an element"),
    Row("blmpop", -5, kWrite | kBlocking | kMovableKeys, kCatList)
        .keys(0, 0, 0, kSpec30)
        .docs("7.0.0", "O(N+M), N keys, M elements returned", "As LMPOP, but waits for an element"),
    Row("blpop", -3, kWrite | kNoScript | kBlocking, kCatList)
        .keys(1, -2, 1, kSpec31)
        .docs("2.0.0", "O(N), N keys", "As LPOP on the first list that has something, but waits"),
    Row("brpop", -3, kWrite | kNoScript | kBlocking, kCatList)
        .keys(1, -2, 1, kSpec31)
        .docs("2.0.0", "O(N), N keys", "As RPOP on the first list that has something, but waits"),
    Row("brpoplpush", 4, kWrite | kDenyOom | kNoScript | kBlocking, kCatList)
        .keys(1, 2, 1, kSpec29)
        .docs("2.2.0", "O(1)", "As RPOPLPUSH, but waits for an element")
        .deprecated("6.2.0", "`BLMOVE` (RIGHT LEFT)"),
    Row("lindex", 3, kReadOnly, kCatList)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(N), N elements passed", "The element at a place in a list")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing),
    Row("linsert", 5, kWrite | kDenyOom, kCatList)
        .keys(1, 1, 1, kSpec1)
        .docs("2.2.0", "O(N), N elements passed", "Puts an element before or behind another"),
    Row("llen", 2, kReadOnly | kFast, kCatList)
        .keys(1, 1, 1, kSpec14)
        .docs("1.0.0", "O(1)", "How many elements a list has")
        .misses(":0\r\n")
        .runs(read_key, write_missing),
    Row("lmove", 5, kWrite | kDenyOom, kCatList)
        .keys(1, 2, 1, kSpec29)
        .docs("6.2.0", "O(1)", "Moves an end of a list to an end of another"),
    Row("lmpop", -4, kWrite | kMovableKeys, kCatList)
        .keys(0, 0, 0, kSpec32)
        .docs("7.0.0", "O(N+M), N keys, M elements returned",
              "Takes elements from the first list that has some"),
    Row("lpop", -2, kWrite | kFast, kCatList)
        .keys(1, 1, 1, kSpec4)
        .docs("1.0.0", "O(N), N elements returned", "Takes elements from a list's front"),
    Row("lpos", -3, kReadOnly, kCatList)
        .keys(1, 1, 1, kSpec3)
        .docs("6.0.6", "O(N), N elements passed", "At which places of a list an element is")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_lpos, write_missing_lpos),
    Row("lpush", -3, kWrite | kDenyOom | kFast, kCatList)
        .keys(1, 1, 1, kSpec1)
        .docs("1.0.0", "O(N), N elements", "Puts elements to a list's front"),
    Row("lpushx", -3, kWrite | kDenyOom | kFast, kCatList)
        .keys(1, 1, 1, kSpec1)
        .docs("2.2.0", "O(N), N elements", "Puts elements to the front of a list that is there"),
    Row("lrange", 4, kReadOnly, kCatList)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(S+N), S elements passed, N returned",
              "The elements between two places of a list")
        .misses("*0\r\n")
        .runs(read_integers_2_3, write_missing),
    Row("lrem", 4, kWrite, kCatList)
        .keys(1, 1, 1, kSpec15)
        .docs("1.0.0", "O(N+M), N elements of the list, M removed",
              "Removes elements that equal a value"),
    Row("lset", 4, kWrite | kDenyOom, kCatList)
        .keys(1, 1, 1, kSpec13)
        .docs("1.0.0", "O(N), N elements passed", "Replaces the element at a place in a list"),
    Row("ltrim", 4, kWrite, kCatList)
        .keys(1, 1, 1, kSpec15)
        .docs("1.0.0", "O(N), N elements removed", "Keeps the elements between two places"),
    Row("rpop", -2, kWrite | kFast, kCatList)
        .keys(1, 1, 1, kSpec4)
        .docs("1.0.0", "O(N), N elements returned", "Takes elements from a list's end"),
    Row("rpoplpush", 3, kWrite | kDenyOom, kCatList)
        .keys(1, 2, 1, kSpec29)
        .docs("1.2.0", "O(1)", "Moves the end of a list to the front of another")
        .deprecated("6.2.0", "`LMOVE` (RIGHT LEFT)"),
    Row("rpush", -3, kWrite | kDenyOom | kFast, kCatList)
        .keys(1, 1, 1, kSpec1)
        .docs("1.0.0", "O(N), N elements", "Puts elements to a list's end"),
    Row("rpushx", -3, kWrite | kDenyOom | kFast, kCatList)
        .keys(1, 1, 1, kSpec1)
        .docs("2.2.0", "O(N), N elements", "Puts elements to the end of a list that is there"),
};

}  // namespace

std::span<const Command> list_rows() { return kListRows; }

}  // namespace goromdb::redis
