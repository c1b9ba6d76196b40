// gzip and base64: how sample texts travel inside a page.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

// A gzip stream without a time or a file name: the same bytes in give the same bytes out.
std::string gzip(std::string_view bytes);

std::string base64(std::string_view bytes);  // RFC 4648, with padding

}  // namespace sizeup
