"""What makes an object as the source has it, and what drops it: the texts of its server, kind by kind.

Each question answers with the object's name as a comparison tells it, the role that it is made as (nothing: whoever
runs the move, where a role needs rights on more than the object), the statements that make it, and those that drop it.
No statement takes rows away: those of a column that gets another type are converted as the type says.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

from ansible.module_utils.zhenghe_pg_description import CLASS, OWN, ROUTINE, TYPE

_SCHEMAS = f"""
SELECT quote_ident(n.nspname), '', format('CREATE SCHEMA %I AUTHORIZATION %I', n.nspname, pg_get_userbyid(n.nspowner)),
       format('DROP SCHEMA %I', n.nspname)
FROM pg_namespace n WHERE {OWN.format(oid="n.oid", catalogue="pg_namespace")}
"""
_EXTENSIONS = """
SELECT e.extname, '', format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I', e.extname, n.nspname)
       || format('; ALTER EXTENSION %I SET SCHEMA %I', e.extname, n.nspname), ''
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
"""
_OWNED = "|| format('; ALTER TYPE %s OWNER TO %I', t.oid::regtype, pg_get_userbyid(t.typowner))"
# What is there of a composite type cannot be changed where rows are of it; a domain's checks are constraints.
_TYPES = f"""
SELECT t.oid::regtype::text, '', format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype, (
           SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum
           WHERE enumtypid = t.oid)) {_OWNED}, format('DROP TYPE %s', t.oid::regtype)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND {TYPE}
UNION ALL
SELECT t.oid::regtype::text, '', format('CREATE TYPE %s AS (%s)', t.oid::regtype, (
           SELECT string_agg(concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
                             CASE WHEN attcollation NOT IN (0, 100) THEN 'COLLATE ' || attcollation::regcollation END),
                             ', ' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped)) {_OWNED},
       format('DROP TYPE %s', t.oid::regtype)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class k ON k.oid = t.typrelid AND k.relkind = 'c'
