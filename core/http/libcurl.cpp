#include "core/http/libcurl.h"

#include <curl/curl.h>

#include "core/errors/result.h"

namespace sizeup {

void initialise_libcurl() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  require(done, "libcurl can be initialised");
}

}  // namespace sizeup
