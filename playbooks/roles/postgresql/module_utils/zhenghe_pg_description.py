"""What defines a database, object by object, as both ends can say it: kind, name, and a text that tells everything.

Reads catalogues only. Texts are the server's own words for the object. Objects of extensions come with the extension,
the schema zhenghe belongs to the move; what a table's partitions or a range bring along is told by those.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

OWN = """
n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
AND NOT EXISTS (SELECT FROM pg_depend x
                WHERE x.objid = {oid} AND x.deptype = 'e' AND x.classid = '{catalogue}'::regclass)
"""
# A range's constructors come with the range.
ROUTINE = (
    OWN.format(oid="p.oid", catalogue="pg_proc")
    + """
AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'i' AND x.classid = 'pg_proc'::regclass)
"""
)
CLASS = OWN.format(oid="c.oid", catalogue="pg_class")
TYPE = OWN.format(oid="t.oid", catalogue="pg_type")
_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_NOT_OF_EXTENSION = "NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = {oid} AND x.deptype = 'e')"
# Neither of an extension nor of another object.
_MADE = (
    "{oid} >= 16384 AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = {oid} "
    "AND x.classid = '{catalogue}'::regclass AND x.deptype IN ('e', 'i'))"
)

# PostgreSQL 15 and 17 keep what ICU is asked for in columns of their own.
_LOCALE = "coalesce(c.{}, to_jsonb(c)->>'colliculocale', to_jsonb(c)->>'colllocale')"

# A dump writes them in the order of their names.
_OPTIONS = "array_to_string(ARRAY(SELECT o FROM unnest({}) o ORDER BY o), ',')"
DESCRIPTION = {
    "schemas": f"""
        SELECT quote_ident(n.nspname), '' FROM pg_namespace n
        WHERE {OWN.format(oid="n.oid", catalogue="pg_namespace")}""",
    "relations": f"""
        SELECT format('%I.%I', n.nspname, c.relname),
               concat_ws(' ', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','),
                         (SELECT 'toast ' || array_to_string(t.reloptions, ',') FROM pg_class t
                          WHERE t.oid = c.reltoastrelid),
                         (SELECT 'clustered on ' || x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                          WHERE i.indrelid = c.oid AND i.indisclustered),
                         CASE WHEN c.relrowsecurity THEN 'row security' END,
                         CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                         CASE WHEN c.relkind NOT IN ('r', 'p') THEN NULL
                              WHEN c.relreplident = 'n' THEN 'identity nothing'
                              WHEN c.relreplident = 'f' THEN 'identity full'
                              WHEN c.relreplident = 'i' THEN 'identity index' END,
                         CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END,
                         pg_get_expr(c.relpartbound, c.oid), nullif(c.reloftype, 0)::regtype,
                         (SELECT 'inherits ' || string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno)
                          FROM pg_inherits WHERE inhrelid = c.oid))
        FROM {_RELATIONS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {CLASS}""",
    "columns": f"""
        SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname),
               concat_ws(' ', a.attnum - (SELECT count(*) FROM pg_attribute g WHERE g.attrelid = c.oid
                                          AND g.attisdropped AND g.attnum BETWEEN 1 AND a.attnum),
                         format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                         nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
                         CASE WHEN a.attcollation NOT IN (0, 100) THEN a.attcollation::regcollation END,
                         CASE WHEN a.attstorage <> y.typstorage THEN 'storage ' || a.attstorage::text END,
                         'statistics ' || nullif(a.attstattarget, -1),
                         (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(a.attoptions) o WHERE o !~ '^pg_'))
        FROM {_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type y ON y.oid = a.atttypid
        WHERE c.relkind IN ('r', 'p', 'c') AND {CLASS}""",
    "defaults": f"""
        SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
        WHERE {CLASS}""",
    "constraints": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.conparentid = 0 AND {CLASS}
        UNION ALL SELECT format('%s %I', t.oid::regtype, k.conname), pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE {TYPE}""",
    "indexes": f"""
        SELECT i.indexrelid::regclass::text,
               concat_ws(' ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'invalid' END,
                         (SELECT string_agg(format('statistics %s %s', a.attnum, a.attstattarget), ', '
                                            ORDER BY a.attnum)
                          FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget > 0))
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {CLASS}""",
    "views": f"""
        SELECT format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid)
        FROM {_RELATIONS} WHERE c.relkind IN ('v', 'm') AND {CLASS}""",
    "rules": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, r.rulename), pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE r.rulename <> '_RETURN' AND {CLASS}""",
    "policies": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, p.polname),
               concat_ws(' ', p.polcmd, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
                         (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ', '
                                            ORDER BY o::regrole::text COLLATE "C") FROM unnest(p.polroles) o),
                         'using', pg_get_expr(p.polqual, p.polrelid),
                         'check', pg_get_expr(p.polwithcheck, p.polrelid))
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {CLASS}""",
    "triggers": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {CLASS}""",
    "states of triggers": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, t.tgname),
               CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always'
                                ELSE 'replica' END
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND t.tgconstraint = 0 AND {CLASS}""",
    "states of foreign keys": f"""
        WITH RECURSIVE top (oid, root) AS (
            SELECT oid, oid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
            UNION ALL SELECT k.oid, top.root FROM pg_constraint k JOIN top ON k.conparentid = top.oid)
        SELECT format('%I.%I %I of %s', n.nspname, c.relname, k.conname, k.conrelid::regclass),
               string_agg(DISTINCT CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled'
                                                    WHEN 'A' THEN 'always' ELSE 'replica' END, ' ')
        FROM pg_trigger t JOIN top ON top.oid = t.tgconstraint JOIN pg_constraint k ON k.oid = top.root
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND {CLASS} GROUP BY 1""",
    "functions": f"""
        SELECT p.oid::regprocedure::text,
               concat_ws(E'\\n', p.prokind, l.lanname, p.provolatile, CASE WHEN p.prosecdef THEN 'security definer' END,
                         CASE WHEN p.proleakproof THEN 'leakproof' END, CASE WHEN p.proisstrict THEN 'strict' END,
                         p.proparallel, p.procost, p.prorows, pg_get_function_result(p.oid),
                         pg_get_function_arguments(p.oid), array_to_string(p.proconfig, ','),
                         CASE WHEN l.lanname <> 'c' THEN p.prosrc END, {{sqlbody}}
                         concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                                   a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn,
                                   a.aggtranstype::regtype, a.agginitval, a.aggmtranstype::regtype, a.aggminitval,
                                   nullif(a.aggsortop, 0)::regoperator))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid WHERE {ROUTINE}""",
    "types": f"""
        SELECT t.oid::regtype::text,
               concat_ws(' ', t.typtype, CASE WHEN t.typnotnull THEN 'not null' END, t.typdefault,
                         CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                         CASE WHEN t.typcollation NOT IN (0, 100) THEN t.typcollation::regcollation END,
                         (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                          FROM pg_enum e WHERE e.enumtypid = t.oid),
                         (SELECT concat_ws(' ', r.rngsubtype::regtype, nullif(r.rngcanonical, 0)::regprocedure,
                                           nullif(r.rngsubdiff, 0)::regprocedure,
                                           nullif(r.rngcollation, 0)::regcollation)
                          FROM pg_range r WHERE r.rngtypid = t.oid))
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class k ON k.oid = t.typrelid
        WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r') AND coalesce(k.relkind, 'c') = 'c' AND t.typcategory <> 'A'
          AND {TYPE}""",
    "sequences": f"""
        SELECT format('%I.%I', n.nspname, c.relname),
               concat_ws(' ', 'type', s.seqtypid::regtype, 'start', s.seqstart, 'increment', s.seqincrement,
                         'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END,
                         (SELECT 'of ' || format('%s.%I', d.refobjid::regclass, a.attname) FROM pg_depend d
                          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                          WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {CLASS}""",
    "event triggers": f"""
        SELECT quote_ident(evtname),
               concat_ws(' ', evtevent, evtfoid::regprocedure, array_to_string(evttags, ','),
                         CASE evtenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always'
                                         ELSE 'replica' END)
        FROM pg_event_trigger e WHERE evtname !~ '^zhenghe_' AND {_NOT_OF_EXTENSION.format(oid="e.oid")}""",
    "extensions": "SELECT extname, extnamespace::regnamespace::text FROM pg_extension WHERE extname <> 'plpgsql'",
    "publications": """
        SELECT quote_ident(p.pubname),
               concat_ws(' ', CASE WHEN p.puballtables THEN 'all tables' END, p.pubinsert, p.pubupdate, p.pubdelete,
                         p.pubtruncate, p.pubviaroot,
                         (SELECT string_agg(r.prrelid::regclass::text, ', '
                                            ORDER BY r.prrelid::regclass::text COLLATE "C")
                          FROM pg_publication_rel r WHERE r.prpubid = p.oid))
        FROM pg_publication p WHERE p.pubname !~ '^zhenghe_'""",
    "statistics": f"""
        SELECT format('%I.%I', n.nspname, s.stxname), concat_ws(' ', pg_get_statisticsobjdef(s.oid),
               'target ' || nullif(nullif(to_jsonb(s)->>'stxstattarget', '-1'), '0'))
        FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
        WHERE {OWN.format(oid="s.oid", catalogue="pg_statistic_ext")}""",
    "operators": f"""
        SELECT o.oid::regoperator::text, concat_ws(' ', o.oprcode, nullif(o.oprcom, 0)::regoperator,
               nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)
        FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
        WHERE {OWN.format(oid="o.oid", catalogue="pg_operator")}""",
    "operator classes": f"""
        SELECT format('%I.%I %s', n.nspname, o.opcname, a.amname),
               concat_ws(' ', o.opcintype::regtype, o.opcdefault, nullif(o.opckeytype, 0)::regtype)
        FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace
        WHERE {OWN.format(oid="o.oid", catalogue="pg_opclass")}""",
    "operator families": f"""
        SELECT format('%I.%I %s', n.nspname, f.opfname, m.amname), concat_ws(E'\\n', '',
               (SELECT string_agg(concat_ws(' ', a.amopstrategy, a.amoppurpose, a.amopopr::regoperator,
                                            nullif(a.amopsortfamily, 0)), ', '
                                  ORDER BY a.amopstrategy, a.amopopr::regoperator::text COLLATE "C")
                FROM pg_amop a WHERE a.amopfamily = f.oid),
               (SELECT string_agg(concat_ws(' ', a.amprocnum, a.amproc::regprocedure), ', '
                                  ORDER BY a.amprocnum, a.amproc::regprocedure::text COLLATE "C")
                FROM pg_amproc a WHERE a.amprocfamily = f.oid))
        FROM pg_opfamily f JOIN pg_am m ON m.oid = f.opfmethod JOIN pg_namespace n ON n.oid = f.opfnamespace
        WHERE {OWN.format(oid="f.oid", catalogue="pg_opfamily")}""",
    "access methods": f"""
        SELECT quote_ident(m.amname), concat_ws(' ', m.amtype, m.amhandler) FROM pg_am m
        WHERE {_MADE.format(oid="m.oid", catalogue="pg_am")}""",
    "transforms": f"""
        SELECT format('%s for %I', t.trftype::regtype, l.lanname),
               concat_ws(' ', nullif(t.trffromsql, 0)::regprocedure, nullif(t.trftosql, 0)::regprocedure)
        FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
        WHERE {_MADE.format(oid="t.oid", catalogue="pg_transform")}""",
    "casts": f"""
        SELECT format('%s as %s', castsource::regtype, casttarget::regtype),
               concat_ws(' ', nullif(castfunc, 0)::regprocedure, castcontext, castmethod)
        FROM pg_cast c WHERE {_MADE.format(oid="c.oid", catalogue="pg_cast")}""",
    "collations": f"""
        SELECT format('%I.%I', n.nspname, c.collname), concat_ws(' ', c.collprovider, {_LOCALE.format("collcollate")},
               {_LOCALE.format("collctype")}, c.collisdeterministic)
        FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
        WHERE {OWN.format(oid="c.oid", catalogue="pg_collation")}""",
    "text search": f"""
        SELECT format('dictionary %I.%I', n.nspname, d.dictname), concat_ws(' ', m.tmplname, d.dictinitoption)
        FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
        JOIN pg_ts_template m ON m.oid = d.dicttemplate
        WHERE {OWN.format(oid="d.oid", catalogue="pg_ts_dict")}
        UNION ALL SELECT format('template %I.%I', n.nspname, d.tmplname), concat_ws(' ', d.tmplinit, d.tmpllexize)
        FROM pg_ts_template d JOIN pg_namespace n ON n.oid = d.tmplnamespace
        WHERE {OWN.format(oid="d.oid", catalogue="pg_ts_template")}
        UNION ALL SELECT format('parser %I.%I', n.nspname, d.prsname),
               concat_ws(' ', d.prsstart, d.prstoken, d.prsend, d.prsheadline, d.prslextype)
        FROM pg_ts_parser d JOIN pg_namespace n ON n.oid = d.prsnamespace
        WHERE {OWN.format(oid="d.oid", catalogue="pg_ts_parser")}
        UNION ALL SELECT format('configuration %I.%I', n.nspname, f.cfgname),
               (SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapdict::regdictionary), ', '
                                  ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = f.oid)
        FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace
        WHERE {OWN.format(oid="f.oid", catalogue="pg_ts_config")}""",
    "languages": f"""
        SELECT quote_ident(lanname), concat_ws(' ', lanpltrusted, nullif(lanplcallfoid, 0)::regproc,
               nullif(laninline, 0)::regproc, nullif(lanvalidator, 0)::regproc) FROM pg_language l
        WHERE {_MADE.format(oid="l.oid", catalogue="pg_language")}""",
    # Options may be secrets: a text of several lines is compared, and never told.
    "foreign servers": f"""
        SELECT quote_ident(srvname), concat_ws(E'\\n', srvtype, srvversion, quote_ident(fdwname),
                                               {_OPTIONS.format("srvoptions")})
        FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw""",
    "foreign data wrappers": f"""
        SELECT quote_ident(fdwname), concat_ws(E'\\n', nullif(fdwhandler, 0)::regproc,
                                               nullif(fdwvalidator, 0)::regproc, {_OPTIONS.format("fdwoptions")})
        FROM pg_foreign_data_wrapper w WHERE {_MADE.format(oid="w.oid", catalogue="pg_foreign_data_wrapper")}""",
    "comments": f"""
        SELECT (SELECT type || ' ' || identity FROM pg_identify_object(d.classoid, d.objoid, d.objsubid)), d.description
        FROM pg_description d WHERE d.objoid >= 16384 AND {_NOT_OF_EXTENSION.format(oid="d.objoid")}
          AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.oid = d.objoid)
          AND d.classoid <> 'pg_largeobject'::regclass
          AND (SELECT identity FROM pg_identify_object(d.classoid, d.objoid, d.objsubid)) !~ 'zhenghe[._]'
        UNION ALL SELECT 'database', description FROM pg_shdescription s JOIN pg_database b ON b.oid = s.objoid
        WHERE s.classoid = 'pg_database'::regclass AND b.datname = current_database()""",
    "security labels": "SELECT objtype || ' ' || objname, provider || ' ' || label FROM pg_seclabels",
}
SQL_BODY = "pg_get_function_sqlbody(p.oid),"
"""Of functions since PostgreSQL 14."""
