// SPDX-License-Identifier: MIT
#include "tools/sorter.h"

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <queue>
#include <vector>

#include "core/base/file.h"

namespace goromdb::tools {
namespace {

constexpr size_t kWriteBuffer = size_t{1} << 20;
constexpr size_t kReadBufferMin = size_t{64} << 10, kReadBufferMax = size_t{1} << 20;
constexpr size_t kMergedAtOnce = 256;

// Before each entry, in memory and in files alike; the namespace, the key and the value follow.
struct Header {
  uint64_t row;
  uint32_t ns, key, value;  // lengths
  uint32_t flags;

  size_t head() const { return sizeof(Header) + ns + key; }
  size_t whole() const { return head() + value; }
};

Header header_of(const Entry& entry, uint64_t row) {
  const auto length = [](std::string_view part) { return static_cast<uint32_t>(part.size()); };
  return {row, length(entry.ns), length(entry.key), length(entry.value), entry.flags};
}

int compare(const Entry& a, const Entry& b) {
  const int order = a.ns.compare(b.ns);
  return order != 0 ? order : a.key.compare(b.key);
}

// What is compared first, so that most comparisons touch no entry: the key behind the `common`
// bytes that all keys begin with. Where there are several namespaces, theirs goes before it, and
// between them an end that is below each of its bytes: 0, for which its bytes 0 and 1 become 1 1
// and 1 2.
uint64_t prefix_of(const Entry& entry, bool one_namespace, size_t common) {
  unsigned char bytes[sizeof(uint64_t)] = {};
  size_t n = 0;
  const auto put = [&](unsigned char c) {
    if (n < sizeof bytes) bytes[n++] = c;
  };
  if (!one_namespace) {
    for (size_t i = 0; i < entry.ns.size() && n < sizeof bytes; ++i) {
      const auto c = static_cast<unsigned char>(entry.ns[i]);
      if (c <= 1) put(1);
      put(c <= 1 ? static_cast<unsigned char>(c + 1) : c);
    }
    put(0);
  }
  const auto key = entry.key.substr(common, sizeof bytes - n);
  if (!key.empty()) std::memcpy(bytes + n, key.data(), key.size());
  uint64_t prefix;
  std::memcpy(&prefix, bytes, sizeof prefix);
  return be64toh(prefix);
}

size_t common_length(std::string_view a, std::string_view b) {
  const auto end = a.begin() + static_cast<ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<size_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

Result<Fd> unnamed_file(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  // EISDIR: a kernel or a file system that knows no O_TMPFILE.
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string name = folder + "/.goromdb-sort-XXXXXX";
    fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
  }
  if (!fd) return fail_errno(fmt::format("make a file to sort with in {}", folder));
  return fd;
}

}  // namespace

// A part of a run file that is in order.
struct Sorter::Run {
  uint64_t begin, end;
};

// An entry in the slab.
struct Sorter::Stored {
  Entry entry;
  uint64_t row;
  std::string_view bytes;  // with its header
};

// Runs, one behind the other in one unnamed file; in the order in which their entries were added.
class Sorter::RunFile {
 public:
  RunFile(Fd fd, std::string folder) : fd_(std::move(fd)), folder_(std::move(folder)) {
    buffer_.reserve(kWriteBuffer);
  }

  Result<void> append(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kWriteBuffer) {
      if (auto done = flush(); !done) return done;
    }
    if (bytes.size() > kWriteBuffer) return write(bytes);
    buffer_ += bytes;
    return {};
  }
  Result<void> append(const Entry& entry, uint64_t row) {
    const Header header = header_of(entry, row);
    return append({reinterpret_cast<const char*>(&header), sizeof header})
        .and_then([&] { return append(entry.ns); })
        .and_then([&] { return append(entry.key); })
        .and_then([&] { return append(entry.value); });
  }
  void end_run() {
    const uint64_t end = written_ + buffer_.size();
    runs_.push_back({runs_.empty() ? 0 : runs_.back().end, end});
  }
  // Before the first read().
  Result<void> flush() {
    auto done = write(buffer_);
    buffer_.clear();
    return done;
  }

