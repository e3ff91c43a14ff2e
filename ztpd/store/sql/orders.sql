-- Locations, services, jobs, their allocations and visits.
-- Parameters are named; every statement runs on SQLite and on PostgreSQL as it stands.

-- name: get_location(id)^
SELECT id, body, technology, element, port, circuit_id, updated_at FROM location WHERE id = :id;

-- name: put_location(id, body, technology, element, port, circuit_id, now)!
INSERT INTO location (id, body, technology, element, port, circuit_id, updated_at)
VALUES (:id, :body, :technology, :element, :port, :circuit_id, :now)
ON CONFLICT (id) DO UPDATE SET body = excluded.body, technology = excluded.technology, element = excluded.element,
    port = excluded.port, circuit_id = excluded.circuit_id, updated_at = excluded.updated_at;

-- name: place_of_circuit_id(circuit_id)^
-- The port that a relay's circuit-id stands for (its raw bytes as hex), and the location where it stands for one only;
-- no row where the locations that bear it lie on different ports.
SELECT MIN(element) AS element, MIN(port) AS port, CASE WHEN COUNT(*) = 1 THEN MIN(id) END AS location FROM location
WHERE circuit_id = :circuit_id GROUP BY circuit_id
HAVING COUNT(element) = COUNT(*) AND MIN(element) = MAX(element) AND MIN(port) = MAX(port);

-- name: list_locations(after, circuit_id, element, port, limit)
SELECT id, body, updated_at FROM location
WHERE id > :after AND (CAST(:circuit_id AS TEXT) IS NULL OR circuit_id = :circuit_id)
  AND (CAST(:element AS TEXT) IS NULL OR element = :element) AND (CAST(:port AS TEXT) IS NULL OR port = :port)
ORDER BY id LIMIT :limit;

-- name: port_holder(element, port, service)^
-- Another service that holds a port which serves one service only: one that is in use, or was ordered earlier.
SELECT s.id AS service FROM location l JOIN service s ON s.location = l.id
JOIN service me ON me.id = :service
WHERE l.element = :element AND l.port = :port AND l.technology = 'ethernet' AND s.id <> me.id
  AND (s.state IN ('active', 'suspended') OR s.state = 'reserved' AND (s.created_at, s.id) < (me.created_at, me.id))
ORDER BY s.id LIMIT 1;

-- name: has_location(element, port)^
SELECT id FROM location WHERE element = :element AND port = :port LIMIT 1;

-- name: get_service(id)^
SELECT id, account, location, profile, state, confirmed_at, activated_at, created_at, updated_at
FROM service WHERE id = :id;

-- name: standing_of_service(id)^
-- The order that made the service what it is; it may hold secrets and is never shown.
SELECT standing FROM service WHERE id = :id;

-- name: list_services(after, state, limit)
SELECT id, account, location, profile, state, confirmed_at, activated_at, created_at, updated_at FROM service
WHERE id > :after AND (CAST(:state AS TEXT) IS NULL OR state = :state) ORDER BY id LIMIT :limit;

-- name: add_service(id, account, location, profile, state, now)!
INSERT INTO service (id, account, location, profile, state, created_at, updated_at)
VALUES (:id, :account, :location, :profile, :state, :now, :now);

-- name: move_service(state, location, profile, standing, confirmed_at, activated_at, now, id)!
UPDATE service SET state = :state, location = :location, profile = :profile, standing = COALESCE(:standing, standing),
    confirmed_at = COALESCE(:confirmed_at, confirmed_at),
    activated_at = COALESCE(:activated_at, activated_at), updated_at = :now
WHERE id = :id;

-- name: get_job(id)^
SELECT * FROM job WHERE id = :id;

-- name: list_jobs(after, state, service, limit)
SELECT * FROM job
WHERE id > :after AND (CAST(:state AS TEXT) IS NULL OR state = :state)
  AND (CAST(:service AS TEXT) IS NULL OR service = :service)
ORDER BY id LIMIT :limit;

-- name: count_jobs()
SELECT state, COUNT(*) AS jobs FROM job GROUP BY state;

-- name: add_job(id, service, location, profile, ordered, body, state, urgency, now)!
INSERT INTO job (id, service, location, profile, ordered, body, state, urgency, failures, visit, attempt, created_at,
    updated_at)
VALUES (:id, :service, :location, :profile, :ordered, :body, :state, :urgency, '[]', 1, 0, :now, :now);

-- name: amend_job(ordered, body, cpe_confirmed_at, now, id)!
-- "ordered" is what was last put, where the visits since have made something else of it.
UPDATE job SET ordered = :ordered, body = :body, cpe_confirmed_at = :cpe_confirmed_at, updated_at = :now
WHERE id = :id;

-- name: move_job(state, failures, due_at, now, id)!
-- A job leaves its lease behind whenever it moves; whoever works on it takes a new one.
UPDATE job SET state = :state, failures = :failures, due_at = :due_at, owner = NULL, lease_until = NULL,
    updated_at = :now
WHERE id = :id;

-- name: vouch(vouched, now, id)!
UPDATE job SET vouched = :vouched, updated_at = :now WHERE id = :id;

-- name: other_open_job(service, id)^
SELECT id FROM job WHERE service = :service AND id <> :id AND state NOT IN ('completed', 'cancelled') LIMIT 1;

-- name: jobs_under_way_at(location)
-- Open jobs that a change of their place may hold or release; a failed one waits for a person.
SELECT * FROM job WHERE location = :location AND state NOT IN ('failed', 'completed', 'cancelled') ORDER BY id;

