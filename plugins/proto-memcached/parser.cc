// SPDX-License-Identifier: MIT
// Framing: where lines and refused data blocks begin and end, and which of them end the connection.
#include "parser.h"

#include <algorithm>
#include <cstring>

#include "batch.h"
#include "binary.h"
#include "requests.h"
#include "texts.h"
#include "words.h"

namespace goromdb::memcached {

namespace {

// First bytes that no client sends: of a packet from a server, of a TLS ClientHello.
bool foreign(uint8_t first) { return first == kResponseMagic || first == 0x16; }

// The overwhelmingly common request, `get KEY` in one piece, in one pass over its bytes. False: the
// next request is another, or has not come whole.
bool single_get(Batch& batch, const Settings& settings) {
  const uint8_t* line = batch.pos;
  if (batch.end - line < 8 || std::memcmp(line, "get ", 4) != 0 || batch.key_room() == 0) {
    return false;
  }
  const uint8_t* key = line + 4;
  const uint8_t* limit = key + std::min<size_t>(batch.end - key, kMaxKey + 2);
  const uint8_t* newline = find_separator(line, key, limit);
  if (newline == limit || *newline != '\n') return false;
  size_t len = static_cast<size_t>(newline - key);
  if (len > 0 && key[len - 1] == '\r') --len;
  if (len == 0 || len > kMaxKey) return false;
  *batch.next_keys() = batch.key(settings, {reinterpret_cast<const char*>(key), len});
  batch.get(kGetCommand, 1, 0);
  batch.conn().scanned = 0;
  batch.pos = newline + 1;
  return true;
}

// Discards what has come of a refused data block and answers after its end. The line end stays
// until all has been asked: the host calls again only where there is input.
Step swallow(Batch& batch, const Settings& settings) {
  Conn& conn = batch.conn();
  conn.block_left -= discard(conn.block_left, batch.pos, batch.end).size();
  if (conn.block_left > 0 || batch.left() < 2) return Step::kPartial;
  if (std::memcmp(batch.pos, "\r\n", 2) != 0) return batch.close(text::kBadChunk);
  const Step step = batch.answer_block(settings);
  if (conn.phase == Conn::kLine) batch.pos += 2;
  return step;
}

// True when a line that has `size` bytes before its newline, or has them so far, closed the
// connection. It looks at no byte past the limit, so that it says the same whether or not the
// newline has come.
bool too_long(Batch& batch, const Settings& settings, size_t size) {
  if (size <= kMaxCommandLine) return false;
  if (!lists_keys(batch.pos, batch.pos + kMaxCommandLine)) {
    batch.close({});
    return true;
  }
  if (size <= settings.max_line) return false;
  batch.close(text::kLineTooLong);
  return true;
}

}  // namespace

goromdb_status parse(const Settings& settings, Conn& conn, goromdb_parse& io) noexcept {
  Batch batch(conn, io);
  if (conn.phase == Conn::kClosed) batch.pos = batch.end;
  if (conn.binary) return parse_binary(settings, batch);
  while (batch.pos != batch.end) {
    if (batch.full()) return batch.stop(GOROMDB_OK);
    if (conn.phase == Conn::kBlock || conn.phase == Conn::kAdd) {
      const Step step = swallow(batch, settings);
      if (step == Step::kPartial) break;
      if (step != Step::kDone) return batch.stop(step == Step::kFull ? GOROMDB_OK : GOROMDB_AGAIN);
      continue;
    }
    if (!conn.greeted) {
      conn.greeted = true;
      conn.binary = *batch.pos == kRequestMagic;
      if (conn.binary) return parse_binary(settings, batch);
      if (foreign(*batch.pos)) {
        batch.close({});
        break;
      }
    }
    if (single_get(batch, settings)) continue;

    const uint8_t* line = batch.pos;
    const uint8_t* unseen = line + conn.scanned;
    const void* found =
        unseen == batch.end ? nullptr : std::memchr(unseen, '\n', batch.end - unseen);
    const uint8_t* newline = found ? static_cast<const uint8_t*>(found) : batch.end;
    size_t size = static_cast<size_t>(newline - line);
    conn.scanned = size;
    if (too_long(batch, settings, size) || found == nullptr) break;

    batch.pos = newline + 1;
    if (newline != line && newline[-1] == '\r') --newline;
    Step step = read_command(batch, settings, line, newline);
    if (step == Step::kFull || step == Step::kAgain) {
      batch.pos = line;
      return batch.stop(step == Step::kFull ? GOROMDB_OK : GOROMDB_AGAIN);
    }
    conn.scanned = 0;
    if (step == Step::kLast) return batch.stop(GOROMDB_OK);
  }
  return batch.stop(GOROMDB_NEED_MORE);
}

}  // namespace goromdb::memcached
