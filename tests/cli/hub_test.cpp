// Models by name through the program itself, from a hub on a loopback port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"
#include "tests/support/loopback_hub.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HubProgram : public testing::Test {
 protected:
  HubProgram() {
    const auto model = golden_folder() / "tiny_llama" / "gqa_tied_f32";
    for (const char* name : {"config.json", "model.safetensors"}) hub.files[name] = read_whole(model / name);
    hub.large = {"model.safetensors", "pocket-small.gguf"};
  }

  Finished run(const std::vector<std::string>& arguments, const std::string& input = {}) const {
    const std::string home = folder.path().string();
    return run_program(
        arguments, input,
        {"env", "-u", "HF_HUB_OFFLINE", "-u", "HF_HUB_CACHE", "-u", "HUGGINGFACE_HUB_CACHE", "no_proxy=*",
         "HF_ENDPOINT=" + hub.endpoint(), "SIZEUP_ROWS_ENDPOINT=" + hub.endpoint(), "HF_HOME=" + home,
         "XDG_CACHE_HOME=" + home, "HF_TOKEN=hf_secret"});
  }

  TemporaryFolder folder;
  LoopbackHub hub;
};

TEST_F(HubProgram, InspectsAModelByNameAndAgainOffline) {
  const Finished first = run({"inspect", "hf:org/tiny", "--json"});
  ASSERT_EQ(first.status, 0) << first.errors;
  const Json model = Json::parse(first.output);
  EXPECT_EQ(model["name"], "tiny");
  EXPECT_EQ(model["format"], "safetensors");
  EXPECT_THAT(first.errors, AllOf(HasSubstr("downloading model.safetensors"), Not(HasSubstr("hf_secret"))));
  const size_t before = hub.requests().size();
  const Finished second = run({"inspect", "hf:org/tiny", "--json", "--offline"});
  ASSERT_EQ(second.status, 0) << second.errors;
  EXPECT_EQ(second.output, first.output);
  EXPECT_EQ(second.errors, "");
  EXPECT_EQ(hub.requests().size(), before);
}

// Data without a task file, by the name of a data set: config and split as task files call them.
TEST_F(HubProgram, RunsADataSetByNameWithoutATask) {
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target.starts_with("/splits?dataset=org%2Ftickets")) {
      reply = {.body =
                   R"({"splits": [{"config": "de", "split": "train"}, {"config": "en", "split": "train"}]})"};
    } else if (request.target.starts_with("/rows?dataset=org%2Ftickets&config=en&split=train&offset=0")) {
      std::string rows;
      for (int i = 0; i < 6; ++i) {
        const std::string row = i % 2 == 0 ? R"({"text": "Where is it?", "label": "parcel"})"
                                           : R"({"text": "I paid twice.", "label": "invoice"})";
        rows += std::string(i == 0 ? "" : ", ") + R"({"row_idx": )" + std::to_string(i) + R"(, "row": )" +
                row + R"(, "truncated_cells": []})";
      }
      reply = {.body = R"({"num_rows_total": 6, "rows": [)" + rows + "]}"};
    }
  };
  const std::string model = source_path("models/pocket/pocket-small.gguf").string();
  std::vector<std::string> arguments = {"run",
                                        "--model",
                                        model,
                                        "--data",
                                        "org/tickets",
                                        "--dataset-name",
                                        "en",
                                        "--test-split",
                                        "train",
                                        "--db",
                                        (folder.path() / "a.db").string(),
                                        "--latency-samples",
                                        "0",
                                        "--json"};
  const Finished first = run(arguments);
  ASSERT_EQ(first.status, 0) << first.errors;
  const Json row = Json::parse(lines_of(first.output)[0])[0];
  EXPECT_EQ(row["task"], "tickets");
  EXPECT_EQ(row["n"], "6");
  EXPECT_THAT(first.errors, AllOf(HasSubstr("classification"), HasSubstr("choices: invoice | parcel")));

  const size_t before = hub.requests().size();
  arguments.emplace_back("--offline");
  EXPECT_EQ(run(arguments).status, 0);
  const Finished checked = run({"tasks", "check", "org/tickets", "--dataset-name", "en", "--test-split",
                                "train", "--offline", "--json"});
  EXPECT_EQ(Json::parse(checked.output)[0]["rows"], 6) << checked.errors;
  const Finished written = run({"tasks", "new", "org/tickets", "--dataset-name", "en", "--test-split",
                                "train", "--offline", "--output", (folder.path() / "t.yaml").string()});
  ASSERT_EQ(written.status, 0) << written.errors;
  EXPECT_THAT(read_whole(folder.path() / "t.yaml"),
              AllOf(HasSubstr("dataset_path: \"org/tickets\""), HasSubstr("dataset_name: en"),
                    HasSubstr("test_split: train")));
  const Finished shown = run({"tasks", "show", (folder.path() / "t.yaml").string(), "--offline", "--json"});
  EXPECT_EQ(Json::parse(shown.output)["rows"], 6) << shown.errors;
  EXPECT_EQ(hub.requests().size(), before) << "it was fetched once";

  const Finished several = run({"tasks", "check", "org/tickets"});
  EXPECT_EQ(several.status, 3);
  EXPECT_THAT(several.errors, HasSubstr("one of de, en"));
}

