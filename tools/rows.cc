// SPDX-License-Identifier: MIT
#include "tools/rows.h"

#include "tools/csv_source.h"
#include "tools/ndjson_source.h"
#include "tools/tsv_source.h"

namespace goromdb::tools {

Result<std::unique_ptr<Source>> open_rows(RowFormat format, Fd fd, std::string name, uint64_t size,
                                          Fields fields, InputLimits limits) {
  if (fields.whole_row && !fields.value.empty()) {
    return misuse(fmt::format("{}: the value is the whole row or the field \"{}\"; leave one", name,
                              fields.value));
  }
  LineInput input(std::move(fd), std::move(name), size, limits);
  switch (format) {
    case RowFormat::kCsv:
      return std::make_unique<CsvSource>(std::move(input), std::move(fields));
    case RowFormat::kTsv:
      return std::make_unique<TsvSource>(std::move(input), std::move(fields));
    case RowFormat::kNdjson:
      return std::make_unique<NdjsonSource>(std::move(input), std::move(fields));
  }
  return fail("no such format of rows");
}

}  // namespace goromdb::tools
