// All kernels as one text in the Metal Shading Language.
#pragma once

#include <string_view>

namespace sizeup::metal {

std::string_view kernel_text();

}  // namespace sizeup::metal
