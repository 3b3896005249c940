-- A large database for the admin: two years of organizations, of which number 1 is the large one.
-- Ids are UUIDv7 of the row's time, as the product makes them. Names in braces are the bench's arguments.
CREATE FUNCTION at(k bigint, n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT timestamptz '2024-11-28' + k::float8 / n * interval '730 days' $$;

CREATE FUNCTION id7(t timestamptz, key text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '7' || substr(md5(key), 1, 3)
    || '8' || substr(md5(key), 4, 15))::uuid $$;

CREATE FUNCTION four(key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT substr(translate(encode(decode(md5(key), 'hex'), 'base64'), '+/', 'aB'), 1, 4) $$;

CREATE FUNCTION public_id(prefix text, id uuid) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE bits bit(130) := B'00' || ('x' || replace(id::text, '-', ''))::bit(128); found text := prefix || '_';
BEGIN
    FOR n IN 0..25 LOOP
        found := found || substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits FROM n * 5 + 1 FOR 5)::int + 1, 1);
    END LOOP;
    RETURN found;
END $$;

CREATE TABLE o AS SELECT n, id7(at(n, {organizations}), 'o' || n) AS id, at(n, {organizations}) AS made
    FROM generate_series(1, {organizations}) AS n;
CREATE TABLE m AS SELECT k, id7(at(k, {members}), 'u' || k) AS person, id7(at(k, {members}), 'm' || k) AS id,
    at(k, {members}) AS made, CASE WHEN k <= {large_members} THEN 1 ELSE k % {organizations} + 1 END AS n
    FROM generate_series(1, {members}) AS k;
CREATE TABLE t AS SELECT k, id7(at(k, {tokens}), 't' || k) AS id, at(k, {tokens}) AS made,
    CASE WHEN k % ({tokens} / {large_tokens}) = 0 THEN 1 ELSE k % {organizations} + 1 END AS n
    FROM generate_series(1, {tokens}) AS k;
ALTER TABLE o ADD PRIMARY KEY (n); ALTER TABLE m ADD PRIMARY KEY (k); ANALYZE o, m, t;
CREATE TABLE first AS SELECT DISTINCT ON (n) n, id, person FROM m ORDER BY n, k;

INSERT INTO accounts_organization (id, name, slug, plan_id, publishable_key, never_expiring_allowed, mfa_required,
    sso_required, email_domains, generation, created_at, suspended_at, deleted_at)
SELECT id, (ARRAY['Acme','Umbrella','Globex','Initech','Hooli','Stark'])[n % 6 + 1] || ' ' || n, 'organization-' || n,
    (SELECT min(id) FROM ratelimit_plan), 'tsr_pk_' || md5('a' || n) || substr(md5('b' || n), 1, 11), true, false,
    false, '[]', 0, made, CASE WHEN n % 200 = 7 THEN now() END, CASE WHEN n % 400 = 9 THEN now() END FROM o;
INSERT INTO accounts_user (id, password, is_superuser, email, name, is_active, is_staff, date_joined,
    password_version, wanted_organization)
SELECT person, '!', false, 'person' || k || '@example' || k % 500 || '.com', 'Person ' || k, k % 100 <> 3,
    false, made, 1, '' FROM m;
INSERT INTO accounts_membership (id, organization_id, user_id, role, permissions, joined_at)
SELECT m.id, o.id, person, (ARRAY['owner','admin','member','viewer'])[k % 4 + 1], '[]', m.made FROM m JOIN o USING (n);
INSERT INTO accounts_invitation (id, organization_id, email, role, invited_by_id, inviter_id, created_at,
    sent_at, expires_at, accepted_at)
SELECT id7(o.made, 'i' || n), o.id, 'invited' || n || '@example.com', 'member', person,
    first.id, o.made, o.made, o.made + interval '7 days', CASE WHEN n % 2 = 0 THEN o.made END
