-- The store. Views at the end are part of the interface: people open this file with sqlite3 and pandas.
-- Times are UTC ISO-8601 with milliseconds; booleans 0/1; probabilities fractions; JSON columns hold objects.

CREATE TABLE run (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,          -- '2026-11-21-1', or given
  created_at    TEXT NOT NULL,
  finished_at   TEXT,                          -- NULL while running or after a kill
  now           TEXT NOT NULL,                 -- what templates see as the current time; reused by --resume
  protocol      TEXT NOT NULL,                 -- likelihood | generative | mixed
  seed          INTEGER NOT NULL,
  settings      TEXT NOT NULL,                 -- JSON: the resolved run file
  environment_id INTEGER NOT NULL REFERENCES environment(id)
);
CREATE TABLE environment (
  id            INTEGER PRIMARY KEY,
  program       TEXT NOT NULL,                 -- version and commit of sizeup
  machine       TEXT NOT NULL,                 -- JSON: cpu, cores, memory_bytes, os, flags
  UNIQUE (program, machine)
);
CREATE TABLE model (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL,
  reference     TEXT NOT NULL,
  fingerprint   TEXT NOT NULL,
  card          TEXT NOT NULL,                 -- JSON of ModelCard
  UNIQUE (name, reference, fingerprint, card)
);
CREATE TABLE task (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL,
  version       TEXT NOT NULL,
  definition_hash TEXT NOT NULL,
  data_hash     TEXT NOT NULL,
  output_type   TEXT NOT NULL,
  description   TEXT NOT NULL,
  metrics       TEXT NOT NULL,                 -- JSON array of {name, description, higher_is_better, is_mean}; first = headline
  slice_fields  TEXT NOT NULL,                 -- JSON array
  UNIQUE (name, definition_hash, data_hash)
);
-- One model x one task x one scenario in a run.
CREATE TABLE evaluation (
  id            INTEGER PRIMARY KEY,
  run_id        INTEGER NOT NULL REFERENCES run(id),
  model_id      INTEGER NOT NULL REFERENCES model(id),
  task_id       INTEGER NOT NULL REFERENCES task(id),
  scenario      TEXT NOT NULL,                 -- offline | single
  protocol      TEXT NOT NULL,                 -- likelihood | generative
  chat_template INTEGER NOT NULL,
  num_fewshot   INTEGER NOT NULL,
  samples       INTEGER NOT NULL,              -- planned
  finished_at   TEXT,
  wall_ms       REAL,                          -- of the whole backend run that answered it
  counts        TEXT,                          -- JSON of RunCounts
  UNIQUE (run_id, model_id, task_id, scenario)
);
-- A document of a task, as shown to the models (same for all models of a run).
CREATE TABLE sample (
  id            INTEGER PRIMARY KEY,
  task_id       INTEGER NOT NULL REFERENCES task(id),
  document_id   TEXT NOT NULL,
  document_hash TEXT NOT NULL,
  row           INTEGER NOT NULL,
  prompt        TEXT NOT NULL,                 -- before any chat template
  target        TEXT NOT NULL,
  source        TEXT NOT NULL DEFAULT '',      -- the passage of a grounded answer
  slices        TEXT NOT NULL,                 -- JSON object field -> value
  UNIQUE (task_id, document_id, document_hash, prompt)
);
-- What a backend answered. The key says everything the answer depends on, so an unchanged re-run costs nothing.
CREATE TABLE response (
  id            INTEGER PRIMARY KEY,
  key           TEXT NOT NULL UNIQUE,          -- SHA-256 of the canonical JSON in key_json
  key_json      TEXT NOT NULL,
  logprob       REAL,                          -- scoring; NULL where impossible (-inf) or not scored
  greedy        INTEGER,
  text          TEXT,                          -- generation
  finish        TEXT NOT NULL,                 -- stop | length | none | error
  tokens        TEXT NOT NULL,                 -- JSON array of ids
  token_logprobs TEXT NOT NULL,                -- JSON array
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  truncated     INTEGER NOT NULL,
  error         TEXT,
  created_at    TEXT NOT NULL
);
-- Which responses an evaluation's sample used: ask 0, 1, ... (the choices of a question).
CREATE TABLE sample_response (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  sample_id     INTEGER NOT NULL REFERENCES sample(id),
  ask           INTEGER NOT NULL,
  response_id   INTEGER NOT NULL REFERENCES response(id),
  PRIMARY KEY (evaluation_id, sample_id, ask)
) WITHOUT ROWID;
-- A sample's answer and its scores.
CREATE TABLE answer (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  sample_id     INTEGER NOT NULL REFERENCES sample(id),
  answer        TEXT NOT NULL,
  no_answer     INTEGER NOT NULL,
  invalid       INTEGER NOT NULL,
  truncated     INTEGER NOT NULL,
  error         TEXT,
  confidence    REAL,
  details       TEXT NOT NULL,                 -- JSON object
  PRIMARY KEY (evaluation_id, sample_id)
) WITHOUT ROWID;
CREATE TABLE score (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  sample_id     INTEGER NOT NULL REFERENCES sample(id),
  metric        TEXT NOT NULL,
  value         REAL NOT NULL,
  PRIMARY KEY (evaluation_id, sample_id, metric)
) WITHOUT ROWID;
-- Timings belong to a measurement (scenario, machine, time), never to the response cache.
CREATE TABLE timing (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  sample_id     INTEGER NOT NULL REFERENCES sample(id),
  ttft_ms       REAL NOT NULL,
  total_ms      REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  PRIMARY KEY (evaluation_id, sample_id)
) WITHOUT ROWID;
-- The aggregate of a metric with its 95 % interval; slice_field '' is the whole evaluation.
CREATE TABLE result (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  metric        TEXT NOT NULL,
  slice_field   TEXT NOT NULL DEFAULT '',
  slice_value   TEXT NOT NULL DEFAULT '',
  value         REAL NOT NULL,
  lo            REAL,                          -- NULL where no interval exists
  hi            REAL,
  n             INTEGER NOT NULL,
  PRIMARY KEY (evaluation_id, metric, slice_field, slice_value)
) WITHOUT ROWID;
-- What a model costs by the prices of the run file; NULL is unknown, never 0.
CREATE TABLE cost (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id) UNIQUE,
  currency      TEXT,
  per_request   REAL,                          -- mean over the evaluation's samples
  per_1000_correct REAL,
  total         REAL,
  basis         TEXT NOT NULL                  -- 'price per hour 0.20 at utilisation 1.0', 'price per token', 'unknown'
);
