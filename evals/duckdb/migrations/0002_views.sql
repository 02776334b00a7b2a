-- Views for analysts: finished runs only, flat types, dollars as
-- DECIMAL(18,9), times UTC, the night's date.
CREATE VIEW v_runs AS
SELECT run_id, night, status, endpoint_kind, base_url, seed, item_limit, planned,
       CAST(CAST(spent_nano AS DECIMAL(18,0)) * CAST(0.000000001 AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS spent_usd,
       started_at, finished_at, note
FROM runs WHERE finished_at IS NOT NULL;

CREATE VIEW v_scores AS
SELECT r.night, s.run_id, s.model, s.catalog_id, s.benchmark, s.dataset, s.endpoint_kind, s.extractor, s.template,
       s.planned, s.n AS scored, s.unparsed, s.length_cut, s.errors,
       CAST(CASE WHEN s.planned = 0 THEN 0 ELSE s.n / s.planned END AS DOUBLE) AS coverage,
       100 * s.score AS score_percent, 100 * s.stderr AS stderr_percent,
       greatest(0, 100 * (s.score - 1.96 * s.stderr)) AS lo_percent,
       least(100, 100 * (s.score + 1.96 * s.stderr)) AS hi_percent,
       CAST(CAST(s.cost_nano AS DECIMAL(18,0)) * CAST(0.000000001 AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS cost_usd,
       s.latency_ms, s.dataset_hash, s.scored_at
FROM scorecards s JOIN runs r USING (run_id)
WHERE r.finished_at IS NOT NULL;

-- The newest finished score of each model on each benchmark and kind of endpoint.
CREATE VIEW v_latest_scores AS
SELECT * FROM v_scores
QUALIFY row_number() OVER (PARTITION BY model, benchmark, dataset, endpoint_kind, extractor ORDER BY scored_at DESC, run_id DESC) = 1;

CREATE VIEW v_answers AS
SELECT r.night, c.run_id, c.model, c.benchmark, c.item_id, i.subject, i.lang, i.question, i.answer AS reference,
       c.output, g.extractor, g.status, g.score, g.extracted, c.state, c.endpoint_kind, c.finish_reason,
       c.input_tokens, c.output_tokens,
       CAST(CAST(c.cost_nano AS DECIMAL(18,0)) * CAST(0.000000001 AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS cost_usd,
       CAST(c.latency_us / 1000.0 AS DOUBLE) AS latency_ms, c.answered_at
FROM completions c
JOIN runs r USING (run_id)
LEFT JOIN grades g USING (run_id, benchmark, model, item_id, sample_index)
LEFT JOIN items i USING (benchmark, dataset_hash, item_id)
WHERE r.finished_at IS NOT NULL;

CREATE VIEW v_spend AS
SELECT r.night, c.model, c.endpoint_kind, CAST(count(*) AS BIGINT) AS answers,
       CAST(sum(coalesce(c.input_tokens, 0)) AS BIGINT) AS input_tokens,
       CAST(sum(coalesce(c.output_tokens, 0)) AS BIGINT) AS output_tokens,
       CAST(CAST(sum(coalesce(c.cost_nano, 0) + c.doubtful_nano) AS DECIMAL(28,0)) * CAST(0.000000001 AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS cost_usd,
       CAST(count(*) FILTER (c.cost_nano IS NULL) AS BIGINT) AS unpriced
FROM completions c JOIN runs r USING (run_id)
WHERE r.finished_at IS NOT NULL
GROUP BY ALL;

CREATE VIEW v_tier_history AS
SELECT seq, night, created_at, table_id, family, model, coalesce(previous_tier, '') AS previous_tier, tier, placement, evidence,
       capability, lo, hi, reason, run_ids
FROM tier_history;

-- The tier that each family and host has now.
CREATE VIEW v_tiers AS
SELECT family, model, tier, placement, evidence, capability, lo, hi, night AS since, reason
FROM tier_history
QUALIFY row_number() OVER (PARTITION BY family, model ORDER BY seq DESC) = 1;

CREATE VIEW v_score_history AS
SELECT seq, night, created_at, table_id, family, evidence, capability, lo, hi, overseas, chinese, observed_share, theta, theta_sd
FROM score_history;