// A mistyped path stays a path, and a file has no splits.
TEST_F(HubProgram, WhatEndsAsADataFileIsNoDataSet) {
  EXPECT_THAT(run({"tasks", "new", "data/tickets.csv"}).errors, HasSubstr("data/tickets.csv"));
  const std::string file = folder.write("t.csv", "text,label\na,b\n").string();
  const Finished with_split = run({"tasks", "new", file, "--test-split", "train"});
  EXPECT_EQ(with_split.status, 2);
  EXPECT_THAT(with_split.errors, HasSubstr("is a file"));
  EXPECT_TRUE(hub.requests().empty());
}

// A task whose data are rows of the hub: fetched once, then run without a connection.
TEST_F(HubProgram, RunsATaskOnADataSetByName) {
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target.starts_with("/splits?dataset=org%2Fquestions")) {
      reply = {.body = R"({"splits": [{"config": "main", "split": "test"}]})"};
    } else if (request.target.starts_with("/rows?dataset=org%2Fquestions&config=main&split=test&offset=0")) {
      reply = {.body =
                   R"({"num_rows_total": 2, "rows": [)"
                   R"({"row_idx": 0, "row": {"question": "1+1?", "answer": 1}, "truncated_cells": []},)"
                   R"({"row_idx": 1, "row": {"question": "1+0?", "answer": 0}, "truncated_cells": []}]})"};
    }
  };
  const std::string task =
      folder
          .write("t.yaml",
                 "task: t\ndataset_path: org/questions\ntest_split: test\noutput_type: multiple_choice\n"
                 "doc_to_text: question\ndoc_to_target: answer\ndoc_to_choice: ['1', '2']\n")
          .string();
  const std::vector<std::string> arguments = {"run",
                                              "--model",
                                              source_path("models/pocket/pocket-small.gguf").string(),
                                              "--task",
                                              task,
                                              "--db",
                                              (folder.path() / "a.db").string(),
                                              "--latency-samples",
                                              "0",
                                              "--json"};
  const Finished first = run(arguments);
  ASSERT_EQ(first.status, 0) << first.errors;
  EXPECT_EQ(Json::parse(lines_of(first.output)[0])[0]["n"], "2");
  EXPECT_THAT(first.errors, HasSubstr("fetching 2 rows of hf:datasets/org/questions?config=main&split=test"));
  std::vector<std::string> offline = arguments;
  offline.emplace_back("--offline");
  const size_t before = hub.requests().size();
  EXPECT_EQ(run(offline).status, 0);
  for (const char* command : {"show", "check"}) {
    const Finished looked = run({"tasks", command, task, "--offline"});
    EXPECT_EQ(looked.status, 0) << looked.errors;
    EXPECT_THAT(looked.output, AllOf(HasSubstr("2 rows"), HasSubstr("1+1?"))) << command;
  }
  EXPECT_EQ(hub.requests().size(), before);
}

