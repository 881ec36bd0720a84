-- The tables of the index: what plans and journals say, one row a record.
-- Instants are UTC without a zone, durations seconds on the monotonic clock,
-- money DECIMAL(38,12) US dollars, NULL unknown. Read the views, not these.
-- No keys and no secondary indexes: the ingest lets each record in once. What no
-- record says, but follows from several, the ingest computes: cell_index and
-- warmup of attempts, ends_trial, and the whole of tally and timing.

CREATE TABLE index_version (
    version INTEGER                -- of these tables; the index is rebuilt when it changes
);

CREATE TABLE run (                 -- one row a run folder with a plan
    run_id VARCHAR,
    kind VARCHAR,                  -- suite, metered
    created_at TIMESTAMP,          -- when the plan was frozen
    version VARCHAR,               -- of the program that planned
    seed BIGINT,                   -- of the order of trials
    suite VARCHAR,                 -- name of the suite
    suite_digest VARCHAR,          -- SHA-256 of the suite as read
    plan_digest VARCHAR,           -- SHA-256 that the plan ends with
    tags JSON,                     -- {key: value}
    note VARCHAR,
    concurrency INTEGER,           -- most requests in flight
    rate_rpm DOUBLE,               -- requests a minute, NULL without a limit
    max_cost_usd DECIMAL(38,12),   -- the cap of the run's whole life
    max_failed_share DOUBLE,       -- 0..1
    load VARCHAR,                  -- closed, batch, constant:5/s, ...; NULL where a program asks
    find_rate VARCHAR,             -- p95<5s, ...: a rate was sought, from that of load on
    is_alive BOOLEAN               -- a process held the run at the last ingest
);

CREATE TABLE prompt (              -- one row a prompt of a run
    run_id VARCHAR,
    prompt_index INTEGER,          -- place in the plan, from 0
    prompt_id VARCHAR,
    text VARCHAR,
    category VARCHAR,
    expect JSON,
    conversation VARCHAR,          -- it is a turn of this one, NULL for all others
    turn INTEGER,                  -- from 1
    n_inputs INTEGER               -- pictures that go with it, without mask or markup
);

CREATE TABLE endpoint (            -- one row an endpoint of a run
    run_id VARCHAR,
    endpoint VARCHAR,              -- its name
    route VARCHAR,                 -- direct, gateway
    base_url VARCHAR,
    prices JSON,                   -- as in the endpoints file
    simulated BOOLEAN              -- one marked attempt marks it for the run
);

CREATE TABLE cell (                -- one row a variant at an endpoint
    run_id VARCHAR,
    cell_index INTEGER,            -- place in the plan, from 0
    endpoint VARCHAR,
    api VARCHAR,                   -- images, responses
    operation VARCHAR,
    model VARCHAR,
    mainline_model VARCHAR,        -- the rest: as sent, NULL when not sent
    quality VARCHAR,
    size VARCHAR,
    output_format VARCHAR,
    background VARCHAR,
    n INTEGER,
    stream BOOLEAN,
    partial_images INTEGER,
    parameters JSON,               -- all that is sent beside prompt and model
    variant VARCHAR                -- digest of everything above but the endpoint
);

CREATE TABLE card (                -- one row the rates that a run was charged by
    run_id VARCHAR,
    endpoint VARCHAR,
    model VARCHAR,
    card JSON,                     -- of the direct book, as pricing.rates writes it
    scheme JSON                    -- what turns it into the endpoint's, NULL if nothing
);

CREATE TABLE trial (               -- one row a planned measurement
    run_id VARCHAR,
    trial_id VARCHAR,
    cell_index INTEGER,
    prompt_index INTEGER,
    repeat INTEGER,                -- from 1
    block INTEGER,                 -- (prompt, repeat) block of the order, from 0
    position INTEGER,              -- place in the order, from 0
    warmup BOOLEAN                 -- in no figure of latency; NULL is false
);

CREATE TABLE session (             -- one row a journal: a process that worked on a run
    run_id VARCHAR,
    journal VARCHAR,               -- file name
    command VARCHAR,               -- run, resume
    host VARCHAR,
    pid BIGINT,
    started_at TIMESTAMP,
    version VARCHAR,
    is_live BOOLEAN,               -- at the last ingest: runs, and may still settle attempts
    ended_at TIMESTAMP,            -- the rest from its end record, NULL without one
    state VARCHAR,                 -- finished, stopped, interrupted
    stopped_by VARCHAR,            -- budget, quota, stall, credentials, storage, user
    reason VARCHAR
);

