-- The views of the index. Instants are UTC without a zone, durations seconds on
-- the monotonic clock, money DECIMAL(38,12) US dollars, shares 0..1. NULL means
-- unknown or not applicable, never 0. Sums of money are exact: don't use avg().

-- Every recorded intent, settled or not. Columns as in v_attempt, and:
--   in_flight   the process that sent it still runs and may settle it
--   bound_usd   the most it can cost while nothing is known of it, else NULL
--   cell_index  its cell's place in the plan, -1 where its trial is not known
--   warmup      its trial is warm-up
--   ends_trial  no later attempt of its trial is recorded
CREATE VIEW recorded_attempt AS
SELECT * EXCLUDE (journal), false AS in_flight, NULL::DECIMAL(38,12) AS bound_usd
FROM attempt
UNION ALL BY NAME
SELECT
    o.run_id, o.trial_id, o.attempt_id, o.attempt_no, o.endpoint, o.started_at,
    CASE WHEN s.is_live THEN NULL ELSE 'lost' END AS outcome,
    CASE WHEN s.is_live THEN NULL ELSE 'possibly_billed' END AS billing,
    CASE WHEN s.is_live THEN NULL ELSE 'absent' END AS usage_source,
    CASE WHEN s.is_live THEN NULL ELSE o.bound_usd END AS possibly_billed_usd,
    -- Of a run by jobs it is in a job that nobody has collected.
    CASE WHEN r.load = 'batch' AND NOT coalesce(s.is_live, false) THEN 'in_job' END
        AS error_code,
    CASE WHEN r.load = 'batch' AND NOT coalesce(s.is_live, false)
        THEN 'it waits in a job; `pixelmeter resume ' || o.run_id || '` collects it' END
        AS error_message,
    coalesce(s.is_live, false) AS in_flight,
    o.bound_usd, o.cell_index, o.warmup, o.ends_trial
FROM open_intent AS o
LEFT JOIN run AS r ON r.run_id = o.run_id
LEFT JOIN session AS s ON s.run_id = o.run_id AND s.journal = o.journal;

-- One attempt: a request that was made or meant, and its end. An intent whose
-- process is gone is `lost` and possibly billed at its bound; one whose process
-- still runs is not here. One that waits in a job of the Batch API is lost, too, with
-- the error code `in_job`, until its job is collected.
--   run_id, trial_id, attempt_id
--   attempt_no           from 1 within its trial
--   endpoint             name in the endpoints file
--   outcome              ok, refused, rate_limited, timed_out, server_error,
--                        client_error, unusable, cancelled, lost
--   billing              not_sent, unbilled, possibly_billed, billed_unusable, billed
--   http_status, error_type, error_code, error_message   as answered
--   retry_after_s        seconds that the answer asks to wait
--   queued_s .. late_s   as in v_trial, of this attempt
--   partials_s           request sent to the whole event of each partial picture
--   *_tokens             as in v_trial
--   usage_source         reported, estimated, absent
--   charge_usd           at the prices frozen in the plan, NULL when unknown
--   list_usd             the same usage at the direct book's price
--   possibly_billed_usd  upper bound of what may have been billed unknown to us
--   flags                remarks of the charge, a list of words
--   simulated            this answer carried the emulator's mark
--   images, bytes        usable pictures, bytes of all pictures
--   served_*             what the answer says was served
--   revised_prompt, request_id, response_id
--   pictures             a list of {sha256, n_bytes, format, width_px, height_px,
--                        simulated, problem}
--   headers              kept headers of the answer, JSON
--   started_at, ended_at wall clock, UTC; started_at of a lost one: its intent
CREATE VIEW v_attempt AS
SELECT * EXCLUDE (in_flight, bound_usd, cell_index, warmup, ends_trial)
FROM recorded_attempt WHERE NOT in_flight;

