-- Version 4: texts that were left out or redacted are marked; labels that people gave.

ALTER TABLE run ADD COLUMN texts TEXT NOT NULL DEFAULT 'all';  -- that were stored: all | redacted | none
-- 1: the row's texts are not the original ones (`run --no-text`, `run --redact`); its keys and hashes are.
ALTER TABLE sample ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE response ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answer ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;

-- What people said of documents or of answers (`db import-labels`). Names, not ids: labels outlive runs.
CREATE TABLE label (
  task          TEXT NOT NULL,                 -- name
  document_id   TEXT NOT NULL,
  model         TEXT NOT NULL DEFAULT '',      -- '': of whichever model's answer
  run           TEXT NOT NULL DEFAULT '',      -- '': in whichever run
  annotator     TEXT NOT NULL DEFAULT '',
  label         TEXT,                          -- what the answer ought to be; NULL where a score is given
  score         REAL,                          -- from 0, wrong, to 1, right; NULL where a label is given
  imported_at   TEXT NOT NULL,
  PRIMARY KEY (task, document_id, model, run, annotator),
  CHECK ((label IS NULL) != (score IS NULL))
) WITHOUT ROWID;

-- Each label beside each answer that it speaks of. A label counts 1 where the answer is the label, else 0.
CREATE VIEW labelled AS
SELECT run.name AS run, model.name AS model, task.name AS task, sample.document_id, label.annotator, label.label,
       coalesce(label.score, CASE WHEN NOT answer.edited THEN 1.0 * (answer.answer = label.label) END) AS human_score,
       score.metric, score.value AS score, answer.answer, sample.target, answer.evaluation_id, answer.sample_id
FROM label
JOIN task ON task.name = label.task
JOIN sample ON sample.task_id = task.id AND sample.document_id = label.document_id
JOIN evaluation ON evaluation.task_id = task.id AND evaluation.scenario = 'offline'
JOIN run ON run.id = evaluation.run_id AND label.run IN ('', run.name)
JOIN model ON model.id = evaluation.model_id AND label.model IN ('', model.name)
JOIN answer ON answer.evaluation_id = evaluation.id AND answer.sample_id = sample.id AND answer.error IS NULL
LEFT JOIN score ON score.evaluation_id = answer.evaluation_id AND score.sample_id = answer.sample_id
               AND score.metric = (SELECT json_extract(metric.value, '$.name') FROM json_each(task.metrics) AS metric
                                   WHERE json_extract(metric.value, '$.is_mean')
                                     AND json_extract(metric.value, '$.higher_is_better')
                                   ORDER BY metric.key LIMIT 1);

-- How far the stored scores agree with each annotator: right is one half or more. kappa is Cohen's, NULL where
-- chance alone would agree always.
CREATE VIEW label_agreement AS
WITH judged AS (
  SELECT run, model, task, annotator, metric, evaluation_id, score, human_score,
         score >= 0.5 AS scored_right, human_score >= 0.5 AS human_right
  FROM labelled
  WHERE score IS NOT NULL AND human_score IS NOT NULL),
counted AS (
  SELECT run, model, task, annotator, metric, evaluation_id, count(*) AS n,
         avg(score) AS score, avg(human_score) AS human_score, avg(scored_right = human_right) AS agreement,
         avg(scored_right) * avg(human_right) + (1 - avg(scored_right)) * (1 - avg(human_right)) AS chance
  FROM judged
  GROUP BY evaluation_id, annotator)
SELECT run, model, task, annotator, metric, n, score, human_score, agreement,
       (agreement - chance) / nullif(1 - chance, 0) AS kappa, evaluation_id
FROM counted
ORDER BY evaluation_id, annotator;
