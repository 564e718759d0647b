// SPDX-License-Identifier: MIT
#include "binary.h"

#include <algorithm>
#include <cstring>

#include "prefixes.h"
#include "replies.h"

namespace goromdb::memcached {

namespace {

constexpr size_t kFlagsSize = 4;  // the extras of a hit

template <class Number>
Number read_number(const uint8_t* at) {
  Number n = 0;
  for (size_t i = 0; i < sizeof n; ++i) n = static_cast<Number>(n << 8 | at[i]);
  return n;
}

template <class Number>
uint8_t* put_big_endian(uint8_t* cursor, Number n) {
  for (size_t i = 0; i < sizeof n; ++i) {
    *cursor++ = static_cast<uint8_t>(n >> (sizeof n - 1 - i) * 8);
  }
  return cursor;
}

// A request's head, as long as its body is still on its way.
struct Head {
  explicit Head(const uint8_t* at)
      : opcode(at[1]),
        key(read_number<uint16_t>(at + 2)),
        extras(at[4]),
        body(read_number<uint32_t>(at + 8)) {
    std::memcpy(&opaque, at + 12, sizeof opaque);
  }
  ReplyHead reply(Status status) const { return {opcode, 0, status, opaque}; }
  uint64_t value() const { return uint64_t{body} - key - extras; }