-- One planned measurement, sent or not. What is not said otherwise belongs to
-- the last attempt.
--   run_id, suite, trial_id, prompt_id
--   conversation, turn   of a prompt that is a turn of one, from 1; else NULL
--   n_inputs             pictures that go with the prompt, without a mask
--   cell_index           its cell's place in the plan
--   variant              digest of everything that is asked but the endpoint
--   category             of the prompt
--   api, operation, model, mainline_model
--   quality, size, output_format, background
--                        as sent, NULL when not sent
--   n, stream, partial_images
--                        as sent, else what the API takes then: 1, false, 0
--   endpoint, route      name; direct or gateway
--   simulated            one marked attempt marks its endpoint for the whole run
--   repeat               from 1
--   block, position      place in the order, from 0
--   warmup               charged and counted, but in no figure of latency
--   bucket               done, failed, possibly_billed, not_sent, in_flight
--   outcome, billing     of the last attempt; NULL without one, or in flight
--   in_job               it waits in a job of the Batch API that is not collected
--   attempts             how many were recorded
--   queued_s             scheduled to start of the request
--   connect_s            TCP and TLS set-up, 0 on a kept connection
--   first_byte_s         request sent to first byte of the answer
--   first_partial_s      request sent to the whole event of the first partial picture
--   service_s            request sent to last byte
--   total_s              scheduled to last byte, waits and retries in
--   lag_s                the last byte lay in the kernel before we read it
--   late_s               sent so much after it was due, by our own fault
--   partials             partial pictures that came; NULL where nothing is recorded
--   input_text_tokens, cached_text_tokens, input_image_tokens,
--   cached_image_tokens, output_image_tokens, output_text_tokens
--                        input totals include their cached part
--   mainline_input_tokens, mainline_cached_tokens, mainline_cache_write_tokens,
--   mainline_output_tokens
--                        of the text model that drives the Responses tool; its
--                        input includes what was cached and written
--   usage_source         reported, estimated, absent
--   charge_usd           of all its attempts; NULL when nothing is known
--   list_usd             the same, at the direct book's price
--   possibly_billed_usd  of all its attempts; NULL without one
--   charge_unknown       some attempt was or may have been billed at an unknown price
--   from_cache           answered without a request
--   usable               ok; NULL when nobody knows, pictures were not opened, or
--                        nothing was sent
--   images, bytes, served_*, revised_prompt, request_id, started_at, pictures
--   response_id          what the Responses API calls the answer
CREATE VIEW v_trial AS
WITH earlier AS (
    SELECT
        run_id, trial_id,
        count(*) AS attempts,
        sum(charge_usd) AS charge_usd,
        sum(list_usd) AS list_usd,
        sum(possibly_billed_usd) AS possibly_billed_usd,
        bool_or(
            NOT in_flight AND charge_usd IS NULL AND billing NOT IN ('not_sent', 'unbilled')
        ) AS charge_unknown
    FROM recorded_attempt
    WHERE NOT ends_trial
    GROUP BY run_id, trial_id
)
SELECT
    t.run_id, r.suite, t.trial_id, p.prompt_id, p.conversation, p.turn,
    coalesce(p.n_inputs, 0) AS n_inputs, t.cell_index, c.variant, p.category,
    c.api, c.operation, c.model, c.mainline_model, c.quality, c.size,
    c.output_format, c.background, coalesce(c.n, 1) AS n,
    coalesce(c.stream, false) AS stream,
    coalesce(c.partial_images, 0) AS partial_images,
    c.endpoint, e.route, e.simulated, t.repeat, t.block, t.position,
    coalesce(t.warmup, false) AS warmup,
    CASE
        WHEN a.in_flight THEN 'in_flight'
        WHEN a.billing IS NULL OR a.billing = 'not_sent' THEN 'not_sent'
        WHEN a.outcome IN ('ok', 'refused') THEN 'done'
        WHEN a.billing = 'possibly_billed' THEN 'possibly_billed'
        ELSE 'failed'
    END AS bucket,
    a.outcome, a.billing,
    coalesce(a.outcome = 'lost' AND a.error_code = 'in_job', false) AS in_job,
    ((a.attempt_id IS NOT NULL)::INTEGER + coalesce(s.attempts, 0))::INTEGER AS attempts,
    a.queued_s, a.connect_s, a.first_byte_s, a.first_partial_s, a.service_s, a.total_s,
    a.lag_s, a.late_s, len(a.partials_s)::INTEGER AS partials,
    a.input_text_tokens, a.cached_text_tokens, a.input_image_tokens,
    a.cached_image_tokens, a.output_image_tokens, a.output_text_tokens,
    a.mainline_input_tokens, a.mainline_cached_tokens,
    a.mainline_cache_write_tokens, a.mainline_output_tokens,
    a.usage_source,
    (coalesce(a.charge_usd + s.charge_usd, a.charge_usd, s.charge_usd))::DECIMAL(38,12)
        AS charge_usd,
    (coalesce(a.list_usd + s.list_usd, a.list_usd, s.list_usd))::DECIMAL(38,12)
        AS list_usd,
    (coalesce(
        a.possibly_billed_usd + s.possibly_billed_usd,
        a.possibly_billed_usd, s.possibly_billed_usd
    ))::DECIMAL(38,12) AS possibly_billed_usd,
    coalesce(s.charge_unknown, false) OR coalesce(
        NOT a.in_flight AND a.charge_usd IS NULL
            AND a.billing NOT IN ('not_sent', 'unbilled'),
        false
    ) AS charge_unknown,
    false AS from_cache,
    CASE
        WHEN a.billing IS NULL OR a.billing = 'not_sent' THEN NULL
        WHEN list_contains(a.flags, 'pictures_not_opened') THEN NULL
        WHEN a.outcome = 'ok' THEN true
        WHEN a.outcome IN ('timed_out', 'cancelled', 'lost') THEN NULL
        ELSE false
    END AS usable,
    a.images, a.bytes, a.served_model, a.served_size, a.served_quality,
    a.served_format, a.revised_prompt, a.request_id, a.response_id, a.started_at,
    a.pictures
