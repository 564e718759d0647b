// SPDX-License-Identifier: MIT
#include "tools/input.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/base/file.h"
#include "tools/read_ahead.h"
#include "tools/rows.h"

namespace goromdb::tools {
namespace {

constexpr const char* kStandardInput = "-";
constexpr size_t kBlock = size_t{256} << 10;

struct Named {
  const char* name;
  RowFormat format;
};
constexpr Named kRowFormats[] = {{"csv", RowFormat::kCsv},
                                 {"tsv", RowFormat::kTsv},
                                 {"ndjson", RowFormat::kNdjson},
                                 {"jsonl", RowFormat::kNdjson}};

std::optional<RowFormat> row_format(std::string_view name) {
  for (const auto& each : kRowFormats) {
    if (name == each.name) return each.format;
  }
  return std::nullopt;
}

// What stands behind the last dot of the file's name.
std::string extension_of(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  return dot == name.npos ? std::string() : name.substr(dot + 1);
}

Result<Fd> open_text(const std::string& path) {
  if (path == kStandardInput) return Fd(::dup(STDIN_FILENO));
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("open {}", path));
  return fd;
}

Result<void> copy_standard_input(const std::string& to) {
  Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return fail_errno(fmt::format("make {}", to));
  std::string block(kBlock, '\0');
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read standard input");
    if (n == 0) return {};
    auto written = write_all(out, std::string_view(block).substr(0, static_cast<size_t>(n)), to);
    if (!written) return written;
  }
}

}  // namespace

Error renamed(Error error, const std::string& temporary, const std::string& name) {
  for (size_t at; (at = error.message.find(temporary)) != std::string::npos;) {
    error.message.replace(at, temporary.size(), name);
  }
  return error;
}

Result<Input> open_input(const BuildOptions& options) {
  const bool piped = options.input == kStandardInput;
  Input input;
  input.name = piped ? "standard input" : options.input;
  input.format = options.from.empty() ? extension_of(options.input) : options.from;
  if (piped && options.from.empty()) {
    return misuse("say what standard input is: --from csv, tsv, ndjson or a storage");
  }
  if (const auto rows = row_format(input.format)) {
    auto fd = open_text(options.input);
    if (!fd) return tl::unexpected(fd.error());
    auto state = look_at(*fd, input.name);
    if (!state) return tl::unexpected(state.error());
    if (S_ISDIR(state->mode))
      return fail(fmt::format("cannot read {}: it is a folder", input.name));
    input.is_file_of_rows = S_ISREG(state->mode) && !piped;
    const auto size = S_ISREG(state->mode) ? static_cast<uint64_t>(state->identity.size) : 0;
    auto source = open_rows(*rows, std::move(*fd), input.name, size, options.fields);
    if (!source) return tl::unexpected(source.error());
    if (!options.from_storage.options.empty()) {
      return misuse(fmt::format("--from-option is of storages, and {} is none", input.format));
    }
    input.source = std::make_unique<ReadAhead>(std::move(*source));
    return input;
  }
  auto path = options.input;
  if (piped) {
    input.copy.emplace(OutputFile::beside(options.output));
    path = input.copy->path();
    if (auto copied = copy_standard_input(path); !copied) return tl::unexpected(copied.error());
  }
  auto storage = options.from_storage;
  storage.name = options.from;
  auto data = DataSet::open(storage, path);
  if (!data && input.copy) return tl::unexpected(renamed(data.error(), path, input.name));
  if (!data) return tl::unexpected(data.error());
  input.format = (*data)->plugin().name();
  auto source = DataSetSource::open(std::move(*data));
  if (!source) return tl::unexpected(source.error());
  input.source = std::move(*source);
  return input;
}

}  // namespace goromdb::tools