  uint8_t opcode;
  uint16_t key;
  uint8_t extras;
  uint32_t body, opaque;
};

// memcached closes on a packet whose parts are not those of its opcode.
bool is_wellformed(Body body, const Head& head) {
  const bool no_value = head.value() == 0;
  switch (body) {
    case Body::kEmpty:
      return head.body == 0;
    case Body::kKey:
      return head.extras == 0 && head.key > 0 && no_value;
    case Body::kTimeAndKey:
      return head.extras == 4 && head.key > 0 && no_value;
    case Body::kStore:
      return head.extras == 8 && head.key > 0;
    case Body::kConcat:
    case Body::kSasl:
      return head.extras == 0 && head.key > 0;
    case Body::kArithmetic:
      return head.extras == 20 && head.key > 0 && no_value;
    case Body::kFlush:
      return (head.extras == 0 || head.extras == 4) && head.key == 0 && no_value;
    case Body::kLevel:
      return head.extras == 4 && head.key == 0 && no_value;
    case Body::kSection:
      return head.extras == 0 && no_value;
    case Body::kAny:
      break;
  }
  return true;
}

std::string_view text_of(Status status) {
  switch (status) {
    case Status::kOk:
      return {};
    case Status::kNotFound:
      return "Not found";
    case Status::kExists:
      return "Data exists for key.";
    case Status::kInvalid:
      return "Invalid arguments";
    case Status::kNotStored:
      return "Read-only";
    case Status::kUnknown:
      return "Unknown command";
    case Status::kInternal:
      return "Storage error";
    case Status::kTemporary:
      return "Not ready";
  }
  return {};
}

struct PacketContext {
  Batch& batch;
  const Settings& settings;
  const Opcode& opcode;
  const Head& head;
};

Step close(const PacketContext& context, Status status) {
  return context.batch.close(text_of(status), context.head.reply(status).tag());
}

// Answers when the body has passed; it is not looked at.
Step skip_body(const PacketContext& context, uint32_t op, Status status, std::string_view text) {
  Batch& batch = context.batch;
  const uint64_t tag = context.opcode.quiet ? kSilent : context.head.reply(status).tag();
  batch.pos += kPacketHead;
  if (batch.left() >= context.head.body) {
    batch.pos += context.head.body;
    return batch.say(op, text, tag);
  }
  Conn& conn = batch.conn();
  conn.phase = Conn::kBlock;
  conn.block_left = context.head.body;
  conn.block_op = op;
  conn.block_reply = slice(text);
  conn.block_tag = tag;
  return Step::kDone;
}

// Where a key is looked up, the body's last byte stays until all has been asked: the host calls
// again only where there is input.
Step skip_on(Batch& batch, const Settings& settings) {
  Conn& conn = batch.conn();
  const size_t kept = conn.held_key > 0 ? 1 : 0;
  conn.block_left -= discard(conn.block_left - kept, batch.pos, batch.end).size();
  if (conn.block_left > kept || batch.left() < kept) return Step::kPartial;
  const Step step = batch.answer_block(settings);
  if (conn.phase == Conn::kLine) batch.pos += kept;
  return step;
}

// An ADD whose answer depends on its key: that is kept, all else of the body is skipped.
Step read_add(const PacketContext& context) {
  Batch& batch = context.batch;
  const Head& head = context.head;
  const size_t key_end = kPacketHead + head.extras + head.key;
  if (batch.left() < key_end) return Step::kPartial;
  const auto* key = reinterpret_cast<const char*>(batch.pos + key_end - head.key);
  if (!batch.hold(context.opcode.command, {key, head.key}, {})) {
    return batch.no_memory(text_of(Status::kInternal), head.reply(Status::kInternal).tag());
  }
  Conn& conn = batch.conn();
  conn.phase = Conn::kBlock;
  conn.block_left = head.body;
  conn.block_tag = head.reply(Status::kOk).tag();
  batch.pos += kPacketHead;
  return Step::kDone;
}

Step read_key(const PacketContext& context) {
  Batch& batch = context.batch;
  const Head& head = context.head;
  if (batch.left() < kPacketHead + head.body) return Step::kPartial;
  if (batch.key_room() == 0) return batch.no_room(1);
  const auto* key = reinterpret_cast<const char*>(batch.pos + kPacketHead + head.extras);
  *batch.next_keys() = batch.key(context.settings, {key, head.key});
  batch.get(context.opcode.command, 1, GOROMDB_WANT_VERSION, head.reply(Status::kOk).tag());
  batch.pos += kPacketHead + head.body;
  return Step::kDone;
}

// The key of STAT is what the text has behind `stats `.
Step read_section(const PacketContext& context) {
  Batch& batch = context.batch;
  const Head& head = context.head;
  if (batch.left() < kPacketHead + head.body) return Step::kPartial;
  const std::string_view key(reinterpret_cast<const char*>(batch.pos + kPacketHead), head.key);
  const size_t space = std::min(key.find(' '), key.size());
  const std::string_view second = space == key.size() ? key.substr(space) : key.substr(space + 1);
  const Command& command = context.opcode.command;
  const Section* section = find_section(command.sections, key.substr(0, space), second);
  batch.pos += kPacketHead + head.body;
  const Status status = section == nullptr ? command.status : section->status;
  const uint64_t tag = head.reply(status).tag();
  if (status != Status::kOk) return batch.say(GOROMDB_OP_LOCAL, text_of(status), tag);
  if (section->op == GOROMDB_OP_LOCAL) return batch.say(section->op, section->packet, tag);
  return batch.say(section->op, section->op == GOROMDB_OP_STATS ? section->arg : "", tag);
}

// How much may lie between a packet's head and the next one. Only what is thrown away is large.
bool is_too_big(const Head& head, const Settings& settings) {
  return head.value() > settings.max_refused_value || head.body > kMaxDeclaredLength;
}

Step read_packet(const PacketContext& context) {
  const Command& command = context.opcode.command;
  const Head& head = context.head;
  if (uint32_t{head.key} + head.extras > head.body) return close(context, Status::kUnknown);
  if (head.key > kMaxKey || is_too_big(head, context.settings) ||
      !is_wellformed(command.body, head)) {
    return close(context, Status::kInvalid);
  }
  if (command.shape == Shape::kClose) {
    if (context.opcode.quiet) return context.batch.close({});
    return close(context, Status::kOk);
  }
  if (command.shape == Shape::kSection) return read_section(context);
  if (command.shape == Shape::kVersion) {
    return skip_body(context, GOROMDB_OP_LOCAL, Status::kOk, context.settings.version);
  }
  if (command.shape == Shape::kTouch && context.settings.refuse_touch) {
    return skip_body(context, GOROMDB_OP_REFUSED, command.status, text_of(command.status));
  }
  if (command.op == GOROMDB_OP_GET) return read_key(context);
  if (command.verb == Verb::kAdd && context.settings.not_stored) return read_add(context);
  return skip_body(context, command.op, command.status, text_of(command.status));
}

void put_packet(const ReplyHead& head, std::string_view key, std::string_view value, Writer& out) {
  uint8_t* cursor = out.reserve(kPacketHead + key.size() + value.size());
  if (cursor == nullptr) return;
  cursor = put_head(cursor, head, 0, key.size(), value.size());
  out.commit(put(put(cursor, key), value));
}

}  // namespace

uint8_t* put_head(uint8_t* cursor, const ReplyHead& head, size_t extras, size_t key, size_t value,
                  uint64_t cas) {
  *cursor++ = kResponseMagic;
  *cursor++ = head.opcode;
  cursor = put_big_endian(cursor, static_cast<uint16_t>(key));
  *cursor++ = static_cast<uint8_t>(extras);
  *cursor++ = 0;  // data type
  cursor = put_big_endian(cursor, static_cast<uint16_t>(head.status));
  cursor = put_big_endian(cursor, static_cast<uint32_t>(extras + key + value));
  std::memcpy(cursor, &head.opaque, sizeof head.opaque);
  return put_big_endian(cursor + sizeof head.opaque, cas);
}

goromdb_status parse_binary(const Settings& settings, Batch& batch) noexcept {
  while (batch.left() > 0) {
    if (batch.full()) return batch.stop(GOROMDB_OK);
    const auto phase = batch.conn().phase;
    if (phase == Conn::kBlock || phase == Conn::kAdd) {
      const Step step = skip_on(batch, settings);
      if (step == Step::kPartial) break;
      if (step != Step::kDone) return batch.stop(step == Step::kFull ? GOROMDB_OK : GOROMDB_AGAIN);
      continue;
    }
    if (*batch.pos != kRequestMagic) {
      batch.close({});
      break;
    }
    if (batch.left() < kPacketHead) break;
    const Head head(batch.pos);
    const Opcode opcode = find_opcode(head.opcode);
    const Step step = read_packet({batch, settings, opcode, head});
    if (step == Step::kPartial) break;
    if (step == Step::kFull) return batch.stop(GOROMDB_OK);
    if (step == Step::kAgain) return batch.stop(GOROMDB_AGAIN);
  }
  return batch.stop(GOROMDB_NEED_MORE);
}

void write_found(const goromdb_request& request, const goromdb_answer& answer, Writer& out) {
  ReplyHead head = ReplyHead::of(request);
  const Opcode opcode = find_opcode(head.opcode);
  head.status = find_status(answer);
  if (head.status != Status::kOk) return put_packet(head, "", text_of(head.status), out);
  const goromdb_value& value = answer.values[0];
  if (opcode.command.verb == Verb::kAdd) {
    head.status = value.status == GOROMDB_OK ? Status::kExists : opcode.command.status;
    return put_packet(head, "", text_of(head.status), out);
  }
  const std::string_view key = opcode.with_key ? key_on_wire(answer.keys[0], answer.scopes) : "";
  if (value.status != GOROMDB_OK) {
    if (opcode.quiet) return;
    head.status = Status::kNotFound;
    return put_packet(head, key, opcode.with_key ? "" : text_of(head.status), out);
  }
  const bool with_value = opcode.command.verb != Verb::kTouch;
  uint8_t* cursor = out.reserve(kPacketHead + kFlagsSize + key.size());
  if (cursor == nullptr) return;
  cursor =
      put_head(cursor, head, kFlagsSize, key.size(), with_value ? value.len : 0, cas_of(value));
  cursor = put_big_endian(cursor, value.flags);
  out.commit(put(cursor, key));
  if (with_value) out.put_value(value);
}

void write_packet(const goromdb_request& request, Writer& out) {
  if (request.tag[1] == kSilent) return;
  const ReplyHead head = ReplyHead::of(request);
  const std::string_view text = request.arg.len > 0 ? view(request.arg) : "";
  if (request.op == GOROMDB_OP_CLOSE && request.tag[1] == 0) return;  // without a word
  const bool statistics =
      head.status == Status::kOk && find_opcode(head.opcode).command.shape == Shape::kSection;
  if (!statistics) return put_packet(head, "", text, out);
  const size_t space = std::min(text.find(' '), text.size());
  if (!text.empty()) put_packet(head, text.substr(0, space), text.substr(space + 1), out);
  put_packet(head, "", "", out);
}

}  // namespace goromdb::memcached
