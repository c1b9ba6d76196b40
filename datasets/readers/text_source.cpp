#include "datasets/readers/text_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "datasets/readers/utf8_text.h"

namespace sizeup {

TextSource::TextSource(std::string file, size_t max_bytes)
    : file_(std::move(file)), max_bytes_(max_bytes), buffer_(kStreamChunk) {}

Result<std::unique_ptr<TextSource>> TextSource::open(const std::filesystem::path& file, size_t max_bytes) {
  std::unique_ptr<TextSource> source(new TextSource(file.string(), max_bytes));
  Result<std::unique_ptr<ByteStream>> stream = open_data_stream(file, source->hash_);
  if (!stream) return forward_error(stream);
  source->stream_ = std::move(*stream);
  const std::string_view start = source->ahead(kByteOrderMark.size());
  if (source->failure_) return tl::unexpected<Error>(*source->failure_);
  if (Result<void> checked = check_not_utf16(start, source->file_); !checked) return forward_error(checked);
  if (start.starts_with(kByteOrderMark)) source->skip(kByteOrderMark.size());
  return source;
}

std::string_view TextSource::ahead(size_t count) {
  while (end_ - begin_ < count && !ended_) fill();
  return {buffer_.data() + begin_, end_ - begin_};
}

// Behind what is unread, which moves to the front.
void TextSource::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  require(end_ < buffer_.size(), "a chunk holds more than what is looked at ahead");
  const Result<size_t> count = stream_->read(std::span(buffer_).subspan(end_));
  ended_ = !count || *count == 0;
  if (!count) failure_ = count.error();
  if (ended_) {
    if (failure_) end_ = 0;  // half a row is none
    return;
  }
  end_ += *count;
  bytes_ += *count;
  if (bytes_ <= max_bytes_) return;
  failure_ = bad_input(file_, "the file holds too much", fmt::format("at most {} bytes", max_bytes_)).value();
  ended_ = true;
  end_ = 0;
}

void TextSource::skip(size_t count) {
  const auto from = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
  line_ += static_cast<size_t>(std::count(from, from + static_cast<std::ptrdiff_t>(count), '\n'));
  begin_ += count;
}

bool TextSource::take_line(std::string& line) {
  line.clear();
  line_too_long_ = false;
  for (std::string_view text = ahead(); !text.empty(); text = ahead()) {
    const size_t newline = text.find('\n');
    const std::string_view part = text.substr(0, newline);
    if (line.size() + part.size() > kMaxRowBytes) line_too_long_ = true;
    line.append(part.substr(0, kMaxRowBytes - line.size()));
    if (newline == std::string_view::npos) {
      begin_ += text.size();
      continue;
    }
    begin_ += newline + 1;
    ++line_;
    return true;
  }
  return false;
}

std::string TextSource::place(size_t line) const {
  return fmt::format("{}:{}", file_, line);
}

std::string TextSource::hash() {
  require(ended_, "a file is hashed when it has been read");
  return to_hex(hash_.digest());
}

}  // namespace sizeup
