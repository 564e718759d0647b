// SPDX-License-Identifier: MIT
#include "page_file.h"

#include <goromdb/sdk.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace goromdb::bolt {
namespace {

constexpr size_t kBuffer = 1 << 20;

}  // namespace

void PageBuffer::add(std::string_view key) {
  if (count_++ == 0) first_ = key;
  elements_.resize(elements_.size() + kElement);
  data_ += key;
}

void PageBuffer::add_entry(std::string_view key, std::string_view value, uint32_t flags) {
  const size_t offset = data_.size();
  add(key);
  data_ += value;
  uint8_t* e = bytes(elements_) + elements_.size() - kElement;
  store<uint32_t>(e, flags);
  store<uint32_t>(e + 4, static_cast<uint32_t>(offset));  // from the array's end until take()
  store<uint32_t>(e + 8, static_cast<uint32_t>(key.size()));
  store<uint32_t>(e + 12, static_cast<uint32_t>(value.size()));
}

void PageBuffer::add_child(std::string_view key, uint64_t page) {
  const size_t offset = data_.size();
  add(key);
  uint8_t* e = bytes(elements_) + elements_.size() - kElement;
  store<uint32_t>(e, static_cast<uint32_t>(offset));
  store<uint32_t>(e + 4, static_cast<uint32_t>(key.size()));
  store<uint64_t>(e + 8, page);
}

std::string PageBuffer::take(uint64_t number, uint16_t kind, uint32_t page_size) {
  std::string page(kHeader, '\0');
  store<uint64_t>(bytes(page), number);
  store<uint16_t>(bytes(page) + 8, kind);
  store<uint16_t>(bytes(page) + 10, static_cast<uint16_t>(count_));
  store<uint32_t>(bytes(page) + 12, static_cast<uint32_t>((size() - 1) / page_size));
  // A position counts from the element that bears it.
  for (uint32_t i = 0; i < count_; ++i) {
    uint8_t* pos = bytes(elements_) + i * kElement + (kind == kLeafPage ? 4 : 0);
    store<uint32_t>(pos, load<uint32_t>(pos) + (count_ - i) * kElement);
  }
  page += elements_;
  page += data_;
  *this = PageBuffer();
  return page;
}

PageFile::PageFile(const char* path, uint32_t page_size)
    : fd_(::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)),
      page_size_(page_size),
      written_(2 * uint64_t{page_size}) {
  if (fd_ < 0) fail("cannot be made");
  buffer_.reserve(kBuffer);
}

PageFile::~PageFile() {
  if (fd_ >= 0) ::close(fd_);
}

void PageFile::fail(const char* what) const {
  throw Failure(errno == ENOMEM ? GOROMDB_E_NO_MEMORY : GOROMDB_E_IO,
                std::string(what) + ": " + std::strerror(errno));
}

void PageFile::append(std::string_view part) {
  begun_ += part.size();
  if (buffer_.size() + part.size() > kBuffer) flush();
  if (part.size() > kBuffer) {
    write(part, written_);
    written_ += part.size();
  } else {
    buffer_ += part;
  }
}

void PageFile::end_page() {
  const uint64_t pages = pages_of(begun_);
  append(std::string(static_cast<size_t>(pages * page_size_ - begun_), '\0'));
  next_ += pages;
  begun_ = 0;
}

void PageFile::flush() {
  write(buffer_, written_);
  written_ += buffer_.size();
  buffer_.clear();
}

std::string PageFile::read(uint64_t page) {
  flush();
  std::string out(page_size_, '\0');
  for (size_t have = 0; have < out.size();) {
    const ssize_t n = ::pread(fd_, out.data() + have, out.size() - have,
                              static_cast<off_t>(page * page_size_ + have));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) fail("cannot be read back");
    have += static_cast<size_t>(n);
  }
  return out;
}

void PageFile::write_at(uint64_t page, std::string_view part) { write(part, page * page_size_); }

void PageFile::write(std::string_view part, uint64_t at) {
  while (!part.empty()) {
    const ssize_t n = ::pwrite(fd_, part.data(), part.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    part.remove_prefix(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
}

}  // namespace goromdb::bolt
