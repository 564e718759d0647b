// SPDX-License-Identifier: MIT
// One JSON object to the entries of a data set.
#pragma once

#include "dataset.h"
#include "object_reader.h"
#include "window.h"

namespace goromdb {

class JsonParser {
 public:
  // simdjson's own limit; its places in a text are 32-bit numbers.
  static constexpr size_t kLongest = simdjson::SIMDJSON_MAXSIZE_BYTES;
  static constexpr const char* kTooLong =
      "the object is longer than 4294967295 bytes, the most that simdjson takes as one document: "
      "write it as NDJSON, which has no limit";

  // `namespaces`: an object right below the root is one; otherwise it is a value.
  JsonParser(Window& window, DatasetBuilder& builder, bool namespaces)
      : window_(window),
        builder_(builder),
        namespaces_(namespaces),
        reader_([this](const char* at) { window_.progress(at); }) {}

  // Reads the whole text. Throws SyntaxErrors, and what the window throws.
  void run();

 private:
  void members(ondemand::object object, uint32_t ns);
  void add(uint32_t ns, ondemand::raw_json_string key, ondemand::value value);

  Window& window_;
  DatasetBuilder& builder_;
  const bool namespaces_;
  ObjectReader reader_;
};

}  // namespace goromdb
