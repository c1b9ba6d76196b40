#include "harness/serve/api_error.h"

#include <fmt/format.h>

#include "core/json/json.h"

namespace sizeup {

std::string_view api_error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

ApiError api_error_of(const Error& error) {
  std::string message = error.message;
  if (!error.expected.empty()) message += fmt::format(" (expected: {})", error.expected);
  if (!error.hint.empty()) message += fmt::format("; {}", error.hint);
  const bool clients = error.kind == ErrorKind::bad_input || error.kind == ErrorKind::usage;
  return {.status = clients ? 400 : 503, .message = std::move(message)};
}

std::string api_error_body(const ApiError& error) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return to_line({{"error",
                   {{"message", error.message},
                    {"type", api_error_type(error.status)},
                    {"param", text_or_null(error.param)},
                    {"code", text_or_null(error.code)}}}});
}

}  // namespace sizeup
