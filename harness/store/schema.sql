-- The store. Views at the end are part of the interface: people open this file with sqlite3 and pandas.
-- Times are UTC ISO-8601 with milliseconds; booleans 0/1; probabilities fractions; JSON columns hold objects.

CREATE TABLE run (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,          -- '2026-11-21-1', or given
  created_at    TEXT NOT NULL,
  finished_at   TEXT,                          -- NULL while running or after a kill
  now           TEXT NOT NULL,                 -- what templates see as the current time; reused by --resume
  protocol      TEXT NOT NULL,                 -- likelihood | generative; of the tasks that leave a choice
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
  num_fewshot   INTEGER,                       -- NULL: what the task file says
  samples       INTEGER NOT NULL,              -- planned
  finished_at   TEXT,
  wall_ms       REAL,                          -- of the whole backend run that answered it; NULL: all from the store
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
  prompt_hash   TEXT NOT NULL,                 -- SHA-256 of prompt: keeps the unique index small
  target        TEXT NOT NULL,
  source        TEXT NOT NULL DEFAULT '',      -- the passage of a grounded answer
  slices        TEXT NOT NULL,                 -- JSON object field -> value
  UNIQUE (task_id, document_id, document_hash, prompt_hash)
);
-- What a model was really given, chat template applied; the choices of a question share one.
CREATE TABLE prompt (
  id            INTEGER PRIMARY KEY,
  hash          TEXT NOT NULL UNIQUE,          -- SHA-256 of text
  text          TEXT NOT NULL
);
-- What a backend answered. The key says everything the answer depends on, so an unchanged re-run costs nothing.
-- Failed requests are not kept here (see answer.error): the next run asks them again.
CREATE TABLE response (
  id            INTEGER PRIMARY KEY,
  key           TEXT NOT NULL UNIQUE,          -- SHA-256 of the canonical JSON in key_json
  key_json      TEXT NOT NULL,                 -- names its prompt by hash
  prompt_id     INTEGER NOT NULL REFERENCES prompt(id),
  logprob       REAL,                          -- scoring; NULL where impossible (-inf) or not scored
  greedy        INTEGER,
  text          TEXT,                          -- generation
  finish        TEXT NOT NULL,                 -- stop | length | none (scoring)
  tokens        TEXT NOT NULL,                 -- JSON array of ids
  token_logprobs TEXT NOT NULL,                -- JSON array; null: impossible or unconditioned
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  truncated     INTEGER NOT NULL,
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
  error         TEXT,                          -- set: the request failed, there are no scores
  confidence    REAL,                          -- NULL: none
  details       TEXT NOT NULL,                 -- JSON object
  PRIMARY KEY (evaluation_id, sample_id)
) WITHOUT ROWID;
CREATE TABLE score (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation(id),
  sample_id     INTEGER NOT NULL REFERENCES sample(id),
  metric        TEXT NOT NULL,
  value         REAL,                          -- NULL: undefined
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
  value         REAL,                          -- NULL: undefined for these samples
  lo            REAL,                          -- NULL where no interval exists
  hi            REAL,
  n             INTEGER NOT NULL,
  PRIMARY KEY (evaluation_id, metric, slice_field, slice_value)
) WITHOUT ROWID;
-- What a model costs by the prices of the run file; NULL is unknown, never 0.
CREATE TABLE cost (
  evaluation_id INTEGER PRIMARY KEY REFERENCES evaluation(id),
  currency      TEXT,
  per_request   REAL,                          -- mean over the evaluation's samples
  per_1000_correct REAL,
  total         REAL,
  basis         TEXT NOT NULL                  -- 'price per hour 0.20 at utilisation 1.0', 'price per token', 'unknown'
);

CREATE INDEX evaluation_by_run ON evaluation(run_id);
CREATE INDEX sample_response_by_response ON sample_response(response_id);
CREATE INDEX response_by_prompt ON response(prompt_id);

-- Every aggregate with its names; slice_field '' is the whole evaluation.
CREATE VIEW results AS
SELECT run.name AS run, model.name AS model, task.name AS task, evaluation.scenario, evaluation.protocol,
       result.metric, result.slice_field, result.slice_value, result.value, result.lo, result.hi, result.n,
       result.evaluation_id
FROM result
JOIN evaluation ON evaluation.id = result.evaluation_id
JOIN run ON run.id = evaluation.run_id
JOIN model ON model.id = evaluation.model_id
JOIN task ON task.id = evaluation.task_id;

