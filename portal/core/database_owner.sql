-- Run by the server's superuser in the portal's database, once and after each upgrade of the portal (docs/decisions/0017).
-- The owner of the database, who migrates and grants, is no superuser: this is what it needs beyond its own tables.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'takedown_owner') THEN
        CREATE ROLE takedown_owner LOGIN CREATEROLE;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO takedown_owner', current_database());
END $$;
CREATE EXTENSION IF NOT EXISTS vector;

-- To pass on to the application, which purges (manage.py roles).
GRANT pg_checkpoint, pg_read_all_stats TO takedown_owner WITH ADMIN OPTION;
GRANT EXECUTE ON FUNCTION pg_switch_wal(), pg_ls_waldir(), pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean)
    TO takedown_owner WITH GRANT OPTION;
-- To look through the raw files for what was purged (manage.py purge --verify).
GRANT EXECUTE ON FUNCTION pg_ls_dir(text), pg_read_binary_file(text, bigint, bigint, boolean) TO takedown_owner;

-- Large objects belong to no table: no grant, no purge and no retention would reach what somebody puts there.
DO $$ DECLARE one regprocedure; BEGIN
    FOR one IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$;

-- PostgreSQL shows everybody counters and sizes that move with every case. They are for whoever works here, and not for
-- regulators, who read releases (docs/decisions/0018-nobody-decides-unseen.md). `manage.py roles` passes them on.
-- BEGIN counters
DO $$ DECLARE what text; BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'takedown_counters') THEN
        CREATE ROLE takedown_counters NOLOGIN;
    END IF;
    FOR what IN
        SELECT format('EXECUTE ON FUNCTION %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
          AND (proname ~ '^(pg_stat_.*|pg_.*_size|pg_current_(wal_.*|snapshot|xact_id.*)|txid_current.*|pg_last_.*)$'
               OR proname IN ('pg_sequence_last_value', 'pg_lock_status', 'pg_get_replication_slots'))
        UNION ALL
        SELECT format('SELECT ON pg_catalog.%I', relname) FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND has_table_privilege('public', oid, 'SELECT')
          AND relname ~ '^(pg_stat(io)?_.*|pg_class|pg_locks|pg_sequences|pg_replication_slots)$'
    LOOP
        EXECUTE format('REVOKE %s FROM PUBLIC', what);
        EXECUTE format('GRANT %s TO takedown_counters', what);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'takedown_owner') THEN
        GRANT takedown_counters TO takedown_owner WITH ADMIN OPTION;
    END IF;
END $$;
-- END counters
