-- Elements that another tool configures: what was decided for them, what became of it, what was taken over.

-- name: undecided_jobs(element, limit)
-- Due, and not decided on since they came to this state.
SELECT j.* FROM job j JOIN location l ON l.id = j.location
WHERE l.element = :element AND j.state = 'discovered'
  AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.job = j.id AND d.job_since = j.updated_at)
ORDER BY j.due_at, j.id LIMIT :limit;

-- name: add_decision(element, job, job_since, kind, service, device, wanted, changes, refusal, verdict, now)^
INSERT INTO decision (element, job, job_since, kind, service, device, wanted, changes, refusal, decided_at, verdict,
    differences, unread, verdict_since)
VALUES (:element, :job, :job_since, :kind, :service, :device, :wanted, :changes, :refusal, :now, :verdict,
    '[]', '[]', :now)
ON CONFLICT (job, job_since) DO NOTHING
RETURNING id;

-- name: close_decisions(element, now)!
-- Their jobs went on: nothing more is to be seen of them.
UPDATE decision SET closed_at = :now
WHERE element = :element AND closed_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM job j WHERE j.id = decision.job AND j.state = 'discovered' AND j.updated_at = decision.job_since);

-- name: open_decisions(element, after, limit)
SELECT * FROM decision WHERE element = :element AND closed_at IS NULL AND id > :after ORDER BY id LIMIT :limit;

-- name: judge_decision(verdict, differences, unread, now, id)^
-- Only what is news; who has judged so before answers nothing.
UPDATE decision SET verdict = :verdict, differences = :differences, unread = :unread,
    verdict_since = CASE WHEN verdict = :verdict THEN verdict_since ELSE :now END
WHERE id = :id AND (verdict <> :verdict OR differences <> :differences OR unread <> :unread)
RETURNING id;

-- name: add_verdict(decision, verdict, differences, unread, now)!
INSERT INTO decision_verdict (decision, number, verdict, differences, unread, at)
VALUES (:decision, (SELECT COUNT(*) + 1 FROM decision_verdict WHERE decision = :decision),
    :verdict, :differences, :unread, :now);

-- name: list_decisions(element, after, verdict, limit)
SELECT * FROM decision
WHERE element = :element AND id > :after AND (CAST(:verdict AS TEXT) IS NULL OR verdict = :verdict)
ORDER BY id LIMIT :limit;

-- name: verdicts_of_decision(decision)
SELECT verdict, differences, unread, at FROM decision_verdict WHERE decision = :decision ORDER BY number;

-- name: count_decisions()
-- The last decision on each job.
SELECT element, verdict, COUNT(*) AS decisions FROM decision d
WHERE NOT EXISTS (SELECT 1 FROM decision l WHERE l.job = d.job AND l.id > d.id)
GROUP BY element, verdict;

-- name: add_adopted(element, device, service, now)!
INSERT INTO adopted (element, device, service, adopted_at) VALUES (:element, :device, :service, :now)
ON CONFLICT (element, device) DO UPDATE SET service = excluded.service;

-- name: list_adopted()
SELECT element, device, service FROM adopted ORDER BY element, device;

-- name: adopted_by(element, device)^
SELECT service FROM adopted WHERE element = :element AND device = :device;

-- name: adopted_of_service(service)
SELECT element, device FROM adopted WHERE service = :service ORDER BY element, device;

-- name: open_jobs_of_service(service)
SELECT * FROM job WHERE service = :service AND state NOT IN ('completed', 'cancelled') ORDER BY id;
