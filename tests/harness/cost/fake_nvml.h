// What the fake library says: read anew from the file $FAKE_NVML at each call, so that a test can change it.
//   init CODE
//   card BUS_ID ENERGY_CODE MILLIJOULES POWER_CODE MILLIWATTS NAME
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fake_nvml {

struct Card {
  std::string bus_id;
  int energy_code = 0;
  unsigned long long millijoules = 0;
  int power_code = 0;
  unsigned int milliwatts = 0;
  std::string name;
};

struct State {
  int init = 0;
  std::vector<Card> cards;
};

inline State state() {
  State out;
  const char* path = std::getenv("FAKE_NVML");
  std::ifstream file(path == nullptr ? "" : path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "init") words >> out.init;
    if (word != "card") continue;
    Card card;
    words >> card.bus_id >> card.energy_code >> card.millijoules >> card.power_code >> card.milliwatts >>
        std::ws;
    std::getline(words, card.name);
    out.cards.push_back(card);
  }
  return out;
}

// Handles are places in the list, from 1 on.
inline Card card_of(void* handle) {
  return state().cards.at(reinterpret_cast<size_t>(handle) - 1);
}

}  // namespace fake_nvml
