#include "backends/engine/architectures/mistral.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {

Result<DecoderModel> describe_mistral(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  DecoderSpec spec = read_hugging_face_spec(config);
  read_windows(config, {.unsaid = 4096}, spec);
  return find_decoder("mistral", checkpoint, config, std::move(spec));
}

}  // namespace sizeup
