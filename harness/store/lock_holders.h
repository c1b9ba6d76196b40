// Who holds a lock on a store's file, for the message to those who cannot have it.
#pragma once

#include <string>

namespace sizeup {

// "process 1234 (sqlite3)", several joined by commas; empty where the system does not say (it has no
// /proc/locks, or the process is another user's).
std::string lock_holders(const std::string& file);

}  // namespace sizeup