CREATE TABLE open_intent (         -- one row an attempt without an outcome
    run_id VARCHAR,
    journal VARCHAR,
    attempt_id VARCHAR,
    trial_id VARCHAR,
    attempt_no INTEGER,            -- from 1
    endpoint VARCHAR,
    bound_usd DECIMAL(38,12),      -- the most that it can cost
    started_at TIMESTAMP,          -- when the intent was written
    cell_index INTEGER,            -- of its trial; -1 where no such trial is known
    warmup BOOLEAN,                -- its trial is warm-up
    ends_trial BOOLEAN DEFAULT true -- no later attempt of its trial is recorded
);

CREATE TABLE attempt (             -- one row an attempt with an outcome
    run_id VARCHAR,
    journal VARCHAR,
    attempt_id VARCHAR,
    trial_id VARCHAR,
    attempt_no INTEGER,
    endpoint VARCHAR,
    outcome VARCHAR,
    billing VARCHAR,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    http_status INTEGER,
    error_type VARCHAR,
    error_code VARCHAR,
    error_message VARCHAR,
    retry_after_s DOUBLE,
    queued_s DOUBLE,
    connect_s DOUBLE,
    first_byte_s DOUBLE,
    first_partial_s DOUBLE,
    service_s DOUBLE,
    total_s DOUBLE,
    lag_s DOUBLE,
    late_s DOUBLE,
    partials_s DOUBLE[],           -- to the whole event of each partial picture
    input_text_tokens BIGINT,
    cached_text_tokens BIGINT,
    input_image_tokens BIGINT,
    cached_image_tokens BIGINT,
    output_image_tokens BIGINT,
    output_text_tokens BIGINT,
    mainline_input_tokens BIGINT,
    mainline_cached_tokens BIGINT,
    mainline_cache_write_tokens BIGINT,
    mainline_output_tokens BIGINT,
    svg_input_tokens BIGINT,       -- of the author of an SVG; reasoning is in its output
    svg_output_tokens BIGINT,
    svg_reasoning_tokens BIGINT,
    usage_source VARCHAR,
    charge_usd DECIMAL(38,12),
    list_usd DECIMAL(38,12),
    possibly_billed_usd DECIMAL(38,12),
    flags VARCHAR[],
    simulated BOOLEAN,
    images INTEGER,
    bytes BIGINT,
    served_model VARCHAR,
    served_size VARCHAR,
    served_quality VARCHAR,
    served_format VARCHAR,
    served_svg_model VARCHAR,      -- the text model that wrote an SVG
    revised_prompt VARCHAR,
    request_id VARCHAR,
    response_id VARCHAR,
    pictures STRUCT(
        sha256 VARCHAR, n_bytes BIGINT, format VARCHAR, width_px INTEGER,
        height_px INTEGER, simulated BOOLEAN, problem VARCHAR
    )[],
    headers JSON,
    cell_index INTEGER,            -- as in open_intent
    warmup BOOLEAN,
    ends_trial BOOLEAN DEFAULT true
);

CREATE TABLE tally (               -- one row for attempts of a cell that ended alike
    run_id VARCHAR,
    cell_index INTEGER,
    day DATE,                      -- UTC, of their start; NULL for trials without one
    in_flight BOOLEAN,             -- as in recorded_attempt
    ends_trial BOOLEAN,
    outcome VARCHAR,
    billing VARCHAR,
    http_status INTEGER,
    error_code VARCHAR,
    usage_source VARCHAR,
    n_trials BIGINT,               -- that end here, or have no attempt
    attempts BIGINT,
    n_timed BIGINT,                -- with a service time, warm-up not among them
    images BIGINT,
    charge_usd DECIMAL(38,12),     -- sums of what is known, NULL where nothing is
    list_usd DECIMAL(38,12),
    possibly_billed_usd DECIMAL(38,12),
    reserved_usd DECIMAL(38,12),   -- bounds of those in flight
    wasted_usd DECIMAL(38,12),     -- charges of trials that gave no usable picture
    n_charge_unknown BIGINT,       -- trials with money that is not in charge_usd
    priced_usd DECIMAL(38,12),     -- charges of the other trials, and their images:
    priced_list_usd DECIMAL(38,12), -- what US$ an image is taken of, and at the
    priced_images BIGINT,          -- direct book's price
    first_at TIMESTAMP,            -- the earliest and the latest start
    last_at TIMESTAMP,
    input_text_tokens BIGINT,
    cached_text_tokens BIGINT,
    input_image_tokens BIGINT,
    cached_image_tokens BIGINT,
    output_image_tokens BIGINT,
    output_text_tokens BIGINT,
    mainline_input_tokens BIGINT,
    mainline_cached_tokens BIGINT,
    mainline_cache_write_tokens BIGINT,
    mainline_output_tokens BIGINT,
    svg_input_tokens BIGINT,
    svg_output_tokens BIGINT,
    svg_reasoning_tokens BIGINT
);

