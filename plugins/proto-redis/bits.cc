// SPDX-License-Identifier: MIT
// Strings as bits, the first bit of a byte being its highest.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include "numbers.h"
#include "reads.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kBadOffset = "ERR bit offset is not an integer or out of range";
constexpr int64_t kMostBytes = int64_t{512} << 20;  // of a string, in redis

// The bits of a value; none for a key that is not there.
struct Bits {
  const uint8_t* bytes = nullptr;
  int64_t size = 0;  // in bytes

  explicit Bits(const goromdb_value& value) {
    if (value.status != GOROMDB_OK) return;
    bytes = static_cast<const uint8_t*>(value.ptr);
    size = value.len;
  }
  bool at(int64_t bit) const { return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0; }

  // How many are set in [first, last].
  int64_t count(int64_t first, int64_t last) const {
    int64_t n = 0;
    while (first <= last && first % 8 != 0) n += at(first++);
    for (; last - first >= 7; first += 8) n += std::popcount(bytes[first / 8]);
    while (first <= last) n += at(first++);
    return n;
  }
  // The first one in [first, last] that is `wanted`, or -1.
  int64_t find(bool wanted, int64_t first, int64_t last) const {
    const uint8_t nothing = wanted ? 0x00 : 0xff;
    while (first <= last) {
      if (first % 8 == 0 && last - first >= 7 && bytes[first / 8] == nothing) {
        first += 8;
      } else if (at(first) == wanted) {
        return first;
      } else {
        ++first;
      }
    }
    return -1;
  }
};

// The words BIT and BYTE: whether a range is one of bits. Nothing: neither word.
std::optional<bool> unit(std::string_view word) {
  if (is_word(word, "bit")) return true;
  if (is_word(word, "byte")) return false;
  return std::nullopt;
}

// A range of bytes or bits as one of bits; nothing if it is empty.
std::optional<Span> bits_of(int64_t first, int64_t last, bool in_bits, int64_t size) {
  const auto span = clip(first, last, in_bits ? size * 8 : size);
  if (!span || in_bits) return span;
  return Span{span->first * 8, span->last * 8 + 7};
}

std::optional<int64_t> bit_offset(std::string_view text) {
  const auto offset = integer(text);
  if (!offset || *offset < 0 || *offset / 8 >= kMostBytes) return std::nullopt;
  return offset;
}

// A field of BITFIELD: "u8" or "i16" at a bit, or at so many times its width, "#3".
struct Field {
  bool is_signed = false;
  int64_t width = 0, offset = 0;
};

std::string_view read_field_type(std::string_view type, Field& field) {
  const auto width = integer(type.substr(std::min<size_t>(1, type.size())));
  field.is_signed = type.starts_with('i');
  if (!(field.is_signed || type.starts_with('u')) || !width || *width < 1 ||
      *width > (field.is_signed ? 64 : 63)) {
    return "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
           "but i64 is.";
  }
  field.width = *width;
  return {};
}

std::string_view read_field_offset(std::string_view text, Field& field) {
  const bool times_width = text.starts_with('#');
  auto offset = integer(text.substr(times_width ? 1 : 0));
  if (!offset || *offset < 0) return kBadOffset;
  if (times_width && __builtin_mul_overflow(*offset, field.width, &*offset)) return kBadOffset;
  if (*offset / 8 >= kMostBytes) return kBadOffset;
  field.offset = *offset;
  return {};
}

// The next subcommand of BITFIELD_RO: a field to get, or none after OVERFLOW. An error's text.
std::string_view next_field(Args& args, std::optional<Field>& field) {
  field.reset();
  const std::string_view name = args.next();
  if (is_word(name, "overflow") && args.left() >= 1) {
    const std::string_view kind = args.next();
    const bool known = is_word(kind, "wrap") || is_word(kind, "sat") || is_word(kind, "fail");
    return known ? std::string_view() : "ERR Invalid OVERFLOW type specified";
  }
  const bool get = is_word(name, "get") && args.left() >= 2;
  const bool change = (is_word(name, "set") || is_word(name, "incrby")) && args.left() >= 3;
  if (!get && !change) return kSyntaxError;
  Field read;
  if (const auto error = read_field_type(args.next(), read); !error.empty()) return error;
  if (const auto error = read_field_offset(args.next(), read); !error.empty()) return error;
  if (change && !integer(args.next())) return kNotAnInteger;
  if (change) return "ERR BITFIELD_RO only supports the GET subcommand";
  field = read;
  return {};
}

