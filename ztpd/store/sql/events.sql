-- Evidence, events and their deliveries: what happened, and whom it still has to reach.

-- name: add_evidence(service, job, visit, kind, body, author, captured_at, now)!
INSERT INTO evidence (service, job, visit, kind, body, author, captured_at, received_at)
VALUES (:service, :job, :visit, :kind, :body, :author, :captured_at, :now);

-- name: evidence_of_job(job)
SELECT * FROM evidence WHERE job = :job ORDER BY id;

-- name: last_evidence(job, kind)^
SELECT * FROM evidence WHERE job = :job AND kind = :kind ORDER BY id DESC LIMIT 1;

-- name: add_event(event_id, type, service, job, data, now)!
-- The next event of a service; its sequence follows the last one committed or written before in this transaction.
INSERT INTO event (event_id, type, service, sequence, job, data, at)
VALUES (:event_id, :type, :service,
    (SELECT COALESCE(MAX(sequence), 0) + 1 FROM event WHERE service = :service), :job, :data, :now);

-- name: events_after(after, limit)
SELECT * FROM event WHERE id > :after ORDER BY id LIMIT :limit;

-- name: events_of_job(job)
SELECT * FROM event WHERE service = (SELECT service FROM job WHERE id = :job) AND job = :job ORDER BY id;

-- name: add_deliveries*!
-- Of the event that was written last for the service, which is the one before this statement.
-- Only the first in line of its service at an endpoint is due; this alone keeps the order, and however long the line
-- is, a claim reads none of it.
INSERT INTO delivery (event, endpoint, service, state, attempts, due_at, created_at)
VALUES ((SELECT id FROM event WHERE service = :service ORDER BY sequence DESC LIMIT 1),
    :endpoint, :service, 'pending', 0,
    CASE WHEN EXISTS (
        SELECT 1 FROM delivery p WHERE p.endpoint = :endpoint AND p.service = :service AND p.state = 'pending')
    THEN NULL ELSE :now END, :now);

-- name: claim_deliveries(owner, lease_until, endpoint, now, limit)
-- Due, so first in line for its service at this endpoint, and nobody is at it.
UPDATE delivery SET owner = :owner, lease_until = :lease_until
WHERE id IN (
    SELECT id FROM delivery
    WHERE endpoint = :endpoint AND state = 'pending' AND due_at <= :now
      AND (lease_until IS NULL OR lease_until <= :now)
    ORDER BY due_at, id LIMIT :limit)
RETURNING id, event, attempts;

-- name: next_in_line(endpoint, service, now)!
-- The delivery before it is settled: the next of its service is due.
UPDATE delivery SET due_at = :now
WHERE id = (SELECT MIN(id) FROM delivery WHERE endpoint = :endpoint AND service = :service AND state = 'pending');

-- name: get_delivery(id)^
SELECT id, event, endpoint, service, state, attempts FROM delivery WHERE id = :id;

-- name: get_event(id)^
SELECT * FROM event WHERE id = :id;

-- name: release_delivery_claims(now, owner)!
UPDATE delivery SET lease_until = :now WHERE owner = :owner AND state = 'pending' AND lease_until > :now;

-- name: add_delivery_attempt(delivery, number, at, status, latency_ms, error, answer, verdict)!
INSERT INTO delivery_attempt (delivery, number, at, status, latency_ms, error, answer, verdict)
VALUES (:delivery, :number, :at, :status, :latency_ms, :error, :answer, :verdict)
ON CONFLICT (delivery, number) DO NOTHING;

-- name: settle_delivery(state, attempts, due_at, done_at, id)^
-- What is settled stays settled: a holder that lost its lease may report after the one that followed it.
UPDATE delivery SET state = :state, attempts = :attempts, due_at = :due_at, owner = NULL, lease_until = NULL,
    done_at = :done_at
WHERE id = :id AND state = 'pending' AND attempts <= :attempts
RETURNING service;

-- name: attempts_of_job(job)
SELECT a.*, d.endpoint, e.event_id, e.type FROM delivery_attempt a
JOIN delivery d ON d.id = a.delivery JOIN event e ON e.id = d.event
WHERE e.service = (SELECT service FROM job WHERE id = :job) AND e.job = :job ORDER BY a.at, a.delivery, a.number;

-- name: list_deliveries(after, endpoint, state, limit)
SELECT d.*, e.event_id, e.type FROM delivery d JOIN event e ON e.id = d.event
WHERE d.id > :after AND (CAST(:endpoint AS TEXT) IS NULL OR d.endpoint = :endpoint)
  AND (CAST(:state AS TEXT) IS NULL OR d.state = :state)
ORDER BY d.id LIMIT :limit;

-- name: attempts_of_delivery(delivery)
SELECT * FROM delivery_attempt WHERE delivery = :delivery ORDER BY number;

-- name: count_deliveries()
SELECT endpoint, state, COUNT(*) AS deliveries FROM delivery GROUP BY endpoint, state;

-- name: disable_endpoint(name, now, reason)!
INSERT INTO endpoint (name, disabled_at, reason) VALUES (:name, :now, :reason)
ON CONFLICT (name) DO UPDATE SET disabled_at = excluded.disabled_at, reason = excluded.reason;

-- name: disabled_endpoints()
SELECT name, disabled_at, reason FROM endpoint WHERE disabled_at IS NOT NULL ORDER BY name;
