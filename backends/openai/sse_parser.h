// Server-sent events (WHATWG HTML, section 9.2) as they come, in pieces cut anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sizeup {

class SseParser {
 public:
  // An event with more bytes of data makes take() fail.
  explicit SseParser(size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Calls `on_event(std::string_view data)` for each event that is complete, until one returns false. False
  // then, or for an event that is too long.
  template <class OnEvent>
  bool take(std::string_view bytes, OnEvent on_event) {
    while (!bytes.empty()) {
      if (!take_line(bytes)) {
        if (line_.size() + data_.size() > max_event_bytes_) return false;
        continue;
      }
      if (!end_line()) return false;
      if (!dispatch_) continue;
      dispatch_ = false;
      const bool goes_on = on_event(std::string_view(data_));
      data_.clear();
      if (!goes_on) return false;
    }
    return true;
  }

 private:
  // Moves bytes to the line; true at its end.
  bool take_line(std::string_view& bytes);
  // Understands the line; false if the event is too long.
  bool end_line();

  size_t max_event_bytes_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool dispatch_ = false;  // the event is complete
  bool after_cr_ = false;  // a line feed now belongs to the carriage return before it
  bool first_line_ = true;
};

}  // namespace sizeup