-- One row for each model and task of a run: the task's headline metric.
CREATE VIEW leaderboard AS
SELECT run.name AS run, task.name AS task, model.name AS model, result.metric, result.value, result.lo, result.hi,
       result.n, errors.value AS error_rate, cost.per_request AS cost_per_request, cost.currency,
       json_extract(model.card, '$.parameters') AS parameters, evaluation.protocol, evaluation.num_fewshot,
       evaluation.finished_at, evaluation.id AS evaluation_id
FROM evaluation
JOIN run ON run.id = evaluation.run_id
JOIN model ON model.id = evaluation.model_id
JOIN task ON task.id = evaluation.task_id
LEFT JOIN result ON result.evaluation_id = evaluation.id AND result.slice_field = ''
                AND result.metric = json_extract(task.metrics, '$[0].name')
LEFT JOIN result AS errors ON errors.evaluation_id = evaluation.id AND errors.slice_field = ''
                          AND errors.metric = 'error_rate'
LEFT JOIN cost ON cost.evaluation_id = evaluation.id
WHERE evaluation.scenario = 'offline'
ORDER BY run.id, task.name,
         CASE json_extract(task.metrics, '$[0].higher_is_better') WHEN 1 THEN -result.value ELSE result.value END;

-- Percentiles of the measured requests, one at a time (scenario 'single'); offline timings are no latencies.
-- Linear interpolation at h = p (n - 1): rank i (from 0) has the weight max(0, 1 - |i - h|).
CREATE VIEW latency AS
WITH ranked AS (
  SELECT evaluation_id, ttft_ms, total_ms, prompt_tokens, completion_tokens,
         row_number() OVER (PARTITION BY evaluation_id ORDER BY ttft_ms) - 1 AS ttft_rank,
         row_number() OVER (PARTITION BY evaluation_id ORDER BY total_ms) - 1 AS total_rank,
         count(*) OVER (PARTITION BY evaluation_id) - 1 AS last
  FROM timing)
SELECT run.name AS run, model.name AS model, task.name AS task, evaluation.scenario, count(*) AS samples,
       sum(ttft_ms * max(0, 1 - abs(ttft_rank - 0.5 * last))) AS ttft_p50_ms,
       sum(ttft_ms * max(0, 1 - abs(ttft_rank - 0.95 * last))) AS ttft_p95_ms,
       sum(total_ms * max(0, 1 - abs(total_rank - 0.5 * last))) AS total_p50_ms,
       sum(total_ms * max(0, 1 - abs(total_rank - 0.95 * last))) AS total_p95_ms,
       avg(prompt_tokens) AS prompt_tokens_mean, avg(completion_tokens) AS completion_tokens_mean,
       evaluation.id AS evaluation_id
FROM ranked
JOIN evaluation ON evaluation.id = ranked.evaluation_id
JOIN run ON run.id = evaluation.run_id
JOIN model ON model.id = evaluation.model_id
JOIN task ON task.id = evaluation.task_id
GROUP BY evaluation.id;

-- Samples to look at: failed, unanswered, invalid, or scored below one half by the first per-sample metric that
-- is better when higher.
CREATE VIEW failures AS
SELECT run.name AS run, model.name AS model, task.name AS task, sample.document_id, sample.row, sample.prompt,
       sample.target, answer.answer, score.metric, score.value AS score, answer.no_answer, answer.invalid,
       answer.truncated, answer.error, answer.confidence, sample.slices, answer.evaluation_id, answer.sample_id
FROM answer
JOIN evaluation ON evaluation.id = answer.evaluation_id
JOIN run ON run.id = evaluation.run_id
JOIN model ON model.id = evaluation.model_id
JOIN task ON task.id = evaluation.task_id
JOIN sample ON sample.id = answer.sample_id
LEFT JOIN score ON score.evaluation_id = answer.evaluation_id AND score.sample_id = answer.sample_id
               AND score.metric = (SELECT json_extract(metric.value, '$.name') FROM json_each(task.metrics) AS metric
                                   WHERE json_extract(metric.value, '$.is_mean')
                                     AND json_extract(metric.value, '$.higher_is_better')
                                   ORDER BY metric.key LIMIT 1)
WHERE answer.error IS NOT NULL OR answer.no_answer OR answer.invalid OR score.value < 0.5;