TEST_F(HubProgram, OfflineWithoutTheModelIsStatus4) {
  for (const char* command : {"inspect", "score", "generate", "tokenize", "render", "bench"}) {
    const Finished finished = run({command, "hf:org/tiny", "--offline"});
    EXPECT_EQ(finished.status, 4) << command;
    EXPECT_THAT(finished.errors, HasSubstr("hf:org/tiny@main is not in the cache")) << command;
  }
  const std::string text = folder.write("text", "some words").string();
  EXPECT_EQ(run({"quant-loss", "hf:org/tiny", "hf:org/tiny?quant=q8_0", "--text", text, "--offline"}).status,
            4);
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(HubProgram, DoctorSaysWhereModelsComeFromButNotTheToken) {
  const Finished text = run({"doctor"});
  EXPECT_THAT(text.output, AllOf(HasSubstr("models by name: " + (folder.path() / "hub").string()),
                                 HasSubstr("from " + hub.endpoint() + ", token: yes")));
  const Finished json = run({"doctor", "--json"});
  EXPECT_EQ(Json::parse(json.output)["hub"]["token"], true);
  EXPECT_THAT(text.output + json.output, Not(HasSubstr("hf_secret")));
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(HubProgram, RunsAGgufFileOfARepository) {
  hub.files = {{"pocket-small.gguf", read_whole(source_path("models/pocket/pocket-small.gguf"))},
               {"other.gguf", "x"}};
  EXPECT_THAT(run({"tokenize", "hf:org/tiny"}, "{\"text\":\"a\"}").errors,
              HasSubstr("?file=NAME: other.gguf, pocket-small.gguf"));
  const std::string reference = "small=hf:org/tiny?file=pocket-small.gguf&device=reference";
  const Finished scored = run({"score", reference}, "{\"context\":\"a\",\"continuation\":\" b\"}");
  EXPECT_EQ(scored.status, 0) << scored.errors;
  const std::string store = (folder.path() / "runs.db").string();
  const Finished finished = run({"run", "--model", reference, "--task", "helpdesk", "--limit", "2",
                                 "--latency-samples", "0", "--db", store, "--offline", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(Json::parse(lines_of(finished.output)[0])[0]["model"], "small");
  EXPECT_EQ(hub.requests_of("other.gguf"), 0u);
}

TEST_F(HubProgram, TokenizesAndRendersWithoutTheWeights) {
  hub.files["chat_template.jinja"] = "{{ messages[0].content }}!";
  hub.files["tokenizer.json"] = read_whole(source_path("models/pocket/tokenizer.json"));
  const Finished finished = run({"tokenize", "hf:org/tiny"}, "{\"text\":\"Hello\"}");
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_FALSE(Json::parse(finished.output)["ids"].empty());
  const Finished rendered =
      run({"render", "hf:org/tiny"}, "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
  ASSERT_EQ(rendered.status, 0) << rendered.errors;
  EXPECT_EQ(Json::parse(rendered.output)["text"], "Hi!");
  EXPECT_EQ(hub.requests_of("model.safetensors"), 0u);
}

TEST_F(HubProgram, AppliesAnAdapterByNameAndAgainOffline) {
  const auto adapter = golden_folder() / "tiny_lora" / "attention";
  hub.files.clear();
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors"})
    hub.files[name] = read_whole(adapter / name);
  hub.files["README.md"] = "not wanted";
  hub.large = {"adapter_model.safetensors"};
  const std::string base = (golden_folder() / "tiny_lora" / "wide_heads_bf16.gguf").string();
  const auto inspect = [&](const std::string& adapters, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"inspect", base + "?adapter=" + adapters, "--json"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  };
  const Finished missing = inspect("hf:org/tiny", {"--offline"});
  EXPECT_EQ(missing.status, 4);
  EXPECT_THAT(missing.errors, HasSubstr("hf:org/tiny@main is not in the cache"));
  const Finished named = inspect("hf:org/tiny*0.5," + adapter.string());
  ASSERT_EQ(named.status, 0) << named.errors;
  EXPECT_EQ(hub.requests_of("README.md"), 0u);
  const size_t before = hub.requests().size();
  const Finished again = inspect("hf:org/tiny*0.5," + adapter.string(), {"--offline"});
  EXPECT_EQ(again.output, named.output);
  EXPECT_EQ(hub.requests().size(), before);
  const Finished local = inspect(adapter.string() + "*0.5," + adapter.string());
  EXPECT_EQ(Json::parse(local.output)["fingerprint"], Json::parse(named.output)["fingerprint"]);
  hub.files.erase("adapter_model.safetensors");
  hub.commit = std::string(40, 'a');
  EXPECT_THAT(inspect("hf:org/tiny").errors, HasSubstr("has no adapter_model.safetensors"));
}

}  // namespace
}  // namespace sizeup
