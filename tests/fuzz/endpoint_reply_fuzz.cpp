// Any bytes as an endpoint's answer, in pieces of any length: a stream of events, an object, or scored
// tokens. However a stream is cut, the same comes of it.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "backends/openai/echo_score.h"
#include "backends/openai/reply.h"

namespace {

// What came of it, as text to compare.
std::string read_in_pieces(std::string_view type, std::string_view body, size_t piece) {
  sizeup::ReplyLimits limits;
  limits.text_bytes = 4096;
  sizeup::ReplyReader reader(limits);
  bool good = true;
  for (size_t at = 0; good && at < body.size(); at += piece) good = reader.take(type, body.substr(at, piece));
  good = good && reader.finish(true);
  if (!good) return "error: " + reader.failure().message;
  sizeup::EndpointCall call;
  call.scored = reader.answer().text;
  sizeup::Response response;
  const auto scored = sizeup::fill_score(reader.answer().echo, call, true, response);
  return reader.answer().text + (scored ? " scored" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view type = data[0] % 2 == 0 ? "text/event-stream" : "application/json";
  const std::string cut = read_in_pieces(type, body, size_t{1} + data[1]);
  if (cut != read_in_pieces(type, body, std::max<size_t>(body.size(), 1))) __builtin_trap();
  static_cast<void>(sizeup::error_message(std::string(body)));
  return 0;
}
