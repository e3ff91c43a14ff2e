-- Devices, the names that mean them, and every sighting of them.

-- name: add_device(state, reason, seen_at)^
INSERT INTO device (state, reason, first_seen_at, last_seen_at) VALUES (:state, :reason, :seen_at, :seen_at)
RETURNING id;

-- name: get_device(id)^
SELECT * FROM device WHERE id = :id;

-- name: list_devices(after, state, limit)
SELECT * FROM device
WHERE id > :after AND (CAST(:state AS TEXT) IS NULL OR state = :state) ORDER BY id LIMIT :limit;

-- name: device_with_name(kind, value)^
SELECT device FROM device_name WHERE kind = :kind AND value = :value;

-- name: devices_named(pon, cwmp, mac, registration)
-- The devices that these names mean, and how many of them each bears.
SELECT d.*, m.borne FROM (
    SELECT device, COUNT(*) AS borne FROM (
        SELECT device FROM device_name WHERE kind = 'pon' AND value = :pon
        UNION ALL SELECT device FROM device_name WHERE kind = 'cwmp' AND value = :cwmp
        UNION ALL SELECT device FROM device_name WHERE kind = 'mac' AND value = :mac
        UNION ALL SELECT device FROM device_name WHERE kind = 'registration' AND value = :registration) b
    GROUP BY device) m
JOIN device d ON d.id = m.device;

-- name: names_of_device(device)
SELECT kind, value, source, first_seen_at FROM device_name WHERE device = :device ORDER BY kind, value;

-- name: device_with_ip(ip)^
-- The device that last had this address (a lease ties a MAC to the source of an Inform).
SELECT id FROM device WHERE ip = :ip AND state <> 'retired' ORDER BY last_seen_at DESC, id DESC LIMIT 1;

-- name: devices_on_line(circuit_id, limit)
SELECT id FROM device WHERE circuit_id = :circuit_id AND state <> 'retired' ORDER BY last_seen_at DESC LIMIT :limit;

-- name: add_name(kind, value, device, source, now)!
INSERT INTO device_name (kind, value, device, source, first_seen_at) VALUES (:kind, :value, :device, :source, :now)
ON CONFLICT (kind, value) DO NOTHING;

-- name: move_names(device, joined)!
UPDATE device_name SET device = :device WHERE device = :joined;

-- name: move_sightings(device, joined)!
UPDATE sighting SET device = :device WHERE device = :joined;

-- name: set_device_state(state, reason, detail, id)!
-- What is silenced is heard of again when it is held for another reason.
UPDATE device SET state = :state, detail = :detail,
    ignored_at = CASE WHEN reason = :reason THEN ignored_at END, reason = :reason
WHERE id = :id;

-- name: bind_device(state, service, id)!
UPDATE device SET state = :state, reason = '', detail = '', ignored_at = NULL, service = :service WHERE id = :id;

-- name: unbind_device(id)!
UPDATE device SET service = NULL WHERE id = :id;

-- name: devices_of_service(service)
SELECT * FROM device WHERE service = :service ORDER BY id;

-- name: release_ip(ip, id)!
-- An address belongs to who had it last.
UPDATE device SET ip = NULL WHERE ip = :ip AND id <> :id;

-- name: retire_device(state, reason, id)!
UPDATE device SET state = :state, reason = :reason, service = NULL, ip = NULL, presence = 'absent' WHERE id = :id;

-- name: put_presence(device, element, port, raw_state, now)!
INSERT INTO presence (device, element, port, raw_state, since) VALUES (:device, :element, :port, :raw_state, :now)
ON CONFLICT (device, element, port) DO UPDATE SET raw_state = excluded.raw_state;

-- name: end_presence(device, element, port)!
DELETE FROM presence WHERE device = :device AND element = :element AND port = :port;

-- name: places_of_device(device)
-- Where a device is present now, the place it has been in longest first; more than one means a clone.
SELECT element, port, raw_state, since FROM presence WHERE device = :device ORDER BY since, element, port;

-- name: elements_with_presence()
SELECT DISTINCT element FROM presence ORDER BY element;

-- name: place_device(element, port, presence, raw_state, id)!
UPDATE device SET element = :element, port = :port, presence = :presence, raw_state = :raw_state WHERE id = :id;

-- name: touch_device(ip, circuit_id, now, id)!
UPDATE device SET ip = COALESCE(:ip, ip), circuit_id = COALESCE(:circuit_id, circuit_id),
    last_seen_at = CASE WHEN last_seen_at > :now THEN last_seen_at ELSE :now END
WHERE id = :id;

-- name: present_on_element(element, kind)
-- What the store believes to be present on one element, once for each name of a kind (PON serial, MAC) it goes by, and
-- whether some job is waiting to hear that name in its place.
-- CROSS JOIN: SQLite keeps the order of the tables, so it begins with the few that are present.
SELECT p.device, p.port, p.raw_state, p.since, n.value AS name, EXISTS (
    SELECT 1 FROM allocation a CROSS JOIN job j
    WHERE a.kind = n.kind AND a.value = n.value AND j.id = a.job AND j.state IN ('held', 'ready')) AS awaited
