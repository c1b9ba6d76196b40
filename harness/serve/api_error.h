// What a client is told when its request is not answered: OpenAI's form, {"error": {message, type, param,
// code}}.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "core/errors/result.h"

namespace sizeup {

struct ApiError {
  int status = 400;  // of HTTP
  std::string message;
  std::string param = {};  // the field that is at fault; empty: null
  std::string code = {};   // "context_length_exceeded"; empty: null
};

template <class T>
using ApiResult = tl::expected<T, ApiError>;

// "invalid_request_error", "rate_limit_error", ... as OpenAI calls them by their status.
std::string_view api_error_type(int status);

// A request that the engine refused or gave up.
ApiError api_error_of(const Error& error);

// The reply's body.
std::string api_error_body(const ApiError& error);

}  // namespace sizeup