  Result<void> read(char* to, size_t n, uint64_t offset) const {
    while (n > 0) {
      const ssize_t got = ::pread(fd_.get(), to, n, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(fmt::format("read what was sorted in {}", folder_));
      if (got == 0) return fail(fmt::format("what was sorted in {} has been cut short", folder_));
      to += got;
      n -= static_cast<size_t>(got);
      offset += static_cast<uint64_t>(got);
    }
    return {};
  }
  const std::vector<Run>& runs() const { return runs_; }

 private:
  Result<void> write(std::string_view bytes) {
    written_ += bytes.size();
    return write_all(
        fd_, bytes,
        fmt::format("entries to sort in {}, which needs room for all of them", folder_));
  }

  Fd fd_;
  const std::string folder_;
  std::string buffer_;
  uint64_t written_ = 0;
  std::vector<Run> runs_;
};

// Reads a run, entry by entry.
class Sorter::RunReader {
 public:
  RunReader(const RunFile& file, Run run, size_t buffer_bytes)
      : file_(file), run_(run), next_(run.begin), buffer_(buffer_bytes) {}

  // Steps to the next entry, whose namespace and key stay until the next call; false behind the
  // last.
  Result<bool> next() {
    at_ = next_;
    if (at_ == run_.end) return false;
    auto bytes = bytes_at(at_, sizeof(Header));
    if (!bytes) return tl::unexpected(bytes.error());
    std::memcpy(&header_, *bytes, sizeof header_);
    bytes = bytes_at(at_, header_.head());
    if (!bytes) return tl::unexpected(bytes.error());
    const char* ns = *bytes + sizeof header_;
    entry_ = {{ns, header_.ns}, {ns + header_.ns, header_.key}, {}, header_.flags};
    next_ = at_ + header_.whole();
    return true;
  }
  const Entry& head() const { return entry_; }  // without its value
  uint64_t row() const { return header_.row; }
  // With its value; `room` holds one that is not in the buffer. Only the entry that is handed out
  // needs its value, so a merge of large ones has one of them in memory, not one for each run.
  Result<Entry> whole(std::string& room) const {
    Entry entry = entry_;
    const uint64_t value_at = at_ + header_.head();
    if (next_ <= buffer_at_ + filled_) {
      entry.value = {buffer_.data() + (value_at - buffer_at_), header_.value};
      return entry;
    }
    room.resize(header_.value);
    if (auto read = file_.read(room.data(), room.size(), value_at); !read) {
      return tl::unexpected(read.error());
    }
    entry.value = room;
    return entry;
  }
  // Runs of one file: of equal entries, the one of the earlier run was added first.
  bool before(const RunReader& other) const {
    const int order = compare(entry_, other.entry_);
    return order != 0 ? order < 0 : run_.begin < other.run_.begin;
  }

 private:
  Result<const char*> bytes_at(uint64_t offset, size_t n) {
    if (offset < buffer_at_ || offset + n > buffer_at_ + filled_) {
      if (buffer_.size() < n) buffer_.resize(n);
      buffer_at_ = offset;
      filled_ = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), run_.end - offset));
      if (auto read = file_.read(buffer_.data(), filled_, offset); !read) {
        return tl::unexpected(read.error());
      }
    }
    return buffer_.data() + (offset - buffer_at_);
  }

  const RunFile& file_;
  const Run run_;
  uint64_t at_ = 0, next_;
  Header header_{};
  Entry entry_;
  std::vector<char> buffer_;
  uint64_t buffer_at_ = 0;
  size_t filled_ = 0;
};

Sorter::Sorter(std::string folder, size_t memory_bytes)
    : folder_(std::move(folder)),
      memory_bytes_(memory_bytes),
      slots_(memory_bytes / sizeof(Record)),
      slab_(std::make_unique_for_overwrite<Record[]>(slots_)) {}

Sorter::~Sorter() = default;

bool Sorter::fits(size_t entry_bytes) const {
  return used_ + entry_bytes + (records_ + 1) * sizeof(Record) <= slots_ * sizeof(Record);
}

Result<void> Sorter::add(const Entry& entry, uint64_t row) {
  if (std::max({entry.ns.size(), entry.key.size(), entry.value.size()}) > UINT32_MAX) {
    return reject(
        fmt::format("row {} has a key or a value of 4 GiB or more, which no storage serves", row));
  }
  const Header header = header_of(entry, row);
  if (!fits(header.whole())) {
    if (auto done = spill(); !done) return done;
  }
  ++size_;
  if (!fits(header.whole())) {  // larger than the memory: a run by itself
    return need_file().and_then([&] { return file_->append(entry, row); }).map([&] {
      file_->end_run();
    });
  }
  char* to = reinterpret_cast<char*>(slab_.get()) + used_;
  const auto put = [&to](const void* bytes, size_t n) {
    if (n > 0) std::memcpy(to, bytes, n);
    to += n;
  };
  put(&header, sizeof header);
  put(entry.ns.data(), entry.ns.size());
  put(entry.key.data(), entry.key.size());
  put(entry.value.data(), entry.value.size());
  slab_[slots_ - ++records_] = {0, used_};
  used_ += header.whole();
  return {};
}

