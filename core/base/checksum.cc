// SPDX-License-Identifier: MIT
#include "core/base/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace goromdb {
namespace {

size_t hex_length(SumKind kind) { return kind == SumKind::kSha256 ? 64 : 32; }

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::string_view name_of(SumKind kind) {
  switch (kind) {
    case SumKind::kMd5:
      return "md5";
    case SumKind::kSha256:
      return "sha256";
    case SumKind::kNone:
      break;
  }
  return "none";
}

std::string_view title_of(SumKind kind) { return kind == SumKind::kSha256 ? "SHA256" : "MD5"; }

std::string checksum_text(SumKind kind, const std::string& hex) {
  return fmt::format("{}:{}", name_of(kind == SumKind::kNone ? SumKind::kMd5 : kind), hex);
}

std::string sum_path(const std::string& file, SumKind kind) {
  return fmt::format("{}.{}", file, name_of(kind));
}

Result<std::string> parse_sum(std::string_view content, SumKind kind) {
  const size_t length = hex_length(kind);
  std::string_view line = trimmed(content.substr(0, content.find('\n')));
  std::string_view hex;
  if (auto equals = line.rfind(") = ");
      line.starts_with(title_of(kind)) && equals != std::string_view::npos) {
    hex = line.substr(equals + 4);
  } else {
    if (line.starts_with('\\')) line.remove_prefix(1);
    hex = line.substr(0, line.find_first_of(" \t"));
  }
  if (hex.size() != length || !is_hex(hex)) {
    return reject(fmt::format("no {} sum in it: want {} hex digits, as {}sum writes them",
                              title_of(kind), length, name_of(kind)));
  }
  return lower(hex);
}

void Digest::Free::operator()(evp_md_ctx_st* ctx) const { EVP_MD_CTX_free(ctx); }

bool Digest::available(SumKind kind) {
  try {
    Digest tried(kind);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

Digest::Digest(SumKind kind) : ctx_(EVP_MD_CTX_new()) {
  const EVP_MD* algorithm = kind == SumKind::kSha256 ? EVP_sha256() : EVP_md5();
  if (!ctx_ || EVP_DigestInit_ex(ctx_.get(), algorithm, nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no such digest");
  }
}

void Digest::update(std::string_view bytes) {
  EVP_DigestUpdate(ctx_.get(), bytes.data(), bytes.size());
}

std::string Digest::hex() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_DigestFinal_ex(ctx_.get(), bytes, &n);
  std::string text;
  for (unsigned int i = 0; i < n; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace goromdb
