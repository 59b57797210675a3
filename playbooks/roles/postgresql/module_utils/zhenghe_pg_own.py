"""The schema zhenghe of a database that moves: what the superuser makes there for the other end and for the entry."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_pg_place import rows
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

# Who made what is in a schema zhenghe that was there before, and what would run when a mark is left in it.
STRANGE = """
SELECT format('schema %I of %I', nspname, nspowner::regrole) FROM pg_namespace
WHERE nspname = 'zhenghe' AND nspowner <> current_user::regrole
UNION ALL SELECT format('%s of %I', c.oid::regclass, c.relowner::regrole) FROM pg_class c
WHERE relnamespace = to_regnamespace('zhenghe') AND relowner <> current_user::regrole
UNION ALL SELECT format('%s of %I', p.oid::regprocedure, p.proowner::regrole) FROM pg_proc p
WHERE pronamespace = to_regnamespace('zhenghe') AND proowner <> current_user::regrole
UNION ALL SELECT format('trigger %I', tgname) FROM pg_trigger WHERE tgrelid = to_regclass('zhenghe.marks')
UNION ALL SELECT format('rule %I', rulename) FROM pg_rewrite WHERE ev_class = to_regclass('zhenghe.marks')
UNION ALL SELECT format('%s, which is no table', c.oid::regclass) FROM pg_class c
WHERE c.oid = to_regclass('zhenghe.marks') AND (relkind <> 'r' OR relrowsecurity OR relhassubclass)
UNION ALL SELECT format('event trigger %I', evtname) FROM pg_event_trigger JOIN pg_proc p ON p.oid = evtfoid
WHERE evtname ~ '^zhenghe_' AND pronamespace IS DISTINCT FROM to_regnamespace('zhenghe')
"""


def make_own(connection: Any, statements: str, role: str) -> None:
    """Make objects of ours in the schema zhenghe; refused where somebody else made it, or something in it."""
    see_own(connection)
    rows(connection, sql.SQL(statements).format(role=sql.Identifier(role)))
    # Somebody may have been quicker in between.
    see_own(connection)


def see_own(connection: Any) -> None:
    """Refuse a schema zhenghe that is somebody else's, or has something of somebody else's in it."""
    strange = [name for (name,) in rows(connection, STRANGE)]
    if strange:
        raise Refused(
            f"the schema zhenghe is the move's own, but was made by others: {', '.join(strange)}",
            "rename that schema, or drop it, and run the step again",
        )


# A published table that loses its key takes no UPDATE any more: in the transaction that takes the key away, it is given
# all its columns as identity instead. Whatever goes wrong in that must not end the statement of whoever took the key;
# no other event trigger fires for it, and it waits for nobody for long. Only a superuser may own an event trigger; what
# this one runs takes nothing from outside but names, and quotes them.
IDENTITIES = """
CREATE SCHEMA IF NOT EXISTS zhenghe;
CREATE TABLE IF NOT EXISTS zhenghe.given (name text, schema_name text, table_name text, identity text);
CREATE OR REPLACE FUNCTION zhenghe.keep_identities() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog SET session_replication_role = replica SET lock_timeout = '300ms'
    AS $$
DECLARE
    lost record;
BEGIN
    IF tg_event = 'sql_drop' AND NOT EXISTS (
        SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary
        AND object_type IN ('index', 'table constraint', 'table column')) THEN
        RETURN;
    END IF;
    FOR lost IN SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname, c.relname, c.relreplident
        FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid JOIN pg_class c ON c.oid = r.prrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE p.pubname ~ '^zhenghe_' AND n.nspname <> 'zhenghe' AND (c.relreplident = 'n'
            OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
                                                    AND i.indisprimary AND i.indimmediate AND i.indisvalid)
            OR c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
                                                    AND i.indisreplident))
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY FULL', lost.nspname, lost.relname);
            INSERT INTO zhenghe.given VALUES (lost.name, lost.nspname, lost.relname, lost.relreplident);
        EXCEPTION WHEN OTHERS THEN
            RAISE LOG 'zhenghe: % keeps no identity: %', lost.name, SQLERRM;
        END;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'zhenghe: identities are not kept: %', SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION zhenghe.keep_identities() FROM PUBLIC
"""
# pg_dump locks whatever it dumps: a department's own backup, by a role that owns its tables, has to go on. Nothing in
# these tables is secret.
WATCH = """
DROP EVENT TRIGGER IF EXISTS zhenghe_dropped;
DROP EVENT TRIGGER IF EXISTS zhenghe_altered;
CREATE EVENT TRIGGER zhenghe_dropped ON sql_drop EXECUTE FUNCTION zhenghe.keep_identities();
CREATE EVENT TRIGGER zhenghe_altered ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION zhenghe.keep_identities();
GRANT USAGE ON SCHEMA zhenghe TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA zhenghe TO PUBLIC
"""
# The catalogue of passwords is the superuser's. Who copies roles gets this function instead of being one. Where rows
# are read, the planner runs functions of their owners as whoever reads: there these functions tell nothing, by the
# transaction's isolation, which nobody changes in the middle. A mark that is written at one end and read at the other
# says that everything before it has arrived.
SUPPORT = """
CREATE SCHEMA IF NOT EXISTS zhenghe;
CREATE OR REPLACE FUNCTION zhenghe.verifiers() RETURNS TABLE (name name, verifier text) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT rolname, rolpassword FROM pg_authid
        WHERE NOT (rolsuper AND rolcanlogin) AND rolname !~ ''^(pg|zhenghe)_''
        AND current_setting(''transaction_isolation'') = ''read committed''';
REVOKE ALL ON FUNCTION zhenghe.verifiers() FROM PUBLIC;
CREATE OR REPLACE FUNCTION zhenghe.mappings() RETURNS TABLE (server name, of name, options text[]) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT srvname, (SELECT rolname FROM pg_roles r WHERE r.oid = umuser),
               ARRAY(SELECT o FROM unnest(umoptions) o ORDER BY o)
        FROM pg_user_mapping m JOIN pg_foreign_server s ON s.oid = m.umserver
        WHERE current_setting(''transaction_isolation'') = ''read committed''';