int64_t field_value(const Bits& bits, const Field& field) {
  uint64_t n = 0;
  for (int64_t i = 0; i < field.width; ++i) {
    const int64_t bit = field.offset + i;
    n = n << 1 | (bit / 8 < bits.size && bits.at(bit) ? 1 : 0);
  }
  if (field.is_signed && field.width < 64 && (n >> (field.width - 1) & 1)) {
    n |= ~uint64_t{0} << field.width;
  }
  return static_cast<int64_t>(n);
}

}  // namespace

void read_getbit(Call& call) {
  if (!bit_offset(call.args().peek(1))) return call.error(kBadOffset);
  read_key(call);
}

goromdb_status write_getbit(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  const Bits bits(*value);
  const int64_t offset = *bit_offset(reply.args().peek(1));
  reply.out.integer(offset / 8 < bits.size && bits.at(offset) ? 1 : 0);
  return GOROMDB_OK;
}

void read_bitcount(Call& call) { read_key(call); }

goromdb_status write_bitcount(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  const Bits bits(*value);
  const Args args = reply.args();
  int64_t n = 0;
  if (value->status != GOROMDB_OK) {
    // Of a key that is not there redis does not look at the range.
  } else if (args.left() == 1) {
    n = bits.count(0, bits.size * 8 - 1);
  } else if (args.left() == 3 || args.left() == 4) {
    const auto first = integer(args.peek(1)), last = integer(args.peek(2));
    if (!first || !last) return reply.out.error(kNotAnInteger), GOROMDB_OK;
    const bool empty = *first < 0 && *last < 0 && *first > *last;
    const auto in_bits = args.left() == 4 && !empty ? unit(args.peek(3)) : false;
    if (!in_bits) return reply.out.error(kSyntaxError), GOROMDB_OK;
    const auto span = bits_of(*first, *last, *in_bits, bits.size);
    if (span) n = bits.count(span->first, span->last);
  } else {
    return reply.out.error(kSyntaxError), GOROMDB_OK;
  }
  reply.out.integer(n);
  return GOROMDB_OK;
}

void read_bitpos(Call& call) {
  const auto bit = integer(call.args().peek(1));
  if (!bit) return call.error(kNotAnInteger);
  if (*bit != 0 && *bit != 1) return call.error("ERR The bit argument must be 1 or 0.");
  read_key(call);
}

goromdb_status write_bitpos(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  const Args args = reply.args();
  const bool wanted = args.peek(1) == "1";
  if (value->status != GOROMDB_OK) return reply.out.integer(wanted ? -1 : 0), GOROMDB_OK;
  const Bits bits(*value);
  const uint32_t given = args.left() - 2;  // of start, end, unit
  if (given > 3) return reply.out.error(kSyntaxError), GOROMDB_OK;
  const auto first = given >= 1 ? integer(args.peek(2)) : 0;
  if (!first) return reply.out.error(kNotAnInteger), GOROMDB_OK;
  const auto in_bits = given == 3 ? unit(args.peek(4)) : false;
  if (!in_bits) return reply.out.error(kSyntaxError), GOROMDB_OK;
  const auto last = given >= 2 ? integer(args.peek(3)) : -1;
  if (!last) return reply.out.error(kNotAnInteger), GOROMDB_OK;
  const int64_t size = *in_bits ? bits.size * 8 : bits.size;
  const int64_t begin = *first < 0 ? std::max<int64_t>(*first + size, 0) : *first;
  const int64_t end = std::min(*last < 0 ? std::max<int64_t>(*last + size, 0) : *last, size - 1);
  if (begin > end) return reply.out.integer(-1), GOROMDB_OK;
  const int64_t scale = *in_bits ? 1 : 8;
  int64_t found = bits.find(wanted, begin * scale, (end + 1) * scale - 1);
  // Without an end a string is followed by zeros.
  if (found < 0 && !wanted && given < 2) found = bits.size * 8;
  reply.out.integer(found);
  return GOROMDB_OK;
}

void read_bitfield(Call& call) {
  Args args = call.args();
  args.next();
  std::optional<Field> field;
  while (args.left() > 0) {
    if (const auto error = next_field(args, field); !error.empty()) return call.error(error);
  }
  read_key(call);
}

goromdb_status write_bitfield(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  const Bits bits(*value);
  std::optional<Field> field;
  Args args = reply.args();
  args.next();
  size_t fields = 0;
  for (Args counted = args; counted.left() > 0; fields += field.has_value()) {
    next_field(counted, field);
  }
  reply.out.array(fields);
  while (args.left() > 0) {
    next_field(args, field);
    if (field) reply.out.integer(field_value(bits, *field));
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