WHERE {TYPE}
UNION ALL
SELECT t.oid::regtype::text, '', concat_ws(' ', 'CREATE DOMAIN', t.oid::regtype, 'AS',
           format_type(t.typbasetype, t.typtypmod),
           CASE WHEN t.typcollation NOT IN (0, 100) THEN 'COLLATE ' || t.typcollation::regcollation END,
           'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END) {_OWNED},
       format('DROP DOMAIN %s', t.oid::regtype)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND {TYPE}
"""
_FUNCTIONS = f"""
SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner), pg_get_functiondef(p.oid),
       'DROP ROUTINE ' || p.oid::regprocedure
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND l.lanname IN ('sql', 'plpgsql') AND {ROUTINE}
"""
_OPTIONS = "'WITH (' || array_to_string(c.reloptions, ', ') || ')'"
_VIEWS = f"""
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       CASE c.relkind WHEN 'v' THEN format('CREATE OR REPLACE VIEW %I.%I %s AS %s', n.nspname, c.relname, {_OPTIONS},
                                           pg_get_viewdef(c.oid))
            ELSE format('CREATE MATERIALIZED VIEW %I.%I %s AS %s WITH NO DATA', n.nspname, c.relname, {_OPTIONS},
                        rtrim(pg_get_viewdef(c.oid), '; ')) END,
       format('DROP %s VIEW %I.%I', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED' END, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {CLASS}
"""
# One that counts for a column is a part of it.
_SEQUENCES = f"""
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       format('CREATE SEQUENCE IF NOT EXISTS %1$I.%2$I; ALTER SEQUENCE %1$I.%2$I OWNED BY %3$s', n.nspname, c.relname,
              coalesce((SELECT format('%I.%I.%I', m.nspname, t.relname, a.attname)
                        FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace m
                        ON m.oid = t.relnamespace JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
                        WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'), 'NONE')),
       format('DROP SEQUENCE %I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND {CLASS}
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                  AND d.deptype = 'i' AND d.refobjsubid > 0)
"""
# Rows that were there have what the server keeps for them; one that was written anew is told by its table's file. Where
# it is not certain that rows have a value, NOT NULL comes later.
_COLUMN = "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
_GENERATED = "(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum)"
_IDENTITY = """CASE a.attidentity WHEN '' THEN NULL ELSE concat(
    'GENERATED ', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, ' AS IDENTITY (SEQUENCE NAME ',
    pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname), ')') END"""
_COLUMNS = f"""
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_userbyid(c.relowner),
       concat_ws(' ', format('ALTER TABLE %I.%I ADD COLUMN %I %s', n.nspname, c.relname, a.attname,
                             format_type(a.atttypid, a.atttypmod)),
                 CASE WHEN a.attcollation NOT IN (0, 100) THEN 'COLLATE ' || a.attcollation::regcollation END,
                 CASE WHEN a.atthasmissing THEN format('DEFAULT %L', (a.attmissingval::text::text[])[1]) END,
                 CASE WHEN a.attgenerated = 's' THEN format('GENERATED ALWAYS AS (%s) STORED', {_GENERATED}) END,
                 {_IDENTITY}, CASE WHEN a.attnotnull AND a.atthasmissing THEN 'NOT NULL' END),
       format('ALTER TABLE %I.%I DROP COLUMN %I', n.nspname, c.relname, a.attname), c.oid, a.attnum
FROM {_COLUMN} WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal
  AND a.attgenerated IN ('', 's') AND {CLASS}
UNION ALL
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_userbyid(c.relowner),
       concat_ws(' ', format('ALTER TYPE %I.%I ADD ATTRIBUTE %I %s', n.nspname, c.relname, a.attname,
                             format_type(a.atttypid, a.atttypmod)),
                 CASE WHEN a.attcollation NOT IN (0, 100) THEN 'COLLATE ' || a.attcollation::regcollation END,
                 'CASCADE'),
       format('ALTER TYPE %I.%I DROP ATTRIBUTE %I', n.nspname, c.relname, a.attname), c.oid, a.attnum
FROM {_COLUMN} WHERE c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND {CLASS} ORDER BY 5, 6
"""
LOOSER = f"""
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname),
       format('ALTER TABLE %I.%I ALTER %I DROP NOT NULL', n.nspname, c.relname, a.attname)
FROM {_COLUMN} WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND {CLASS}
"""
# Of each table's columns: the place, the type and the name, as written; who may give it another name, and how table and
# column are named in what the server says.
NAMES = f"""
SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
       row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), pg_get_userbyid(c.relowner),
       ARRAY[format('"%s.%s"', n.nspname, c.relname), format('"%s"', a.attname)]
FROM {_COLUMN} WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {CLASS}
"""
COLUMNS = f"""
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname),
       concat(format_type(a.atttypid, a.atttypmod), ' ', a.attcollation::regcollation), pg_get_userbyid(c.relowner),
       concat(t.alter, CASE WHEN a.attnotnull THEN ' SET' ELSE ' DROP' END, ' NOT NULL, ', t.column, ' SET STORAGE ',
              CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END,
              ', ', t.column, ' SET STATISTICS ', coalesce(a.attstattarget, -1), ', ', t.column,
              ' RESET (n_distinct, n_distinct_inherited)', ', ' || t.column || ' SET (' || (
                  SELECT string_agg(o, ', ') FROM unnest(a.attoptions) o WHERE o !~ '^pg_') || ')'),
       concat(a.attidentity, a.attgenerated),
       concat(t.alter, ' DROP IDENTITY IF EXISTS; ', coalesce(t.alter || ' ADD ' || {_IDENTITY},
              CASE a.attgenerated WHEN '' THEN t.alter || ' DROP EXPRESSION IF EXISTS' END)),
       concat(t.whole, t.type),
       concat(t.whole, ' DROP DEFAULT, ', t.column, ' DROP NOT NULL, ', t.column, t.type, ' USING NULL')
