// libcurl is initialised once, by whoever comes first.
#pragma once

namespace sizeup {

void initialise_libcurl();

}  // namespace sizeup
