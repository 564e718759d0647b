// SPDX-License-Identifier: MIT
// Member by member, from the document right into the arena.
#include "json_parser.h"

#include <cstring>

namespace goromdb {

void JsonParser::run() {
  window_.read_all(kLongest, kTooLong);
  reader_.read(window_.piece(window_.pos(), window_.end()),
               [&](ondemand::object root) { members(root, 0); });
}

// `ns` is 0 for what is right below the root.
void JsonParser::members(ondemand::object object, uint32_t ns) {
  for (ondemand::field field : object) {
    const ondemand::raw_json_string key = field.key();
    reader_.pass(key.raw());
    window_.forget(key.raw());
    const std::string_view token = field.value().raw_json_token();
    if (ns == 0 && namespaces_ && token.starts_with('{')) {
      const std::string_view name =
          reader_.decoded(key, static_cast<size_t>(token.data() - key.raw()));
      const uint32_t id = builder_.add_namespace(name, key.raw());
      members(field.value().get_object().value(), id);
    } else {
      add(ns, key, field.value());
    }
  }
}

void JsonParser::add(uint32_t ns, ondemand::raw_json_string key, ondemand::value value) {
  const std::string_view token = value.raw_json_token();
  const bool is_string = token.starts_with('"');
  const std::string_view text = is_string ? token : reader_.text(value, ns == 0 ? 2 : 3);
  const auto key_room = static_cast<size_t>(token.data() - key.raw());
  char* const begin = builder_.begin(ns, 0, key_room + text.size() + simdjson::SIMDJSON_PADDING);
  char* const middle = reader_.decode(key, begin);
  char* end = middle + text.size();
  if (is_string) {
    end = reader_.decode(value.get_raw_json_string().value(), middle);
  } else {
    std::memcpy(middle, text.data(), text.size());
  }
  builder_.end(static_cast<size_t>(middle - begin), static_cast<size_t>(end - middle), key.raw());
}

}  // namespace goromdb