Sorter::Stored Sorter::stored_at(uint64_t offset) const {
  const char* at = reinterpret_cast<const char*>(slab_.get()) + offset;
  Header header;
  std::memcpy(&header, at, sizeof header);
  const char* ns = at + sizeof header;
  const char* key = ns + header.ns;
  return {{{ns, header.ns}, {key, header.key}, {key + header.key, header.value}, header.flags},
          header.row,
          {at, header.whole()}};
}

// Sorts the records; the first is the last of the block.
void Sorter::sort() {
  if (records_ == 0) return;
  const auto first = std::make_reverse_iterator(slab_.get() + slots_);
  const auto last = first + static_cast<ptrdiff_t>(records_);

  const Entry one = stored_at(first->offset).entry;
  bool in_order = true, one_namespace = true;
  size_t common = one.key.size();
  Entry previous = one;
  for (auto record = first; record != last; ++record) {
    const Entry entry = stored_at(record->offset).entry;
    in_order = in_order && compare(previous, entry) <= 0;
    one_namespace = one_namespace && entry.ns == one.ns;
    common = common_length(one.key.substr(0, common), entry.key);
    previous = entry;
  }
  if (in_order) return;
  for (auto record = first; record != last; ++record) {
    record->prefix = prefix_of(stored_at(record->offset).entry, one_namespace, common);
  }
  std::sort(first, last, [this](const Record& a, const Record& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = compare(stored_at(a.offset).entry, stored_at(b.offset).entry);
    return order != 0 ? order < 0 : a.offset < b.offset;
  });
}

Result<void> Sorter::need_file() {
  if (file_) return {};
  return unnamed_file(folder_).map(
      [&](Fd&& fd) { file_ = std::make_unique<RunFile>(std::move(fd), folder_); });
}

Result<void> Sorter::spill() {
  if (records_ == 0) return {};
  if (auto done = need_file(); !done) return done;
  sort();
  for (size_t i = 1; i <= records_; ++i) {
    if (auto done = file_->append(stored_at(slab_[slots_ - i].offset).bytes); !done) return done;
  }
  file_->end_run();
  used_ = records_ = 0;
  return {};
}

Result<void> Sorter::merge(const RunFile& file, const Run* runs, size_t count,
                           const Each& each) const {
  const size_t buffer = std::clamp(memory_bytes_ / count, kReadBufferMin, kReadBufferMax);
  const auto later = [](const RunReader* a, const RunReader* b) { return b->before(*a); };
  std::priority_queue<RunReader*, std::vector<RunReader*>, decltype(later)> readers(later);
  std::vector<RunReader> storage;
  storage.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    RunReader& reader = storage.emplace_back(file, runs[i], buffer);
    auto more = reader.next();
    if (!more) return tl::unexpected(more.error());
    if (*more) readers.push(&reader);
  }
  std::string room;
  while (!readers.empty()) {
    RunReader& reader = *readers.top();
    readers.pop();
    for (;;) {  // as long as this run has the least, which in sorted input is to its end
      auto done = reader.whole(room).and_then(
          [&](const Entry& entry) { return each(entry, reader.row()); });
      if (!done) return done;
      auto more = reader.next();
      if (!more) return tl::unexpected(more.error());
      if (!*more) break;
      if (!readers.empty() && readers.top()->before(reader)) {
        readers.push(&reader);
        break;
      }
    }
  }
  return {};
}

Result<void> Sorter::drain(const Each& each) {
  if (!file_) {
    sort();
    for (size_t i = 1; i <= records_; ++i) {
      const Stored stored = stored_at(slab_[slots_ - i].offset);
      if (auto done = each(stored.entry, stored.row); !done) return done;
    }
    return {};
  }
  if (auto done = spill(); !done) return done;
  slab_.reset();
  if (auto done = file_->flush(); !done) return done;
  while (file_->runs().size() > kMergedAtOnce) {
    auto fd = unnamed_file(folder_);
    if (!fd) return tl::unexpected(fd.error());
    auto merged = std::make_unique<RunFile>(std::move(*fd), folder_);
    const auto& runs = file_->runs();
    for (size_t i = 0; i < runs.size(); i += kMergedAtOnce) {
      auto done =
          merge(*file_, &runs[i], std::min(kMergedAtOnce, runs.size() - i),
                [&](const Entry& entry, uint64_t row) { return merged->append(entry, row); });
      if (!done) return done;
      merged->end_run();
    }
    if (auto done = merged->flush(); !done) return done;
    file_ = std::move(merged);
  }
  return merge(*file_, file_->runs().data(), file_->runs().size(), each);
}

}  // namespace goromdb::tools