FROM presence p CROSS JOIN device_name n
WHERE p.element = :element AND n.device = p.device AND n.kind = :kind;

-- name: awaited_names(kind)
-- Names of one kind that some job is waiting to hear in its place.
SELECT a.value FROM job j CROSS JOIN allocation a
WHERE j.state IN ('held', 'ready') AND a.job = j.id AND a.kind = :kind;

-- name: repeat_sighting(heard_at, device, source, depth, body, verdict)^
-- The same thing heard again is counted, not written anew: it is among the last sightings of its source, as many as one
-- exchange with the device has messages. No row when it is not.
UPDATE sighting SET times = times + 1, last_heard_at = :heard_at
WHERE id = (
    SELECT id FROM (
        SELECT id, body, verdict FROM sighting WHERE device = :device AND source = :source
        ORDER BY id DESC LIMIT :depth) s
    WHERE body = :body AND verdict = :verdict ORDER BY id DESC LIMIT 1)
RETURNING id;

-- name: heard_by_dhcp(device, limit)
-- The last times a device asked for an address through a relay of an element of ours, the oldest first.
SELECT element, body, heard_at, last_heard_at FROM (
    SELECT id, element, body, heard_at, last_heard_at FROM sighting
    WHERE device = :device AND source = 'dhcp' ORDER BY id DESC LIMIT :limit) s
WHERE EXISTS (SELECT 1 FROM location l WHERE l.element = s.element) ORDER BY id;

-- name: add_sighting(device, job, source, element, port, body, verdict, heard_at)!
INSERT INTO sighting (device, job, source, element, port, body, verdict, heard_at, last_heard_at, times)
VALUES (:device, :job, :source, :element, :port, :body, :verdict, :heard_at, :heard_at, 1);

-- name: list_quarantine(after, ignored, limit)
SELECT * FROM device
WHERE state = 'quarantined' AND id > :after AND (CAST(:ignored AS INTEGER) = 1 OR ignored_at IS NULL)
ORDER BY id LIMIT :limit;

-- name: count_quarantine()
SELECT reason, COUNT(*) AS devices FROM device WHERE state = 'quarantined' AND ignored_at IS NULL GROUP BY reason;

-- name: ignore_device(now, id)!
UPDATE device SET ignored_at = :now WHERE id = :id;

-- name: waiting_jobs()
-- Jobs whose device is still to come, with the PON serial that each expects and where.
SELECT j.id AS job, a.value AS serial, l.element, l.port FROM job j
LEFT JOIN allocation a ON a.job = j.id AND a.kind = 'pon' AND a.role = 'ont' LEFT JOIN location l ON l.id = j.location
WHERE j.state IN ('held', 'ready', 'failed') ORDER BY j.id;

-- name: last_sightings(device, limit)
SELECT * FROM sighting WHERE device = :device ORDER BY id DESC LIMIT :limit;

-- name: add_audit(actor, action, subject, detail, now)!
INSERT INTO audit (at, actor, action, subject, detail) VALUES (:now, :actor, :action, :subject, :detail);

-- name: list_audit(after, subject, limit)
SELECT * FROM audit WHERE id > :after AND (CAST(:subject AS TEXT) IS NULL OR subject = :subject)
ORDER BY id LIMIT :limit;

-- name: list_sightings(after, device, unmatched, limit)
SELECT s.*, d.state AS device_state FROM sighting s JOIN device d ON d.id = s.device
WHERE s.id > :after AND (CAST(:device AS BIGINT) IS NULL OR s.device = :device)
  AND (CAST(:unmatched AS INTEGER) = 0 OR s.job IS NULL)
ORDER BY s.id LIMIT :limit;

-- name: sightings_of_job(job)
SELECT * FROM sighting WHERE job = :job ORDER BY id;

-- name: heard_unlisted(job, visit)^
-- Where the device of a job was heard last in a visit, if no element keeps a list that it was ever on.
SELECT s.element, s.port, s.body FROM sighting s JOIN visit v ON v.job = s.job AND v.number = :visit
WHERE s.job = :job AND s.source IN ('dhcp', 'station') AND s.last_heard_at >= v.opened_at
  AND NOT EXISTS (SELECT 1 FROM sighting o WHERE o.device = s.device AND o.source IN ('pon', 'lldp'))
ORDER BY s.last_heard_at DESC, s.id DESC LIMIT 1;

-- name: devices_of_job(job)
SELECT DISTINCT d.* FROM device d JOIN device_name n ON n.device = d.id
JOIN allocation a ON a.kind = n.kind AND a.value = n.value
WHERE a.job = :job ORDER BY d.id;
