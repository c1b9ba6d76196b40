#include "backends/openai/sse_parser.h"

#include <algorithm>

namespace sizeup {

bool SseParser::take_line(std::string_view& bytes) {
  if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
  after_cr_ = false;
  const size_t end = bytes.find_first_of("\r\n");
  line_.append(bytes.substr(0, end));
  if (end == std::string_view::npos) {
    bytes = {};
    return false;
  }
  after_cr_ = bytes[end] == '\r';
  bytes.remove_prefix(end + 1);
  return true;
}

bool SseParser::end_line() {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::string_view line = line_;
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    dispatch_ = has_data_;
    has_data_ = false;
  } else if (const std::string_view name = line.substr(0, line.find(':')); name == "data") {
    std::string_view value = line.substr(std::min(line.size(), name.size() + 1));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_.append(value);
    has_data_ = true;
  }
  line_.clear();
  return data_.size() <= max_event_bytes_;
}

}  // namespace sizeup
