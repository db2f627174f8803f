EXECUTE IMMEDIATE FROM 'run_itself.sql';
