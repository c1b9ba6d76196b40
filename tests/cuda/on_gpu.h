// Tests that run kernels.
#pragma once

#include <gtest/gtest.h>

#include "backends/cuda/cuda_device.h"

namespace sizeup::cuda {

// Skipped, with the reason, where there is no GPU to compute on.
class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = why_unavailable()) GTEST_SKIP() << *reason;
  }
};

}  // namespace sizeup::cuda