FROM o JOIN first USING (n);
INSERT INTO tokens_serviceaccounttoken (id, organization_id, name, description, permissions, created_by_id,
    responsible_id, created_at, expires_at, revoked_at, revoked_reason)
SELECT t.id, o.id, (ARRAY['nightly','import','backup','deploy'])[k % 4 + 1] || ' ' || k, '', '["index:read:*"]', person,
    first.id, t.made, CASE WHEN k % 10 < 8 THEN t.made + interval '90 days' END,
    CASE WHEN k % 2 = 0 THEN t.made + interval '1 hour' END, '' FROM t JOIN o USING (n) JOIN first USING (n);
INSERT INTO tokens_tokensecret (token_id, digest, prefix, last_four, created_at)
SELECT id, sha256(('t' || k)::bytea), 'tsr_sa_', four('t' || k), made FROM t;
INSERT INTO tokens_oauthclient (id, organization_id, name, scopes, refresh_auth, created_by_id, responsible_id,
    created_at, deleted_at)
SELECT id7(o.made, 'c' || n), o.id, 'Importer ' || n, '["index:read:*"]', 'required', person, first.id, o.made,
    CASE WHEN n % 10 = 0 THEN now() END FROM o JOIN first USING (n);
INSERT INTO tokens_clientsecret (client_id, digest, last_four, created_at)
SELECT id, sha256(id::text::bytea), four(id::text), created_at FROM tokens_oauthclient;
INSERT INTO ratelimit_dailyusage (bucket, subject, day, epoch, calls, refused, last_used_at)
SELECT o.id, t.id, current_date - k::int % 30, '', 100, 1, now() - interval '1 day'
FROM t JOIN o USING (n) WHERE n = 1 OR k % 10 = 0;
INSERT INTO ratelimit_dailyusage (bucket, subject, day, epoch, calls, refused, refused_uses)
SELECT o.id, t.id, (now() AT TIME ZONE 'UTC')::date, 'today', 100, 0, CASE WHEN k % 3 = 0 THEN k % 1000 ELSE 0 END
FROM t JOIN o USING (n) WHERE n = 1 OR k % 10 = 0;
INSERT INTO ratelimit_reservation (bucket, day, reserved, epoch, block_start, block_end)
SELECT o.id, (now() AT TIME ZONE 'UTC')::date - ago, n % 101, '', 0, 0 FROM o, generate_series(0, 2) AS ago;
INSERT INTO accounts_outboxmail (id, "to", subject, content, created_at, tries, next_try_at, claimed_until, last_error)
SELECT id7(made, 'x' || n), 'person' || n || '@example.com', 'Reset your password', '', made, 1, now(), now(), ''
FROM o;
INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
SELECT made, person, (SELECT id FROM django_content_type WHERE model = 'organization'), person, 'Organization ' || k,
    2, 'Suspended.' FROM m;

CREATE TABLE actor AS SELECT n, public_id('usr', person) AS id FROM first;
CREATE TABLE target AS SELECT DISTINCT ON (n) n, public_id('tok', id) AS id FROM t ORDER BY n, k DESC;
INSERT INTO accounts_auditevent (id, organization_id, sequence, action, actor_type, actor_id, actor_name, target_type,
    target_id, target_name, at, request_id, changes, prev_hash, hash)
SELECT id7(at(k, {events}), 'e' || k), o.id, k, CASE WHEN k % 100000 = 7 THEN 'organization.suspended' ELSE
    (ARRAY['token.created','token.revoked','user.signed_in','session.opened'])[k % 4 + 1] END,
    'user', actor.id, 'Somebody', 'token', target.id, 'a token', at(k, {events}), '', '{{}}', '', ''
FROM generate_series(1, {events}) AS k JOIN o ON o.n = k % {organizations} + 1
LEFT JOIN actor ON actor.n = o.n LEFT JOIN target ON target.n = o.n
WHERE actor.id IS NOT NULL AND target.id IS NOT NULL;
DROP TABLE o, m, t, first, actor, target;