-- name: held_jobs()
SELECT * FROM job WHERE state = 'held' ORDER BY id;

-- name: claim_jobs(element, state, owner, lease_until, now, limit)
-- Discovered and due, or left behind by whoever held the lease: an attempt starts (again), and what an earlier one
-- confirmed on the element no longer counts. Those that somebody waits for on site come first.
UPDATE job SET state = :state, attempt = attempt + 1, owner = :owner, lease_until = :lease_until, due_at = NULL,
    network_confirmed_at = NULL, updated_at = :now
WHERE id IN (
    SELECT id FROM job
    WHERE ((state = 'discovered' AND due_at <= :now)
        OR (state IN ('applying', 'verifying') AND lease_until <= :now))
      AND location IN (SELECT id FROM location WHERE element = :element)
    ORDER BY urgency, COALESCE(due_at, lease_until), id LIMIT :limit)
RETURNING *;

-- name: element_is_back(now, failure)
-- What was put off because an element did not answer need not wait any longer.
UPDATE job SET due_at = :now, updated_at = :now
WHERE state = 'discovered' AND due_at > :now AND failures LIKE :failure
RETURNING id;

-- name: take_lease(owner, lease_until, id)!
-- The same holder goes on to the next step of its attempt.
UPDATE job SET owner = :owner, lease_until = :lease_until WHERE id = :id;

-- name: renew_job_claim(lease_until, id, attempt, owner)!
UPDATE job SET lease_until = :lease_until
WHERE id = :id AND attempt = :attempt AND owner = :owner AND state IN ('applying', 'verifying')
  AND lease_until IS NOT NULL;

-- name: shelve_job(failures, now, id)!
-- A record that nothing can be done with: out of every loop's way until a person asks for a retry.
UPDATE job SET state = 'failed', failures = :failures, due_at = NULL, owner = NULL, lease_until = NULL,
    updated_at = :now
WHERE id = :id;

-- name: release_job_claims(now, owner)!
UPDATE job SET lease_until = :now
WHERE state IN ('applying', 'verifying') AND owner = :owner AND lease_until > :now;

-- name: confirm_network(now, id)!
UPDATE job SET network_confirmed_at = :now, updated_at = :now WHERE id = :id;

-- name: confirm_cpe(now, id)!
UPDATE job SET cpe_confirmed_at = :now, updated_at = :now WHERE id = :id;

-- name: open_visit(visit, body, network_confirmed_at, cpe_confirmed_at, now, id)!
-- What an earlier visit confirmed is confirmed anew.
UPDATE job SET visit = :visit, ordered = COALESCE(ordered, body), body = :body,
    network_confirmed_at = :network_confirmed_at, cpe_confirmed_at = :cpe_confirmed_at, updated_at = :now
WHERE id = :id;

-- name: silent_jobs(now, limit)
-- Jobs whose network works and whose CPE has not been configured in time.
SELECT * FROM job WHERE state = 'verifying' AND lease_until IS NULL AND due_at <= :now ORDER BY id LIMIT :limit;

-- name: overdue_jobs(now, limit)
-- Jobs still waiting for their device when the window of the visit has closed.
SELECT j.* FROM job j JOIN visit v ON v.job = j.id AND v.number = j.visit
WHERE j.state = 'ready' AND v.window_end < :now ORDER BY j.id LIMIT :limit;

-- name: allocations_of_job(job)
SELECT role, kind, value FROM allocation WHERE job = :job ORDER BY role, kind;

-- name: drop_allocation(job, role, kind)!
DELETE FROM allocation WHERE job = :job AND role = :role AND kind = :kind;

-- name: add_allocation(job, role, kind, value, now)!
INSERT INTO allocation (job, role, kind, value, since) VALUES (:job, :role, :kind, :value, :now);

-- name: jobs_expecting(kind, value)
-- Open jobs that have this name allocated, with the role it has there; the first has had it longest.
SELECT a.role, a.since, j.* FROM allocation a JOIN job j ON j.id = a.job
WHERE a.kind = :kind AND a.value = :value AND j.state NOT IN ('completed', 'cancelled')
ORDER BY a.since, j.created_at, j.id;

-- name: jobs_expecting_device(device)
-- Open jobs that have any name of this device allocated.
SELECT a.role, a.since, j.* FROM device_name n JOIN allocation a ON a.kind = n.kind AND a.value = n.value
JOIN job j ON j.id = a.job
WHERE n.device = :device AND j.state NOT IN ('completed', 'cancelled');

-- name: put_visit(job, number, technician, window_start, window_end, now)!
INSERT INTO visit (job, number, technician, window_start, window_end, opened_at)
VALUES (:job, :number, :technician, :window_start, :window_end, :now)
ON CONFLICT (job, number) DO UPDATE SET technician = excluded.technician, window_start = excluded.window_start,
    window_end = excluded.window_end;

-- name: close_visit(now, outcome, job, number)!
UPDATE visit SET closed_at = :now, outcome = :outcome WHERE job = :job AND number = :number AND closed_at IS NULL;

-- name: list_visits(job)
SELECT number, technician, window_start, window_end, opened_at, closed_at, outcome FROM visit
WHERE job = :job ORDER BY number;

-- name: open_jobs_at(location)
SELECT * FROM job WHERE location = :location AND state NOT IN ('completed', 'cancelled') ORDER BY id;

-- name: await_cpe(due_at, id)!
-- Nobody works on the job now: the CPE has until due_at to report.
UPDATE job SET owner = NULL, lease_until = NULL, due_at = :due_at WHERE id = :id;
