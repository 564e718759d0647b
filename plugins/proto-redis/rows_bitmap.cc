// SPDX-License-Identifier: MIT
// The rows of the commands of strings as bits.
#include "arguments.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kBitmapRows[] = {
    Row("bitcount", -2, kReadOnly, kCatBitmap)
        .keys(1, 1, 1, kSpec3)
        .docs("2.6.0", "O(N), N bytes looked at",
              "How many bits of a string, or of a range of it, are 1")
        .takes(kBitcountArguments)
        .runs(read_bitcount, write_bitcount, kEndsBatch),
    Row("bitfield", -2, kWrite | kDenyOom, kCatBitmap)
        .keys(1, 1, 1, kSpec27)
        .docs("3.2.0", "O(1) per operation",
              "Reads and writes integers of any width inside a string"),
    Row("bitfield_ro", -2, kReadOnly | kFast, kCatBitmap)
        .keys(1, 1, 1, kSpec3)
        .docs("6.0.0", "O(1) per operation", "Reads integers of any width out of a string")
        .takes(kBitfieldRoArguments)
        .runs(read_bitfield, write_bitfield),
    Row("bitop", -4, kWrite | kDenyOom, kCatBitmap)
        .keys(2, -1, 1, kSpec28)
        .docs("2.6.0", "O(N), N bytes of the longest string",
              "Stores the AND, OR, XOR or NOT of strings"),
    Row("bitpos", -3, kReadOnly, kCatBitmap)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.7", "O(N), N bytes looked at", "Where in a string the first 0 or 1 bit is")
        .takes(kBitposArguments)
        .runs(read_bitpos, write_bitpos, kEndsBatch),
    Row("getbit", 3, kReadOnly | kFast, kCatBitmap)
        .keys(1, 1, 1, kSpec3)
        .docs("2.2.0", "O(1)", "One bit of a string")
        .takes(kGetbitArguments)
        .runs(read_getbit, write_getbit),
    Row("setbit", 4, kWrite | kDenyOom, kCatBitmap)
        .keys(1, 1, 1, kSpec2)
        .docs("2.2.0", "O(1)", "Changes one bit of a string"),
};

}  // namespace

std::span<const Command> bitmap_rows() { return kBitmapRows; }

}  // namespace goromdb::redis
