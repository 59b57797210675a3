#!/bin/bash
# The civil affairs office's database server as surveyed: PostgreSQL 13 with the database `identity`.
#
# What its clients may rely on: identity-db.yunhe.example:5432, database identity, user identity_app, the password of
# one line in /etc/zhenghe-demo/identity.pass (the example's throw-away), and the function
# verify_resident(number text, name text) returning boolean, which keeps a row of `verifications` for every question.
set -euo pipefail
cd /

cat > /etc/postgresql/13/main/conf.d/civil-affairs.conf <<'CONF'
listen_addresses = '*'
wal_level = logical
CONF
printf 'host identity all 10.12.0.0/24 md5\n' >> /etc/postgresql/13/main/pg_hba.conf
systemctl enable --now postgresql.service postgresql@13-main.service 2>/dev/null

password=$(cat /etc/zhenghe-demo/identity.pass)
run() { setpriv --reuid=postgres --regid=postgres --init-groups psql -qX -v ON_ERROR_STOP=1 "$@"; }

run -d postgres <<SQL
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';
CREATE ROLE identity_owner NOLOGIN;
CREATE ROLE identity_app LOGIN PASSWORD '$password';
CREATE DATABASE identity OWNER identity_owner;
SQL

run -d identity <<'SQL'
CREATE EXTENSION pgcrypto;
SET ROLE identity_owner;
CREATE TABLE residents (
    number char(18) PRIMARY KEY,
    name text NOT NULL,
    born date NOT NULL,
    registered text NOT NULL DEFAULT '云河区',
    token uuid NOT NULL
);
CREATE TABLE verifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    number char(18) NOT NULL,
    answer boolean NOT NULL
);
CREATE FUNCTION verify_resident(number text, name text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public
    AS $$
        INSERT INTO public.verifications (number, answer)
            SELECT $1, EXISTS (SELECT FROM public.residents r WHERE r.number = $1 AND r.name = $2)
            RETURNING answer
    $$;
REVOKE ALL ON FUNCTION verify_resident(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION verify_resident(text, text) TO identity_app;
-- None of these numbers passes the check digit of a real one.
INSERT INTO residents (number, name, born, token)
    SELECT '000000' || to_char(born, 'YYYYMMDD') || lpad((n % 1000)::text, 3, '0') || 'Z',
           (ARRAY['赵', '钱', '孙', '李', '周', '吴', '郑', '王'])[1 + n % 8] || '居民' || n, born, md5(n::text)::uuid
    FROM (SELECT n, date '1940-01-01' + n * 5 AS born FROM generate_series(1, 5000) n) people;
RESET ROLE;
ANALYZE;
SQL
