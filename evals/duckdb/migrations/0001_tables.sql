-- Keys are what Put replaces by. Money is integer nano-dollars in columns that
-- end in _nano; times are UTC. endpoint_kind: 'real', 'gateway', 'sim', or ''
-- while nothing has answered.
CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    params_hash VARCHAR NOT NULL,
    params VARCHAR NOT NULL,            -- JSON: what makes two runs the same measurement
    base_url VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    item_limit INTEGER NOT NULL,        -- per benchmark; 0: all
    endpoint_kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,            -- running, stopped, partial, complete
    note VARCHAR NOT NULL,
    night DATE NOT NULL,                -- UTC date of the start
    started_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,              -- null until every item was asked
    planned INTEGER NOT NULL,
    spent_nano BIGINT NOT NULL
);

CREATE TABLE items (
    benchmark VARCHAR NOT NULL,
    dataset_hash VARCHAR NOT NULL,
    item_id VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    lang VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    choices VARCHAR NOT NULL,           -- JSON list
    answer VARCHAR NOT NULL,
    PRIMARY KEY (benchmark, dataset_hash, item_id)
);

CREATE TABLE completions (
    run_id VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    item_id VARCHAR NOT NULL,
    sample_index INTEGER NOT NULL,
    completion_hash VARCHAR NOT NULL,   -- endpoint, model, messages, sampling, sample, data set
    dataset_hash VARCHAR NOT NULL,
    state VARCHAR NOT NULL,             -- ok, length, error
    endpoint_kind VARCHAR NOT NULL,
    output VARCHAR NOT NULL,
    reasoning VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    routed_model VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    input_tokens BIGINT,                -- null: the endpoint reported no usage
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_estimated BOOLEAN NOT NULL,
    cost_nano BIGINT,                   -- null: unknown
    doubtful_nano BIGINT NOT NULL,      -- worst case of attempts that gave no answer
    latency_us BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    error VARCHAR NOT NULL,
    permanent BOOLEAN NOT NULL,
    answered_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, benchmark, model, item_id, sample_index)
);

CREATE TABLE grades (
    run_id VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    item_id VARCHAR NOT NULL,
    sample_index INTEGER NOT NULL,
    extractor VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    status VARCHAR NOT NULL,            -- ok, unparsed, length, error
    score DOUBLE NOT NULL,
    extracted VARCHAR NOT NULL,
    expected VARCHAR NOT NULL,
    graded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, benchmark, model, item_id, sample_index, extractor)
);

CREATE TABLE scorecards (
    run_id VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    extractor VARCHAR NOT NULL,
    catalog_id VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,           -- 'folder' or 'starter'
    dataset_hash VARCHAR NOT NULL,
    endpoint_kind VARCHAR NOT NULL,
    planned INTEGER NOT NULL,
    n INTEGER NOT NULL,
    unparsed INTEGER NOT NULL,
    length_cut INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    score DOUBLE NOT NULL,
    stderr DOUBLE NOT NULL,
    clusters INTEGER NOT NULL,
    cost_nano BIGINT NOT NULL,
    costed INTEGER NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    latency_ms DOUBLE NOT NULL,
    scored_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, benchmark, model, extractor)
);

-- One row for each placement that differs from the one before it.
CREATE TABLE tier_history (
    seq BIGINT NOT NULL,                -- order of recording; created_at is to the second
    table_id VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    model VARCHAR NOT NULL,             -- a host; '': the whole family
    parent VARCHAR NOT NULL,
    night DATE NOT NULL,
    created_at TIMESTAMP NOT NULL,
    evidence VARCHAR NOT NULL,          -- published, measured, sim
    tier VARCHAR NOT NULL,              -- '': in none
    previous_tier VARCHAR,              -- null: first placement
    placement VARCHAR NOT NULL,
    capability DOUBLE NOT NULL,
    lo DOUBLE NOT NULL,
    hi DOUBLE NOT NULL,
    reason VARCHAR NOT NULL,
    run_ids VARCHAR NOT NULL,           -- JSON list
    PRIMARY KEY (table_id, family, model)
);

CREATE TABLE score_history (
    seq BIGINT NOT NULL,
    table_id VARCHAR NOT NULL,
    parent VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    night DATE NOT NULL,
    created_at TIMESTAMP NOT NULL,
    evidence VARCHAR NOT NULL,
    capability DOUBLE NOT NULL,         -- 0..100
    lo DOUBLE NOT NULL,
    hi DOUBLE NOT NULL,
    overseas DOUBLE NOT NULL,
    chinese DOUBLE NOT NULL,
    observed_share DOUBLE NOT NULL,
    theta DOUBLE NOT NULL,              -- general ability, logits
    theta_sd DOUBLE NOT NULL,
    PRIMARY KEY (table_id, family)
);

-- The own measurements that a table's scores rest on.
CREATE TABLE score_components (
    table_id VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    endpoint_kind VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    score DOUBLE NOT NULL,
    stderr DOUBLE NOT NULL,
    PRIMARY KEY (table_id, family, model, benchmark, run_id)
);

CREATE TABLE drift_events (
    event_id VARCHAR PRIMARY KEY,
    night DATE NOT NULL,
    model VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- model, judge, extractor, provider
    statistic DOUBLE NOT NULL,
    threshold DOUBLE NOT NULL,
    difference DOUBLE NOT NULL,
    stderr DOUBLE NOT NULL,
    n INTEGER NOT NULL,
    run_id VARCHAR NOT NULL,
    baseline_run_id VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE published_scores (
    row_key VARCHAR PRIMARY KEY,        -- hash of the row: importing twice changes nothing
    family VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    unit VARCHAR NOT NULL,
    setting VARCHAR NOT NULL,
    reporter VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    published_on DATE
);

CREATE TABLE price_history (
    row_key VARCHAR PRIMARY KEY,
    model VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    direction VARCHAR NOT NULL,
    service_class VARCHAR NOT NULL,
    from_tokens BIGINT NOT NULL,
    nano_usd_per_million BIGINT NOT NULL,
    valid_from DATE,
    source VARCHAR NOT NULL,
    first_seen TIMESTAMP NOT NULL
);

CREATE TABLE usage_daily (
    day DATE NOT NULL,
    model VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    tier VARCHAR NOT NULL,
    intent VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    requests BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_nano BIGINT NOT NULL,
    simulated BOOLEAN NOT NULL,
    PRIMARY KEY (day, model, provider, tier, intent, level, simulated)
);
