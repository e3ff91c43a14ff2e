-- CPEs as they tell of themselves over CWMP: who they are, what they are asked to do, and why they did not.

-- name: get_cpe(device)^
SELECT * FROM cpe WHERE device = :device;

-- name: put_cpe(device, manufacturer, oui, product_class, serial, root, software_version, hardware_version, parameter_key, connection_request_url, udp_address, ip, proof, secret, session, now)^
-- What an Inform does not tell stays as it was told before.
INSERT INTO cpe (device, manufacturer, oui, product_class, serial, root, software_version, hardware_version,
    parameter_key, connection_request_url, udp_address, ip, proof, secret, session, informed_at)
VALUES (:device, :manufacturer, :oui, :product_class, :serial, :root, :software_version, :hardware_version,
    :parameter_key, :connection_request_url, :udp_address, :ip, :proof, :secret, :session, :now)
ON CONFLICT (device) DO UPDATE SET manufacturer = excluded.manufacturer, oui = excluded.oui,
    product_class = excluded.product_class, serial = excluded.serial,
    root = COALESCE(NULLIF(excluded.root, ''), cpe.root),
    software_version = COALESCE(NULLIF(excluded.software_version, ''), cpe.software_version),
    hardware_version = COALESCE(NULLIF(excluded.hardware_version, ''), cpe.hardware_version),
    parameter_key = excluded.parameter_key,
    connection_request_url = COALESCE(NULLIF(excluded.connection_request_url, ''), cpe.connection_request_url),
    udp_address = COALESCE(NULLIF(excluded.udp_address, ''), cpe.udp_address),
    ip = excluded.ip, proof = excluded.proof, secret = COALESCE(NULLIF(excluded.secret, ''), cpe.secret), session = excluded.session, informed_at = excluded.informed_at
RETURNING *;

-- name: cpe_of_session(session, since)^
-- The CPE that a session of not long ago belongs to.
SELECT * FROM cpe WHERE session = :session AND informed_at >= :since;

-- name: move_cpe(device, joined)!
-- A device that proved to be another keeps what is known of it there, unless more is known.
UPDATE cpe SET device = :device WHERE device = :joined AND NOT EXISTS (SELECT 1 FROM cpe WHERE device = :device);

-- name: drop_cpe(device)!
DELETE FROM cpe WHERE device = :device;

-- name: move_cpe_tasks(device, joined)!
UPDATE cpe_task SET device = :device WHERE device = :joined;

-- name: drop_cpe_faults(device)!
DELETE FROM cpe_fault WHERE device = :device;

-- name: cpe_fault(device, cause)^
SELECT * FROM cpe_fault WHERE device = :device AND cause = :cause;

-- name: cpe_faults(device)
SELECT * FROM cpe_fault WHERE device = :device ORDER BY cause;

-- name: put_cpe_fault(device, cause, work, kind, code, message, times, retry_at, now)!
INSERT INTO cpe_fault (device, cause, work, kind, code, message, times, first_at, last_at, retry_at)
VALUES (:device, :cause, :work, :kind, :code, :message, :times, :now, :now, :retry_at)
ON CONFLICT (device, cause) DO UPDATE SET work = excluded.work, kind = excluded.kind, code = excluded.code,
    message = excluded.message,
    first_at = CASE WHEN excluded.times = 1 THEN excluded.first_at ELSE cpe_fault.first_at END,
    times = excluded.times, last_at = excluded.last_at, retry_at = excluded.retry_at;

-- name: mark_faulty(device)!
-- Whether a CPE has faults is kept with it: one without need not be asked for them at every Inform.
UPDATE cpe SET faulty = CASE WHEN EXISTS (SELECT 1 FROM cpe_fault f WHERE f.device = :device) THEN 1 ELSE 0 END
WHERE device = :device;

-- name: cpe_fault_of_job(job)^
SELECT * FROM cpe_fault WHERE cause = 'job' AND work = :job ORDER BY last_at DESC LIMIT 1;

-- name: clear_cpe_fault(device, cause)!
DELETE FROM cpe_fault WHERE device = :device AND cause = :cause;

-- name: cpe_model(manufacturer, oui, product_class, software_version)^
SELECT instances FROM cpe_model WHERE manufacturer = :manufacturer AND oui = :oui AND product_class = :product_class
    AND software_version = :software_version;

-- name: put_cpe_model(manufacturer, oui, product_class, software_version, instances, now)!
INSERT INTO cpe_model (manufacturer, oui, product_class, software_version, instances, found_at)
VALUES (:manufacturer, :oui, :product_class, :software_version, :instances, :now)
ON CONFLICT (manufacturer, oui, product_class, software_version) DO UPDATE SET instances = excluded.instances,
    found_at = excluded.found_at;

-- name: forget_cpe_models(newer)!
-- Those that were found longest ago, beyond as many as are kept: a device claims what it is.
DELETE FROM cpe_model WHERE found_at < (SELECT found_at FROM cpe_model ORDER BY found_at DESC LIMIT 1 OFFSET :newer);
