#include "core/http/libcurl.h"

#include <curl/curl.h>

#include <algorithm>

#include "core/errors/result.h"

namespace sizeup {

void initialise_libcurl() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  require(done, "libcurl can be initialised");
}

// One sentence stands for everything that may be wrong with a certificate; the detail says what is. Of other
// failures the detail holds ports and milliseconds, and the sentence says enough.
std::string failure_in_words(int code, std::string_view detail) {
  const bool of_tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
                      code == CURLE_SSL_CONNECT_ERROR;
  if (!of_tls || detail.empty()) return curl_easy_strerror(static_cast<CURLcode>(code));
  std::string words(detail);
  // A certificate's name is in it, and whoever made the certificate chose that.
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return words;
}

}  // namespace sizeup
