-- Version 7: what a choice in writing weighed.

ALTER TABLE response ADD COLUMN first_tokens TEXT;  -- JSON: [text, log-probability] of the most probable; NULL: unknown
