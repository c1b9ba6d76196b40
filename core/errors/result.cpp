#include "core/errors/result.h"

#include <fmt/format.h>

namespace sizeup {

std::string describe(const Error& error) {
  std::string text = error.place.empty() ? error.message : fmt::format("{}: {}", error.place, error.message);
  if (!error.expected.empty()) text += fmt::format(" (expected: {})", error.expected);
  if (!error.hint.empty()) text += fmt::format("\n  hint: {}", error.hint);
  return text;
}

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return 2;
    case ErrorKind::bad_input:
      return 3;
    case ErrorKind::unavailable:
      return 4;
    case ErrorKind::interrupted:
      return 130;
  }
  throw InternalError("unknown ErrorKind");
}

tl::unexpected<Error> bad_input(std::string place, std::string message, std::string expected,
                                std::string hint) {
  return tl::unexpected<Error>(Error{ErrorKind::bad_input, std::move(place), std::move(message),
                                     std::move(expected), std::move(hint)});
}

tl::unexpected<Error> unavailable(std::string place, std::string message, std::string hint) {
  return tl::unexpected<Error>(
      Error{ErrorKind::unavailable, std::move(place), std::move(message), {}, std::move(hint)});
}

tl::unexpected<Error> usage_error(std::string message, std::string hint) {
  return tl::unexpected<Error>(Error{ErrorKind::usage, {}, std::move(message), {}, std::move(hint)});
}

InternalError::InternalError(const std::string& what, const char* file, int line)
    : std::logic_error(fmt::format("internal error at {}:{}: {}", file, line, what)) {}

}  // namespace sizeup
