-- Version 7: what a choice in writing weighed, and when a request was due.

ALTER TABLE response ADD COLUMN first_tokens TEXT;  -- JSON: [text, log-probability] of the most probable; NULL: unknown
ALTER TABLE timing ADD COLUMN due_ms REAL;  -- when the sample was to be asked, since its pass began; NULL: unknown
