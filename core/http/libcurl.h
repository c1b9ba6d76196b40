// libcurl is initialised once, by whoever comes first.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

void initialise_libcurl();

// What a failed transfer's CURLcode means in words. `detail` is what libcurl left in the error buffer.
std::string failure_in_words(int code, std::string_view detail);

}  // namespace sizeup