REVOKE ALL ON FUNCTION zhenghe.mappings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.mappings() TO {role};
CREATE TABLE IF NOT EXISTS zhenghe.marks (reader text PRIMARY KEY, mark text NOT NULL);
GRANT USAGE ON SCHEMA zhenghe TO {role};
GRANT SELECT, INSERT, UPDATE ON zhenghe.marks TO {role};
GRANT EXECUTE ON FUNCTION zhenghe.verifiers() TO {role};
CREATE OR REPLACE FUNCTION zhenghe.holders() RETURNS TABLE (what text) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT format(''%s (pid %s) since %s'', usename, pid, date_trunc(''second'', xact_start))
        FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND backend_type = ''client backend''
        UNION ALL
        SELECT format(''prepared transaction %s of %s since %s'', gid, owner, date_trunc(''second'', prepared))
        FROM pg_prepared_xacts';
REVOKE ALL ON FUNCTION zhenghe.holders() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.holders() TO {role};
CREATE OR REPLACE FUNCTION zhenghe.publish(wanted_schema text, wanted_table text, by_all_columns boolean)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog SET session_replication_role = replica SET lock_timeout = '3s'
    AS $$
DECLARE
    known record;
BEGIN
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relreplident INTO STRICT known
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = wanted_schema AND c.relname = wanted_table AND c.relkind = 'r' AND c.relpersistence = 'p'
      AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)';
    IF by_all_columns THEN
        INSERT INTO zhenghe.given VALUES (known.name, wanted_schema, wanted_table, known.relreplident);
        EXECUTE format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', wanted_schema, wanted_table);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                   WHERE p.pubname = session_user AND r.prrelid = known.oid) THEN
        EXECUTE format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', session_user, wanted_schema, wanted_table);
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION zhenghe.show(wanted_schema text, wanted_table text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog SET session_replication_role = replica SET lock_timeout = '3s'
    AS $$
DECLARE
    owned record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', wanted_schema, session_user);
    EXECUTE format('GRANT SELECT ON TABLE %I.%I TO %I', wanted_schema, wanted_table, session_user);
    FOR owned IN SELECT n.nspname, s.relname FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_class c ON c.oid = d.refobjid
        JOIN pg_namespace k ON k.oid = c.relnamespace
        WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND k.nspname = wanted_schema
          AND c.relname = wanted_table
    LOOP
        EXECUTE format('GRANT SELECT ON SEQUENCE %I.%I TO %I', owned.nspname, owned.relname, session_user);
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION zhenghe.withdraw(wanted_schema text, wanted_table text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog SET session_replication_role = replica SET lock_timeout = '3s'
    AS $$
BEGIN
    EXECUTE format('ALTER PUBLICATION %I DROP TABLE ONLY %I.%I', session_user, wanted_schema, wanted_table);
END
$$;
REVOKE ALL ON FUNCTION zhenghe.withdraw(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.withdraw(text, text) TO {role};
REVOKE ALL ON FUNCTION zhenghe.show(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.show(text, text) TO {role};
REVOKE ALL ON FUNCTION zhenghe.publish(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.publish(text, text, boolean) TO {role}
"""
LEAVE = """
DROP EVENT TRIGGER IF EXISTS zhenghe_dropped;
DROP EVENT TRIGGER IF EXISTS zhenghe_altered;
DROP FUNCTION IF EXISTS zhenghe.keep_identities();
DROP FUNCTION IF EXISTS zhenghe.verifiers();
DROP FUNCTION IF EXISTS zhenghe.mappings();
DROP FUNCTION IF EXISTS zhenghe.holders();
DROP FUNCTION IF EXISTS zhenghe.show(text, text);
DROP FUNCTION IF EXISTS zhenghe.withdraw(text, text);
DROP FUNCTION IF EXISTS zhenghe.publish(text, text, boolean);
DROP TABLE IF EXISTS zhenghe.given
"""
"""Takes away what gives the other end rights and what watches, once the way back is given up."""
# The entry asks this for one account at a time, as pgbouncer's auth_query; a superuser does not come in by the entry.
# An entry whose clients have a session each ends its own sessions that are outside of a transaction, and no others.
ACCOUNT = """
CREATE SCHEMA IF NOT EXISTS zhenghe;
CREATE OR REPLACE FUNCTION zhenghe.account(wanted text) RETURNS TABLE (name name, verifier text) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT rolname, rolpassword FROM pg_authid
        WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper AND rolname !~ ''^(pg|zhenghe)_''
        AND (rolvaliduntil IS NULL OR rolvaliduntil > now())';
CREATE OR REPLACE FUNCTION zhenghe.close_idle() RETURNS TABLE (closed bigint, busy bigint) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT count(*) FILTER (WHERE CASE WHEN state = ''idle'' THEN pg_terminate_backend(pid) END),
        count(*) FILTER (WHERE state IS DISTINCT FROM ''idle'') FROM pg_stat_activity
        WHERE datname = current_database() AND client_addr = inet_client_addr() AND backend_type = ''client backend''
        AND usename !~ ''^zhenghe_''';
REVOKE ALL ON FUNCTION zhenghe.account(text), zhenghe.close_idle() FROM PUBLIC;
GRANT USAGE ON SCHEMA zhenghe TO {role};
GRANT EXECUTE ON FUNCTION zhenghe.account(text), zhenghe.close_idle() TO {role}
"""