FROM trial AS t
JOIN run AS r ON r.run_id = t.run_id
JOIN prompt AS p ON p.run_id = t.run_id AND p.prompt_index = t.prompt_index
JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
JOIN endpoint AS e ON e.run_id = c.run_id AND e.endpoint = c.endpoint
LEFT JOIN recorded_attempt AS a
    ON a.run_id = t.run_id AND a.trial_id = t.trial_id AND a.ends_trial
LEFT JOIN earlier AS s ON s.run_id = t.run_id AND s.trial_id = t.trial_id;

-- Dollars over a count, to 12 decimals, half-even. DuckDB divides decimals as
-- floats, which moves ties; whole numbers of 10^-12 dollars keep every digit.
CREATE MACRO usd_e12(usd) AS replace(usd::DECIMAL(38,12)::VARCHAR, '.', '')::HUGEINT;
CREATE MACRO half_even(part, n) AS part // n + CASE
    WHEN 2 * (part % n) > n OR (2 * (part % n) = n AND part // n % 2 = 1) THEN 1 ELSE 0
END;
CREATE MACRO e12_usd(e12) AS (
    (e12 // 1000000000000)::DECIMAL(26,0)
    + (e12 % 1000000000000)::DECIMAL(13,0) * 0.000000000001::DECIMAL(13,12)
)::DECIMAL(38,12);
CREATE MACRO usd_each(usd, n) AS e12_usd(half_even(usd_e12(usd), nullif(n, 0)::HUGEINT));

-- One variant at one endpoint in one run.
--   run_id, suite, cell_index, variant, endpoint, route, simulated, and what is asked
--   n_trials             planned
--   n_done .. n_in_flight by bucket
--   n_settled            done, failed or possibly billed, and in no job any more: what
--                        shares are taken of
--   n_ok, n_refused      last outcome
--   ok_share             n_ok / n_settled
--   n_warmup             trials that are warm-up
--   n_timed              ok trials that were really sent, warm-up not among them:
--                        what times are taken of
--   p50_s, p95_s, max_s  service_s of those; p95 says little below n_timed = 72
--   total_p50_s, total_p95_s   total_s of those: from schedule where there is one
--   attempts, images     images: of ok trials
--   charge_usd, list_usd, possibly_billed_usd   of all attempts
--   n_charge_unknown     trials with money that is not in charge_usd
--   usd_per_image        charges over images of ok trials, to 12 decimals; trials
--                        with money that is not in charge_usd are in neither
--   list_usd_per_image   the same trials at the direct book's price
--   priced_images        images that both are taken of
CREATE VIEW v_cell AS
SELECT
    run_id, any_value(suite) AS suite, cell_index, any_value(variant) AS variant,
    any_value(endpoint) AS endpoint, any_value(route) AS route,
    bool_or(simulated) AS simulated,
    any_value(api) AS api, any_value(operation) AS operation,
    any_value(model) AS model, any_value(mainline_model) AS mainline_model,
    any_value(quality) AS quality, any_value(size) AS size,
    any_value(output_format) AS output_format, any_value(background) AS background,
    any_value(n) AS n, any_value(stream) AS stream,
    any_value(partial_images) AS partial_images,
    count(*) AS n_trials,
    count(*) FILTER (WHERE bucket = 'done') AS n_done,
    count(*) FILTER (WHERE bucket = 'failed') AS n_failed,
    count(*) FILTER (WHERE bucket = 'possibly_billed') AS n_possibly_billed,
    count(*) FILTER (WHERE bucket = 'not_sent') AS n_not_sent,
    count(*) FILTER (WHERE bucket = 'in_flight') AS n_in_flight,
    count(*) FILTER (WHERE bucket NOT IN ('not_sent', 'in_flight') AND NOT in_job)
        AS n_settled,
    count(*) FILTER (WHERE outcome = 'ok') AS n_ok,
    count(*) FILTER (WHERE outcome = 'refused') AS n_refused,
    n_ok / nullif(n_settled, 0) AS ok_share,
    count(*) FILTER (WHERE warmup) AS n_warmup,
    count(service_s) FILTER (WHERE is_timed) AS n_timed,
    quantile_cont(service_s, 0.5) FILTER (WHERE is_timed) AS p50_s,
    quantile_cont(service_s, 0.95) FILTER (WHERE is_timed) AS p95_s,
    max(service_s) FILTER (WHERE is_timed) AS max_s,
    quantile_cont(total_s, 0.5) FILTER (WHERE is_timed) AS total_p50_s,
    quantile_cont(total_s, 0.95) FILTER (WHERE is_timed) AS total_p95_s,
    sum(attempts)::BIGINT AS attempts,
    coalesce(sum(images) FILTER (WHERE outcome = 'ok'), 0)::BIGINT AS images,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(list_usd)::DECIMAL(38,12) AS list_usd,
    sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    count(*) FILTER (WHERE charge_unknown) AS n_charge_unknown,
    coalesce(
        sum(images) FILTER (WHERE outcome = 'ok' AND NOT charge_unknown), 0
    )::BIGINT AS priced_images,
    usd_each(sum(charge_usd) FILTER (WHERE NOT charge_unknown), priced_images)
        AS usd_per_image,
    usd_each(sum(list_usd) FILTER (WHERE NOT charge_unknown), priced_images)
        AS list_usd_per_image
FROM (
    -- What a job of the Batch API answered has no service time, and no latency.
    SELECT *, outcome = 'ok' AND NOT from_cache AND NOT warmup
        AND service_s IS NOT NULL AS is_timed
    FROM v_trial
)
GROUP BY run_id, cell_index;

-- One conversation at a cell, for the repeat-th time: its turns follow one another.
--   run_id, suite, cell_index, variant, endpoint, route, simulated
--   conversation, repeat
--   model, mainline_model
--   n_turns              planned
--   n_ok                 turns whose last attempt was ok
--   charge_usd, list_usd, possibly_billed_usd   of all attempts of all turns
--   n_charge_unknown     turns with money that is not in charge_usd
--   service_s            of all turns together; NULL unless each one has it
--   total_s              the same of total_s: what the harness did between two
--                        turns is not in it
CREATE VIEW v_conversation AS
SELECT
    run_id, any_value(suite) AS suite, cell_index, any_value(variant) AS variant,
    any_value(endpoint) AS endpoint, any_value(route) AS route,
    bool_or(simulated) AS simulated, conversation, repeat,
    any_value(model) AS model, any_value(mainline_model) AS mainline_model,
    count(*) AS n_turns,
    count(*) FILTER (WHERE outcome = 'ok') AS n_ok,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(list_usd)::DECIMAL(38,12) AS list_usd,
    sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    count(*) FILTER (WHERE charge_unknown) AS n_charge_unknown,
    CASE WHEN count(service_s) = count(*) THEN sum(service_s ORDER BY turn) END
        AS service_s,
    CASE WHEN count(total_s) = count(*) THEN sum(total_s ORDER BY turn) END AS total_s
FROM v_trial
WHERE conversation IS NOT NULL
GROUP BY run_id, cell_index, conversation, repeat;

-- Direct against gateway: same run, prompt, variant and repeat. With several
-- endpoints of one route, every direct one stands against every gateway.
--   run_id, suite, prompt_id, variant, repeat, and what is asked
--   direct_*, gateway_*  of the two trials: endpoint, trial_id, outcome,
--                        service_s and total_s (NULL unless ok and really sent, and
--                        for warm-up),
--                        charge_usd, images
--   service_ratio        gateway_service_s / direct_service_s
--   charge_difference_usd gateway_charge_usd - direct_charge_usd
--   simulated            either of the two endpoints is
CREATE VIEW v_pair AS
WITH timed AS (
    SELECT
        * REPLACE (
            CASE WHEN outcome = 'ok' AND NOT from_cache AND NOT warmup THEN service_s END
                AS service_s,
            CASE WHEN outcome = 'ok' AND NOT from_cache AND NOT warmup
                AND service_s IS NOT NULL THEN total_s END AS total_s
        )
    FROM v_trial
)
SELECT
    d.run_id, d.suite, d.prompt_id, d.variant, d.repeat,
    d.api, d.operation, d.model, d.mainline_model, d.quality, d.size,
    d.output_format, d.background, d.n, d.stream, d.partial_images,
    d.endpoint AS direct_endpoint, g.endpoint AS gateway_endpoint,
    d.trial_id AS direct_trial_id, g.trial_id AS gateway_trial_id,
    d.outcome AS direct_outcome, g.outcome AS gateway_outcome,
    d.service_s AS direct_service_s, g.service_s AS gateway_service_s,
    g.service_s / nullif(d.service_s, 0) AS service_ratio,
    d.total_s AS direct_total_s, g.total_s AS gateway_total_s,
    d.charge_usd AS direct_charge_usd, g.charge_usd AS gateway_charge_usd,
    (g.charge_usd - d.charge_usd)::DECIMAL(38,12) AS charge_difference_usd,
    d.images AS direct_images, g.images AS gateway_images,
    d.simulated OR g.simulated AS simulated
FROM timed AS d
JOIN timed AS g
    ON g.run_id = d.run_id AND g.prompt_id = d.prompt_id
    AND g.variant = d.variant AND g.repeat = d.repeat
WHERE d.route = 'direct' AND g.route = 'gateway';

-- Spend by UTC day (of each attempt's start), run, endpoint and model.
--   day, run_id, suite, endpoint, route, simulated, model
--   attempts, images
--   charge_usd, list_usd, possibly_billed_usd
--   n_charge_unknown     attempts with money that is not in charge_usd
CREATE VIEW v_spend_daily AS
SELECT
    a.started_at::DATE AS day, a.run_id, any_value(r.suite) AS suite, a.endpoint,
    any_value(e.route) AS route, bool_or(e.simulated) AS simulated, c.model,
    count(*) AS attempts,
    coalesce(sum(a.images) FILTER (WHERE a.outcome = 'ok'), 0)::BIGINT AS images,
    sum(a.charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(a.list_usd)::DECIMAL(38,12) AS list_usd,
    sum(a.possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    count(*) FILTER (
        WHERE a.charge_usd IS NULL AND a.billing NOT IN ('not_sent', 'unbilled')
    ) AS n_charge_unknown
FROM v_attempt AS a
JOIN run AS r ON r.run_id = a.run_id
LEFT JOIN trial AS t ON t.run_id = a.run_id AND t.trial_id = a.trial_id
LEFT JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
LEFT JOIN endpoint AS e ON e.run_id = a.run_id AND e.endpoint = a.endpoint
GROUP BY day, a.run_id, a.endpoint, c.model;

-- Whether a run measured its own client: the rule stands in docs/method.md.
--   run_id
--   client_limited       NULL where nobody knows, which is never "fine"
--   reasons, remarks     sentences: why it is so; what was busy
--   own_lag_p99_s        lag_s of ok answers, and the loop's where that is not known
--                        of all, the larger one; held against limit_s
--   loop_lag_p99_s       a 10 ms timer's lateness; the upper edge of its bucket
--   cpu_share            of one core, all threads of the process
--   gc_n_long, gc_longest_s   garbage collections above 20 ms
--   in_flight_asked      attempts that nothing but this program held back, mean
--   in_flight_mean       of those, with the endpoint
CREATE VIEW v_self_check AS SELECT * FROM judged;

-- Our times of an answer against the stamps of the emulator that gave it.
--   run_id, attempt_id, endpoint, outcome
--   first_byte_error_s, first_partial_error_s, service_error_s
--                        ours less the emulator's, signed; NULL where one has none
-- The emulator's begin is the earlier of two: when it read the request's last byte,
-- and when we say that we had sent it.
CREATE VIEW v_certified AS
SELECT
    c.run_id, c.attempt_id, a.endpoint, a.outcome,
    a.first_byte_s - (c.emulator_first_byte_ns - begun_ns) / 1e9 AS first_byte_error_s,
    a.first_partial_s - (c.emulator_first_partial_ns - begun_ns) / 1e9
        AS first_partial_error_s,
    a.service_s - (c.emulator_sent_ns - begun_ns) / 1e9 AS service_error_s
FROM (
    SELECT DISTINCT
        * EXCLUDE (journal), least(sent_ns, emulator_received_ns) AS begun_ns
    FROM certified
) AS c
JOIN attempt AS a ON a.run_id = c.run_id AND a.attempt_id = c.attempt_id;

-- One run and how it stands.
--   run_id, kind, created_at, suite, seed, tags, note, max_cost_usd
--   load, find_rate      how requests began, and what rate was sought
--   state, stopped_by    state: finished, stopped, interrupted, running
--   simulated            some endpoint is
--   endpoints            names, in alphabetical order
--   n_trials .. n_in_flight by bucket
--   attempts             recorded, in flight or not
--   charge_usd, list_usd, possibly_billed_usd   of all attempts
--   reserved_usd         bounds of attempts in flight
--   n_damaged            records that can't be read
--   client_limited, client_limited_reasons, client_limited_remarks
--                        as in v_self_check
CREATE VIEW v_run AS
WITH latest AS (
    SELECT * FROM session
    QUALIFY row_number() OVER (
        PARTITION BY run_id ORDER BY started_at DESC, journal DESC
    ) = 1
), tallied AS (
    SELECT
        *,
        CASE
            WHEN cell_index < 0 THEN NULL
            WHEN in_flight THEN 'in_flight'
            WHEN billing IS NULL OR billing = 'not_sent' THEN 'not_sent'
            WHEN outcome IN ('ok', 'refused') THEN 'done'
            WHEN billing = 'possibly_billed' THEN 'possibly_billed'
            ELSE 'failed'
        END AS bucket
    FROM tally
), sums AS (
    SELECT
        run_id,
        sum(n_trials) FILTER (WHERE bucket IS NOT NULL)::BIGINT AS n_trials,
        sum(n_trials) FILTER (WHERE bucket = 'done')::BIGINT AS n_done,
        sum(n_trials) FILTER (WHERE bucket = 'failed')::BIGINT AS n_failed,
        sum(n_trials) FILTER (WHERE bucket = 'possibly_billed')::BIGINT
            AS n_possibly_billed,
        sum(n_trials) FILTER (WHERE bucket = 'not_sent')::BIGINT AS n_not_sent,
        sum(n_trials) FILTER (WHERE bucket = 'in_flight')::BIGINT AS n_in_flight,
        sum(attempts)::BIGINT AS attempts,
        sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
        sum(list_usd)::DECIMAL(38,12) AS list_usd,
        sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
        sum(reserved_usd)::DECIMAL(38,12) AS reserved_usd
    FROM tallied GROUP BY run_id
), places AS (
    SELECT run_id, bool_or(simulated) AS simulated, list(endpoint ORDER BY endpoint) AS endpoints
    FROM endpoint GROUP BY run_id
), damaged AS (
    SELECT run_id, count(*) AS n_damaged FROM damage GROUP BY run_id
)
SELECT
    r.run_id, r.kind, r.created_at, r.suite, r.seed, r.tags, r.note, r.max_cost_usd,
    r.load, r.find_rate,
    CASE
        WHEN s.ended_at IS NOT NULL THEN s.state
        WHEN r.is_alive THEN 'running'
        ELSE 'interrupted'
    END AS state,
    CASE WHEN s.ended_at IS NOT NULL THEN s.stopped_by END AS stopped_by,
    coalesce(p.simulated, false) AS simulated, p.endpoints,
    coalesce(m.n_trials, 0) AS n_trials, coalesce(m.n_done, 0) AS n_done,
    coalesce(m.n_failed, 0) AS n_failed,
    coalesce(m.n_possibly_billed, 0) AS n_possibly_billed,
    coalesce(m.n_not_sent, 0) AS n_not_sent, coalesce(m.n_in_flight, 0) AS n_in_flight,
    coalesce(m.attempts, 0) AS attempts,
    m.charge_usd, m.list_usd, m.possibly_billed_usd, m.reserved_usd,
    coalesce(d.n_damaged, 0) AS n_damaged,
    k.client_limited,
    coalesce(k.reasons, []) AS client_limited_reasons,
    coalesce(k.remarks, []) AS client_limited_remarks
FROM run AS r
LEFT JOIN judged AS k ON k.run_id = r.run_id
LEFT JOIN latest AS s ON s.run_id = r.run_id
LEFT JOIN sums AS m ON m.run_id = r.run_id
LEFT JOIN places AS p ON p.run_id = r.run_id
LEFT JOIN damaged AS d ON d.run_id = r.run_id;