CREATE TABLE timing (              -- one row a cell with a trial that was ok
    run_id VARCHAR,
    cell_index INTEGER,
    service_s DOUBLE[]             -- of their last attempts, sorted, without warm-up
);

CREATE TABLE self_check (          -- one row a stretch of time that a process watched itself
    run_id VARCHAR,
    journal VARCHAR,
    ended_at TIMESTAMP,            -- when the stretch ended
    interval_s DOUBLE,             -- how long requests were under way in it
    n_probes BIGINT,               -- of the loop, one each 10 ms
    loop_lags BIGINT[][],          -- [bucket k, probes]: at most 5 ms x 2^(k/4) late
    loop_lag_max_s DOUBLE,
    cpu_s DOUBLE,                  -- processor time of the process, all its threads
    gc_n BIGINT,                   -- garbage collections
    gc_n_long BIGINT,              -- above 20 ms
    gc_pause_s DOUBLE,             -- all together
    gc_longest_s DOUBLE,
    in_flight_asked DOUBLE,        -- attempts under way, mean over time; NULL: not asked
    in_flight_mean DOUBLE,         -- of those, with the endpoint
    in_flight_max BIGINT
);

CREATE TABLE judged (              -- one row a run: self_check and attempts, judged
    run_id VARCHAR,
    client_limited BOOLEAN,        -- NULL where nobody knows
    reasons VARCHAR[],             -- why it is so, or why nobody knows
    remarks VARCHAR[],             -- what was busy, whether or not it did harm
    own_lag_p99_s DOUBLE,          -- what is held against the limit
    limit_s DOUBLE,                -- max(5 ms, 1 % of the median service time)
    loop_lag_p99_s DOUBLE,
    loop_lag_max_s DOUBLE,
    cpu_share DOUBLE,              -- of one core, while requests were under way
    gc_n_long BIGINT,
    gc_longest_s DOUBLE,
    in_flight_asked DOUBLE,        -- means over time
    in_flight_mean DOUBLE
);

CREATE TABLE certified (           -- one row an answer that an emulator stamped too
    run_id VARCHAR,
    journal VARCHAR,
    attempt_id VARCHAR,            -- instants: ns of the monotonic clock of one machine
    sent_ns BIGINT,                -- we had handed over the last byte of the request
    emulator_received_ns BIGINT,   -- it read that byte
    emulator_first_byte_ns BIGINT, -- it was about to hand over the answer's first
    emulator_sent_ns BIGINT,       -- the kernel had taken the answer's last
    emulator_first_partial_ns BIGINT -- and the first partial picture's last; NULL: none
);

CREATE TABLE certification (       -- one row a batch of those, or why there is none
    run_id VARCHAR,
    journal VARCHAR,
    endpoint VARCHAR,
    n_answers BIGINT,              -- of the endpoint in this journal, marked simulated
    why_not VARCHAR                -- NULL where they are compared
);

CREATE TABLE damage (              -- one row a record that can't be read
    run_id VARCHAR,
    journal VARCHAR,
    line_no BIGINT                 -- counted from 1
);

CREATE TABLE ingest_offset (       -- one row a file that was read
    run_id VARCHAR,
    file VARCHAR,                  -- plan.json or the name of a journal
    n_bytes BIGINT,                -- read so far, whole lines
    n_lines BIGINT,
    digest VARCHAR,                -- of the beginning and end of what was read
    size_bytes BIGINT,             -- of the file when it was last looked at
    modified_ns BIGINT             -- of the file when it was last looked at
);