FROM {_COLUMN}, LATERAL (
    SELECT format('ALTER TABLE ONLY %I.%I ALTER %I', n.nspname, c.relname, a.attname), format('ALTER %I', a.attname),
           format('ALTER TABLE %I.%I ALTER %I', n.nspname, c.relname, a.attname),
           concat(' TYPE ', format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attcollation NOT IN (0, 100) THEN ' COLLATE ' || a.attcollation::regcollation END)
) t (alter, "column", whole, type)
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {CLASS}
"""
# Which table belongs to which: to one that is in partitions, or to one that it inherits from; rows stay where they are.
FAMILIES = """
SELECT format('%I.%I', n.nspname, c.relname), format('%I.%I', m.nspname, p.relname), pg_get_expr(c.relpartbound, c.oid),
       pg_get_userbyid(p.relowner),
       CASE WHEN c.relispartition
            THEN format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I %s', m.nspname, p.relname, n.nspname, c.relname,
                        pg_get_expr(c.relpartbound, c.oid))
            ELSE format('ALTER TABLE %I.%I INHERIT %I.%I', n.nspname, c.relname, m.nspname, p.relname) END,
       CASE WHEN c.relispartition
            THEN format('ALTER TABLE %I.%I DETACH PARTITION %I.%I', m.nspname, p.relname, n.nspname, c.relname)
            ELSE format('ALTER TABLE %I.%I NO INHERIT %I.%I', n.nspname, c.relname, m.nspname, p.relname) END
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace m ON m.oid = p.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)' ORDER BY 1, i.inhseqno
"""
TABLES_OF = f"""
SELECT DISTINCT n.nspname, c.relname FROM {_COLUMN}
WHERE c.relkind = 'r' AND format('%%I.%%I.%%I', n.nspname, c.relname, a.attname) = ANY(%s)
"""
_DEFAULTS = f"""
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_userbyid(c.relowner),
       format('ALTER TABLE ONLY %I.%I ALTER %I SET DEFAULT %s', n.nspname, c.relname, a.attname,
              pg_get_expr(d.adbin, d.adrelid)),
       format('ALTER TABLE ONLY %I.%I ALTER %I DROP DEFAULT', n.nspname, c.relname, a.attname)
FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
WHERE c.relkind IN ('r', 'p', 'v') AND a.attgenerated = '' AND a.attidentity = '' AND {CLASS}
"""
# Those of a partition follow from its table's; triggers that are constraints are triggers.
_CONSTRAINTS = f"""
SELECT format('%I.%I %I', n.nspname, c.relname, k.conname), pg_get_userbyid(c.relowner),
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)),
       format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, k.conname)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND k.conislocal AND {CLASS}
UNION ALL
SELECT format('%s %I', t.oid::regtype, k.conname), pg_get_userbyid(t.typowner),
       format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', t.oid::regtype, k.conname, pg_get_constraintdef(k.oid)),
       format('ALTER DOMAIN %s DROP CONSTRAINT %I', t.oid::regtype, k.conname)
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype = 'c' AND {TYPE}
"""
_INDEXES = f"""
SELECT i.indexrelid::regclass::text, pg_get_userbyid(c.relowner),
       CASE x.relkind WHEN 'I' THEN regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
            ELSE pg_get_indexdef(i.indexrelid) END || coalesce((
           SELECT string_agg(format('; ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', i.indexrelid::regclass,
                                    a.attnum, a.attstattarget), '')
           FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget > 0), ''),
       format('DROP INDEX %s', i.indexrelid::regclass)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
                                   AND k.contype IN ('p', 'u', 'x')) AND NOT x.relispartition AND {CLASS}
"""
_TABLE = "format('ALTER TABLE %I.%I ', n.nspname, c.relname)"
_RULES = f"""
SELECT format('%I.%I %I', n.nspname, c.relname, r.rulename), pg_get_userbyid(c.relowner),
       concat(rtrim(pg_get_ruledef(r.oid), '; '), CASE r.ev_enabled WHEN 'O' THEN NULL ELSE concat(
           '; ', {_TABLE}, CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                           ELSE 'ENABLE REPLICA' END, format(' RULE %I', r.rulename)) END),
       format('DROP RULE %I ON %I.%I', r.rulename, n.nspname, c.relname)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {CLASS}
"""
_TRIGGERS = f"""
SELECT format('%I.%I %I', n.nspname, c.relname, t.tgname), pg_get_userbyid(c.relowner), pg_get_triggerdef(t.oid),
       format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {CLASS}
"""
_POLICIES = f"""
SELECT format('%I.%I %I', n.nspname, c.relname, p.polname), pg_get_userbyid(c.relowner),
       format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s', p.polname, n.nspname, c.relname,
              CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
              CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                            ELSE 'ALL' END,
              r.names, ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
       format('DROP POLICY %I ON %I.%I', p.polname, n.nspname, c.relname)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL
     (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ', ' ORDER BY o::regrole::text) AS names
      FROM unnest(p.polroles) o) r
