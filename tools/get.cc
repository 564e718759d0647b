// SPDX-License-Identifier: MIT
// goromdb get: one value, as it is.
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

Result<void> print_value(const GetOptions& options, DataSet& data) {
  const Entry wanted{options.ns, options.key, {}, 0};
  auto values = data.get(options.ns, {&wanted, 1});
  if (!values) return tl::unexpected(values.error());
  const auto& value = values->front();
  if (value.status == GOROMDB_NOT_FOUND) {
    return fail(fmt::format("{}: there is no key \"{}\"{}", options.file, printable(options.key),
                            options.ns.empty()
                                ? std::string()
                                : fmt::format(" in the namespace \"{}\"", printable(options.ns))));
  }
  Output out;
  return out.write({static_cast<const char*>(value.ptr), value.len}).and_then([&] {
    return out.flush();
  });
}

}  // namespace

int get(const GetOptions& options) {
  return read_in_child(options, [&](DataSet& data) { return print_value(options, data); });
}

}  // namespace goromdb::tools