WHERE {CLASS}
"""
_CLEANED = (
    "autovacuum_enabled", "vacuum_index_cleanup", "vacuum_truncate", "log_autovacuum_min_duration",
    *(f"autovacuum_vacuum_{what}" for what in (
        "threshold", "scale_factor", "insert_threshold", "insert_scale_factor", "cost_delay", "cost_limit")),
    *(f"autovacuum_{of}freeze_{what}" for of in ("", "multixact_") for what in ("min_age", "max_age", "table_age")),
)  # fmt: skip
_STORED = (
    "fillfactor", "parallel_workers", "toast_tuple_target", "user_catalog_table", "autovacuum_analyze_threshold",
    "autovacuum_analyze_scale_factor", *_CLEANED,
)  # fmt: skip
_ROW_SECURITY = f"""
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       concat({_TABLE}, CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END, ' ROW LEVEL SECURITY, ',
              CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END, ' ROW LEVEL SECURITY, ',
              'REPLICA IDENTITY ',
              CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'd' THEN 'DEFAULT' ELSE (
                  SELECT format('USING INDEX %I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                  WHERE i.indrelid = c.oid AND i.indisreplident) END,
              CASE WHEN c.relkind = 'r' THEN concat(', ', o.clustered, ', ', o.reset, o.set) END), ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL
     (SELECT 'RESET ({", ".join((*_STORED, *(f"toast.{one}" for one in _CLEANED)))})' AS reset,
             ', SET (' || (
                 SELECT string_agg(format('%s%I = %L', of, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)), ', ')
                 FROM (SELECT '' AS of, unnest(c.reloptions) AS s UNION ALL SELECT 'toast.', unnest(t.reloptions)
                       FROM pg_class t WHERE t.oid = c.reltoastrelid) x) || ')' AS set,
             coalesce((SELECT format('CLUSTER ON %I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                       WHERE i.indrelid = c.oid AND i.indisclustered), 'SET WITHOUT CLUSTER') AS clustered) o
WHERE c.relkind IN ('r', 'p') AND {CLASS}
UNION ALL
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       concat_ws('; ', format('ALTER VIEW %I.%I RESET (security_barrier, check_option)', n.nspname, c.relname),
                 format('ALTER VIEW %I.%I SET (', n.nspname, c.relname) || array_to_string(c.reloptions, ', ') || ')'),
       ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND {CLASS}
"""
_STATISTICS = f"""
SELECT format('%I.%I', n.nspname, s.stxname), pg_get_userbyid(s.stxowner),
       concat(pg_get_statisticsobjdef(s.oid), format('; ALTER STATISTICS %I.%I SET STATISTICS ', n.nspname, s.stxname)
              || nullif(nullif(to_jsonb(s)->>'stxstattarget', '-1'), '0')),
       format('DROP STATISTICS %I.%I', n.nspname, s.stxname)
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE {OWN.format(oid="s.oid", catalogue="pg_statistic_ext")}
"""
STATEMENTS = {
    "schemas": _SCHEMAS, "extensions": _EXTENSIONS, "types": _TYPES, "sequences": _SEQUENCES, "functions": _FUNCTIONS,
    "columns": _COLUMNS, "defaults": _DEFAULTS, "constraints": _CONSTRAINTS, "indexes": _INDEXES, "views": _VIEWS,
    "rules": _RULES, "triggers": _TRIGGERS, "policies": _POLICIES, "relations": _ROW_SECURITY,
    "statistics": _STATISTICS,
}  # fmt: skip
ANEW = ("policies", "rules", "triggers", "constraints", "indexes", "statistics")
"""Kinds of which one that changed is dropped and made anew."""
REPLACED = ("functions", "views")
"""Kinds of which one that changed is replaced, or made anew where it cannot be."""
DOMAINS = f"""
SELECT t.oid::regtype::text, concat('ALTER DOMAIN ', t.oid::regtype, coalesce(' SET DEFAULT ' || t.typdefault,
       ' DROP DEFAULT'), '; ALTER DOMAIN ', t.oid::regtype, CASE WHEN t.typnotnull THEN ' SET' ELSE ' DROP' END,
       ' NOT NULL')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND {TYPE}
"""
ENUMS = f"""
SELECT t.oid::regtype::text, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid WHERE {TYPE}
GROUP BY t.oid
"""
